"""PreAct-ResNet18 for 32×32 images (He et al. 2016b), as BackdoorBench and the paper use it."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Block(nn.Module):
    """BN–ReLU–conv–BN–ReLU–conv; a 1×1 shortcut, fed with the activated input, where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.bn1, self.bn2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        changes = stride > 1 or inputs != outputs
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        active = self.bn1(x).relu()
        kept = x if self.shortcut is None else self.shortcut(active)
        return self.conv2(self.bn2(self.conv1(active)).relu()) + kept


class PreActResNet18(nn.Module):
    """Pixels in [0, 1], (n, 3, 32, 32), to logits (n, classes); normalises by its own mean and std.

    width 64 is the published network: 11,171,146 parameters for ten classes. There is no BN or
    ReLU after the last block, so penultimate features (n, 8·width) may be negative.
    """

    def __init__(self, classes: int, width: int = 64):
        super().__init__()
        self.register_buffer("mean", torch.zeros(3, 1, 1))
        self.register_buffer("std", torch.ones(3, 1, 1))
        self.stem = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        sizes = [width, width, 2 * width, 4 * width, 8 * width]
        blocks = []
        for stage in range(4):
            blocks += [Block(sizes[stage], sizes[stage + 1], 1 if stage == 0 else 2)]
            blocks += [Block(sizes[stage + 1], sizes[stage + 1], 1)]
        self.blocks = nn.Sequential(*blocks)
        self.linear = nn.Linear(8 * width, classes)

    def features(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(self.blocks(self.stem((x - self.mean) / self.std)), 1).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.features(x))


def preact_resnet18(images: Tensor, classes: int, width: int, generator: torch.Generator) -> PreActResNet18:
    """A network with weights drawn from `generator` and the channel mean and std of uint8 images (n, 3, h, w)."""
    network = PreActResNet18(classes, width)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            bound = module.weight[0].numel() ** -0.5
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            if module.bias is not None:
                nn.init.uniform_(module.bias, -bound, bound, generator=generator)
    sample = images[:10_000].float() / 255
    network.mean.copy_(sample.mean((0, 2, 3)).view(3, 1, 1))
    network.std.copy_(sample.std((0, 2, 3)).view(3, 1, 1))
    return network


def load_preact_resnet18(state: dict[str, Tensor]) -> PreActResNet18:
    """The network that a state dict belongs to; classes and width are read off its shapes."""
    network = PreActResNet18(len(state["linear.weight"]), len(state["stem.weight"]))
    network.load_state_dict(state)
    return network.eval()
