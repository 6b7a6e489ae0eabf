"""Randomness that depends on where a number stands in the grid and on nothing else."""

import hashlib

import numpy as np


def seed(*coordinates: object) -> int:
    """63-bit integer from the cell's coordinates, e.g. `seed("poison", "cifar10", "sig", 0)`.

    The same on every machine and in every process (SHA-256 of the coordinates' text), so the
    order in which jobs run, or which of them run, changes no draw.
    """
    text = "\x1f".join(str(c) for c in coordinates)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(*coordinates: object) -> np.random.Generator:
    """NumPy generator seeded by `seed(*coordinates)`."""
    return np.random.default_rng(seed(*coordinates))


def torch_generator(*coordinates: object):
    """CPU torch generator seeded by `seed(*coordinates)`."""
    import torch

    return torch.Generator().manual_seed(seed(*coordinates))
