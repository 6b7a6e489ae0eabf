"""Fine-Pruning (Liu et al. 2018) on the classifier: the least active neurons first (A.15)."""

import math

import torch
from torch import Tensor

from holder.head import Head, hidden
from holder.pruning import curve, most_within, order_of


def prune(
    head: Head,
    z: Tensor,
    y: Tensor,
    *,
    generator: torch.Generator,
    step: float = 0.01,
    accuracy_drop: float = 0.1,
) -> tuple[Tensor, int]:
    """Score −(mean activation over the training set); prune `step` of the layer at a time.

    Stops before the step that lowers the accuracy on the training set as given by more than
    `accuracy_drop`, relative to the start. Nothing is fine-tuned: A.15 mentions none and there
    are no clean data.
    """
    total = torch.zeros(len(head.b1), dtype=torch.float64, device=z.device)
    for rows in z.split(8192):
        total += hidden(head, rows).sum(0, dtype=torch.float64)
    scores = -(total / len(z)).float()
    (correct,) = curve(head, order_of(scores), z, y)
    return scores, most_within(correct, accuracy_drop, math.ceil(step * len(scores)))
