"""Control: neurons in random order. What HP gains over it is due to the Hölder constants."""

import torch
from torch import Tensor

from holder.head import Head

CONTROL = True


def prune(head: Head, z: Tensor, y: Tensor, *, generator: torch.Generator) -> tuple[Tensor, None]:
    """Scores uniform in [0, 1); a control has no operating point of its own and is read at HP's."""
    return torch.rand(len(head.b1), generator=generator).to(z.device), None
