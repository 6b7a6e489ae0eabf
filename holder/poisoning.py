"""Which images an attack poisons, and the overlay that results."""

from types import ModuleType

import numpy as np

from holder.errors import HolderError


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
    index: np.ndarray,
    target_label: int,
    settings: dict,
) -> dict[str, np.ndarray]:
    """The overlay: `index` (int64), the poisoned `images` (uint8) and their `labels` (uint8).

    An attack whose training images differ from its test images (an adversarial perturbation
    below the trigger, say) has a function `poison` beside `apply`.
    """
    make = getattr(attack, "poison", attack.apply)
    poisoned = make(images[index], fitted, **settings)
    new_labels = labels[index] if attack.CLEAN_LABEL else np.full(len(index), target_label, labels.dtype)
    return {"index": index.astype(np.int64), "images": poisoned, "labels": new_labels}


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
