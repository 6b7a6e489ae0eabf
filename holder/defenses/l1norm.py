"""Control: neurons by the L1 norm of their incoming weights, largest first.

Without clamping at the box, every neuron's Hölder constant is ε^(1−α) times this norm, whatever
the data: what HP gains over this control is due to the clamping and to inactive units alone.
"""

import torch
from torch import Tensor

from holder.head import Head

CONTROL = True


def prune(head: Head, z: Tensor, y: Tensor, *, generator: torch.Generator) -> tuple[Tensor, None]:
    """Score ‖w_i‖₁; a control has no operating point of its own and is read at HP's."""
    return head.w1.abs().sum(1), None
