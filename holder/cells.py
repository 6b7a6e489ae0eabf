"""The images of one cell as jobs on whole networks read them, and what a network does on its test images."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from holder import store
from holder.metrics import metrics
from holder.poisoning import POISON, laid_over
from holder.training import on_device, predict


class Poisoned(NamedTuple):
    """images uint8 (n, 3, 32, 32) and labels int64 (n,) on the device, as a defender gets them.

    poisoned: bool (n,), which images carry the trigger; for measuring, never for a defense.
    """

    images: Tensor
    labels: Tensor
    poisoned: np.ndarray


def poisoned(train: str, overlay: str, device: torch.device) -> Poisoned:
    """The training set of a cell: the clean images file with the overlay's rows laid over."""
    clean, rows = store.load(train, "images", "labels"), store.load(overlay)
    images, labels = (laid_over(clean[k], rows["index"], rows[k]) for k in ("images", "labels"))
    mask = np.zeros(len(labels), bool)
    mask[rows["index"][rows["role"] == POISON]] = True
    return Poisoned(on_device(images, device), torch.from_numpy(labels).long().to(device), mask)


class Tests(NamedTuple):
    """Clean test images and labels, triggered ones and their true labels: uint8 on the device, and arrays."""

    clean: Tensor
    clean_labels: np.ndarray
    triggered: Tensor
    true_labels: np.ndarray


def tests(clean: str, triggered: str, device: torch.device) -> Tests:
    """Both test sets of a cell; triggered images of the target class were never made."""
    a, b = (store.load(path, "images", "labels") for path in (clean, triggered))
    return Tests(on_device(a["images"], device), a["labels"], on_device(b["images"], device), b["labels"])


def rates(network: nn.Module | Callable[[Tensor], Tensor], images: Tests, target_label: int) -> dict:
    """ACC, ASR and RA with their counts (holder/metrics.py) of a network on pixels in [0, 1]."""
    clean, triggered = predict(network, images.clean), predict(network, images.triggered)
    return metrics(
        correct=int((clean == images.clean_labels).sum()),
        clean=len(clean),
        hits=int((triggered == target_label).sum()),
        recovered=int((triggered == images.true_labels).sum()),
        triggered=len(triggered),
    )
