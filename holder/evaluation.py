"""What a ranking does on the data of one cell: its whole curve on every population, on one device."""

import platform
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from holder.head import Head, scale
from holder.poisoning import laid_over
from holder.pruning import curve

Features = dict[str, np.ndarray]
"""A features file: "features" (n, d), "labels" (n,) and, for overlays, "index" (n,) into the clean rows."""


class Split(NamedTuple):
    """Scaled features z (n, d) and labels y (n,), int64, on the head's device."""

    z: Tensor
    y: Tensor


def split(head: Head, clean: Features, overlay: Features | None = None) -> Split:
    """Features as the head sees them; an overlay's rows replace the clean ones."""
    features, labels = clean["features"], clean["labels"]
    if overlay:
        features = laid_over(features, overlay["index"], overlay["features"])
        labels = laid_over(labels, overlay["index"], overlay["labels"])
    device = head.w1.device
    return Split(
        scale(torch.from_numpy(features).to(device), head.lo, head.hi), torch.from_numpy(labels).long().to(device)
    )


def curves_on_test(head: Head, order: Tensor, test: Split, triggered: Split, target_label: int) -> dict[str, Tensor]:
    """Counts after pruning 0, 1, …, l neurons, int64 (l + 1,) each.

    correct: clean test images classified right; hits: triggered test images classified as the target; recovered: as
    their true class, which is never the target.
    """
    (correct,) = curve(head, order, test.z, test.y)
    target = torch.full_like(triggered.y, target_label)
    hits, recovered = curve(head, order, triggered.z, target, triggered.y)
    return {"correct": correct, "hits": hits, "recovered": recovered}


def curves(
    head: Head, order: Tensor, train: Split, test: Split, triggered: Split, target_label: int
) -> dict[str, Tensor]:
    """`curves_on_test` and, under "train", training images classified as labelled, poisoned labels included."""
    (kept,) = curve(head, order, train.z, train.y)
    return {"train": kept, **curves_on_test(head, order, test, triggered, target_label)}


def coordinates(wildcards, defense: str, extractor: str) -> dict:
    """Where a metrics file stands in a table; wildcards are a cell's, as Snakemake gives them."""
    return {
        "dataset": wildcards.dataset,
        "attack": wildcards.attack,
        "extractor": extractor,
        "defense": defense,
        "poison_rate": float(wildcards.poison_rate),
        "seed": int(wildcards.seed),
    }


def made_by(device: torch.device, images: dict, sha256: dict | None = None, **settings: object) -> dict:
    """What a metrics file says of its making: settings and hashes that an images file carries and those given."""
    return {
        **{key: images[key] for key in ("dataset_settings", "attack_settings", "surrogate")},
        **settings,
        "sha256": {"dataset": images["sha256"], **(sha256 or {})},
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
        "device": torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, {platform.machine()}",
    }
