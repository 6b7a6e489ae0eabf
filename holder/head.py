"""The classifier on frozen features: min-max scaling and a two-layer MLP (A.13, Algorithm 2 line 3)."""

import logging
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

log = logging.getLogger(__name__)


class Head(NamedTuple):
    """Scaler and weights: lo, hi (d,); w1 (l, d), b1 (l,); w2 (classes, l), b2 (classes,); float32."""

    lo: Tensor
    hi: Tensor
    w1: Tensor
    b1: Tensor
    w2: Tensor
    b2: Tensor


def scale(z: Tensor, lo: Tensor, hi: Tensor) -> Tensor:
    """Min-max scaling per feature dimension with the training set's bounds, clamped to [0, 1].

    Test features may leave the training range; without the clamp they would leave the box that
    the Hölder perturbation lives in. A constant dimension becomes 0.
    """
    width = hi - lo
    return ((z - lo) / torch.where(width > 0, width, torch.ones_like(width))).clamp_(0, 1)


def hidden(head: Head, z: Tensor) -> Tensor:
    """Hidden activations relu(w1·z + b1), (n, l), for scaled features z (n, d)."""
    return F.linear(z, head.w1, head.b1).relu_()


def logits(head: Head, z: Tensor) -> Tensor:
    """Class scores (n, classes) for scaled features z (n, d)."""
    return F.linear(hidden(head, z), head.w2, head.b2)


def train(
    z: Tensor,
    y: Tensor,
    classes: int,
    *,
    generator: torch.Generator,
    hidden: int = 1024,
    epochs: int = 100,
    learning_rate: float = 1e-3,
    batch: int = 256,
) -> Head:
    """Train on raw features z (n, d) and labels y (n,), both on the device to train on.

    Cross entropy and Adam, hidden size, epochs and learning rate as in A.13; the batch size is
    not in the paper. `generator` (on the CPU) decides initial weights and order.
    """
    lo, hi = z.amin(0), z.amax(0)
    z = scale(z, lo, hi)
    shapes = [(hidden, z.shape[1]), (hidden,), (classes, hidden), (classes,)]
    # PyTorch's default for a linear layer: uniform within 1/sqrt(inputs), biases too.
    bounds = [z.shape[1] ** -0.5] * 2 + [hidden**-0.5] * 2
    weights = [
        ((torch.rand(shape, generator=generator) * 2 - 1) * bound).to(z.device).requires_grad_()
        for shape, bound in zip(shapes, bounds, strict=True)
    ]
    head = Head(lo, hi, *weights)
    optimizer = torch.optim.Adam(weights, lr=learning_rate, fused=True)
    for epoch in range(1, epochs + 1):
        order = torch.randperm(len(z), generator=generator).to(z.device)
        total = torch.zeros((), device=z.device)
        for rows in order.split(batch):
            loss = F.cross_entropy(logits(head, z[rows]), y[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(rows)
        if epoch % max(1, epochs // 10) == 0:
            log.info("epoch %d of %d: loss %.4f", epoch, epochs, total.item() / len(z))
    return Head(*(t.detach() for t in head))
