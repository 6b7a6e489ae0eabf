"""CLP (Zheng et al. 2022) on the classifier: neurons whose Lipschitz constant stands out (A.15)."""

import torch
from torch import Tensor

from holder.head import Head


def prune(head: Head, z: Tensor, y: Tensor, *, generator: torch.Generator, u: float = 1.0) -> tuple[Tensor, int]:
    """Score ‖w_i‖₂; prune the neurons above mean + u · standard deviation of the layer.

    A neuron relu(w·z + b) has Lipschitz constant ‖w‖₂: the spectral norm of a channel that reads
    a single position. The paper prunes above mean + std, so u = 1. Uses no data.
    """
    scores = head.w1.norm(dim=1)
    return scores, int((scores > scores.mean() + u * scores.std()).sum())
