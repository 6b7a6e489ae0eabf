"""CLP (Zheng et al. 2022) on channels: prune those whose Lipschitz bound stands out in their layer. Data-free.

A channel's bound is |γ/σ| of its batch normalisation times the spectral norm of the kernel that feeds it. Channels
above mean + u·std of their layer lose γ and β. u = 3 (paper, A.15, which also scans u = 0 … 10 in 21 steps).

In a pre-activation block bn2 is fed by conv1; bn1 by the stem or the preceding block's conv2 (whose shortcut adds
to it and is left out of the bound). No normalisation follows the last conv2, so it is never pruned.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from holder.defending import Given
from holder.models import PreActResNet18, load_preact_resnet18

NEEDS = ("network",)


def pairs(network: PreActResNet18) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Every normalisation with the convolution that feeds it."""
    before = network.stem
    for block in network.blocks:
        yield before, block.bn1
        yield block.conv1, block.bn2
        before = block.conv2


def bounds(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> Tensor:
    """Lipschitz bound of every channel (c,)."""
    kernels = convolution.weight.flatten(2)  # (c, inputs, k²): one matrix per output channel
    spectral = torch.linalg.matrix_norm(kernels, 2)
    return (norm.weight / norm.running_var.sqrt()).abs() * spectral


@torch.no_grad()
def prune(network: PreActResNet18, u: float) -> int:
    """Zero γ and β of every channel above mean + u·std of its layer, in place; how many they are."""
    count = 0
    for convolution, norm in pairs(network):
        bound = bounds(convolution, norm)
        pruned = bound > bound.mean() + u * bound.std()
        norm.weight[pruned] = 0
        norm.bias[pruned] = 0
        count += int(pruned.sum())
    return count


def defend(given: Given, *, u: float = 3.0) -> tuple[nn.Module, dict]:
    """The pruned network and how many channels it lost."""
    network = load_preact_resnet18(given.network).to(given.images.device)
    return network, {"channels": prune(network, u)}


def sweep(given: Given) -> Iterator[tuple[dict, nn.Module]]:
    """The same for A.15's 21 values of u, for the reader; the table's u is fixed beforehand."""
    for i in range(21):
        network = load_preact_resnet18(given.network).to(given.images.device)
        yield {"u": i / 2, "channels": prune(network, i / 2)}, network
