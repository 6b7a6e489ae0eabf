"""Which images an attack poisons, and the overlay that results."""

from types import ModuleType

import numpy as np

from holder.errors import HolderError
from holder.registry import accepted

POISON, COVER = 1, 2
"""Roles of an overlay's rows; every other training image is clean (0)."""


def choose(
    labels: np.ndarray, poison_rate: float, target_label: int, clean_label: bool, rng: np.random.Generator
) -> np.ndarray:
    """Sorted indices of the training images to poison: round(poison_rate · n) of them.

    The poison rate is a share of the whole training set. Dirty-label attacks draw from all
    classes, the target class included; clean-label attacks from the target class alone
    (BackdoorBench's all-to-one convention). Raises HolderError if that class is too small.
    """
    count = round(poison_rate * len(labels))
    pool = np.flatnonzero(labels == target_label) if clean_label else np.arange(len(labels))
    if not 0 < count <= len(pool):
        raise HolderError(
            f"poison_rate {poison_rate:g} of {len(labels)} training images is {count} images, "
            f"and {len(pool)} are there to poison."
        )
    return np.sort(rng.choice(pool, count, replace=False))


def poison(
    attack: ModuleType,
    images: np.ndarray,
    labels: np.ndarray,
    fitted: dict,
    poison_rate: float,
    target_label: int,
    rng: np.random.Generator,
    settings: dict,
    cover_ratio: float = 0,
) -> dict[str, np.ndarray]:
    """The overlay: `index` (int64), `images` (uint8), `labels` (uint8) and `role` (uint8, POISON or COVER).

    An attack whose training images differ from its test images (an adversarial perturbation below
    the trigger, say) has a function `poison` beside `apply`. `cover_ratio` cover images per poisoned
    one, made by the attack's `cover`, keep their labels: they teach a classifier that only the exact
    trigger counts. Rows are sorted by index.
    """
    index = choose(labels, poison_rate, target_label, attack.CLEAN_LABEL, rng)
    make = getattr(attack, "poison", attack.apply)
    poisoned = make(images[index], fitted, **accepted(make, {"index": index, **settings}))
    new_labels = labels[index] if attack.CLEAN_LABEL else np.full(len(index), target_label, labels.dtype)
    rows = {"index": index, "images": poisoned, "labels": new_labels, "role": np.full(len(index), POISON, np.uint8)}
    count = round(cover_ratio * len(index))
    if count:
        rest = np.setdiff1d(np.arange(len(labels)), index)
        if count > len(rest):
            raise HolderError(f"cover_ratio {cover_ratio:g} asks for {count} cover images, {len(rest)} are left.")
        covered = np.sort(rng.choice(rest, count, replace=False))
        others = images[rng.permutation(len(images))[:count]]
        made = attack.cover(images[covered], others, fitted, rng=rng, **accepted(attack.cover, settings))
        more = {"index": covered, "images": made, "labels": labels[covered], "role": np.full(count, COVER, np.uint8)}
        rows = {key: np.concatenate([rows[key], more[key]]) for key in rows}
    order = np.argsort(rows["index"], kind="stable")
    return {key: value[order] for key, value in rows.items()}


def trigger(
    attack: ModuleType, images: np.ndarray, labels: np.ndarray, fitted: dict, target_label: int, settings: dict
) -> dict[str, np.ndarray]:
    """Every image whose true class is not the target, triggered; `labels` are the true ones.

    The population of ASR and RA.
    """
    index = np.flatnonzero(labels != target_label)
    return {"index": index, "images": attack.apply(images[index], fitted, **settings), "labels": labels[index]}


def laid_over(base: np.ndarray, index: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """`base` with the overlay's rows in place of its own: features, labels or images alike."""
    out = base.copy()
    out[index] = rows
    return out
