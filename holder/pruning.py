"""What a ranking of hidden neurons is worth: accuracy after every number of pruned neurons."""

import torch
from torch import Tensor

from holder.head import Head, hidden

BLOCK = 64
"""Neurons added to the logits at a time."""

TILE = 2**22
"""Classes × rows × neurons held at once."""


def order_of(scores: Tensor) -> Tensor:
    """Neurons from the first to prune (highest score) to the last; ties by index."""
    return torch.argsort(scores, descending=True, stable=True)


def curve(head: Head, order: Tensor, z: Tensor, *labels: Tensor) -> Tensor:
    """How many rows are classified as `labels`, after pruning the first 0, 1, …, l neurons.

    z: scaled features (n, d); each of `labels` is (n,). Returns int64 (len(labels), l + 1), on
    the CPU. A pruned neuron's output is zero. One pass: the logits are built up from the empty
    layer, the neuron that is pruned last being added first, so nothing is ever subtracted. A tie
    of the two highest logits counts once, for the labels named first.
    """
    added = order.flip(0)
    outgoing = head.w2[:, None, added]
    counts = torch.zeros(len(labels), len(order) + 1, dtype=torch.int64, device=z.device)
    for rows in torch.arange(len(z), device=z.device).split(max(1, TILE // (BLOCK * len(head.b2)))):
        active = hidden(head, z[rows])[:, added]
        total = head.b2[:, None, None].expand(-1, len(rows), 1)
        _count(counts[:, :1], total, labels, rows)
        for start in range(0, len(order), BLOCK):
            columns = slice(start, start + BLOCK)
            total = (active[:, columns] * outgoing[..., columns]).cumsum_(-1).add_(total[..., -1:])
            _count(counts[:, 1:][:, columns], total, labels, rows)
    return counts.flip(1).cpu()


def _count(counts: Tensor, logits: Tensor, labels: tuple[Tensor, ...], rows: Tensor) -> None:
    """Add to counts (len(labels), k) how many of the logits (classes, rows, k) peak at each label.

    The maximum over a leading dimension vectorises; argmax over the last takes twenty times longer.
    """
    highest = logits.amax(0)
    predicted = torch.full_like(highest, -1, dtype=torch.int64)
    for found, y in zip(counts, labels, strict=True):
        label = y[rows][:, None].expand(highest.shape)
        hit = (logits.gather(0, label[None])[0] == highest) & ((predicted == -1) | (predicted == label))
        predicted = torch.where(hit, label, predicted)
        found += hit.sum(0)


def most_within(correct: Tensor, drop: float, step: int = 1) -> int:
    """Most neurons, going up in steps, before the first step that costs more than `drop`.

    correct: (l + 1,) correctly classified rows of the training set as given, poisoned labels
    included, since a defender cannot tell them apart. `drop` is relative to the unpruned head.
    """
    counts = torch.arange(0, len(correct), step)
    too_far = correct[counts] < correct[0] * (1 - drop)
    return int(counts[too_far.int().argmax() - 1]) if too_far.any() else int(counts[-1])
