"""What each hidden neuron does on its own: how predictions change when it alone is removed (for Figure 13)."""

import torch
from torch import Tensor

from holder.head import Head, hidden, logits

TILE = 2**22
"""Classes × rows × neurons held at once."""


def alone(head: Head, z: Tensor, labels: Tensor) -> tuple[Tensor, int]:
    """Rows of scaled features z (n, d) classified as `labels` (n,) without neuron i, (l,), and with all neurons."""
    neurons = len(head.b1)
    counts = torch.zeros(neurons, dtype=torch.int64, device=z.device)
    before = 0
    for rows in torch.arange(len(z), device=z.device).split(max(1, TILE // (64 * len(head.b2)))):
        active, full, y = hidden(head, z[rows]), logits(head, z[rows]), labels[rows]
        before += int((full.argmax(1) == y).sum())
        for some in torch.arange(neurons, device=z.device).split(64):
            without = full.T[:, :, None] - head.w2[:, None, some] * active[None, :, some]  # (classes, rows, some)
            own = without.gather(0, y[None, :, None].expand(1, -1, len(some)))[0]
            counts[some] += (own >= without.amax(0)).sum(0)
    return counts.cpu(), before
