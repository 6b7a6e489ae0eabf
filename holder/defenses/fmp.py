"""FMP (Huang & Bu 2024) on the classifier: neurons whose reversed feature fools the head most."""

import math

import torch
from torch import Tensor

from holder.head import Head, logits


def prune(
    head: Head,
    z: Tensor,
    y: Tensor,
    *,
    generator: torch.Generator,
    epsilon: float = 0.1,
    samples: int = 1000,
    ratio: float = 0.015625,
) -> tuple[Tensor, int]:
    """Score 1 − (accuracy on features perturbed for neuron i); prune the first ceil(ratio · l).

    Feature reverse generation for one linear unit is a single sign step: the loss on the unit's
    output has gradient ±w_i, and up is the direction in which a ReLU unit can always move, so the
    perturbed feature is clip(z + epsilon·sign(w_i), 0, 1). Accuracy is against the training
    labels as given, over `samples` random training images. The ratio is that of the published
    method (1/64 of a layer); the paper gives neither it nor epsilon.
    """
    rows = torch.randperm(len(z), generator=generator)[:samples].to(z.device)
    z, y = z[rows], y[rows]
    correct = torch.stack([(logits(head, (z + epsilon * w.sign()).clamp_(0, 1)).argmax(1) == y).sum() for w in head.w1])
    return 1 - correct / len(z), math.ceil(ratio * len(head.b1))
