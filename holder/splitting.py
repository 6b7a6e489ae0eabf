"""The sample split that D-ST and D-BR share (Chen et al. 2022b): poisoned images change more under a transformation.

Steps and settings as the paper's A.15 and BackdoorBench: a network trained for two epochs without augmentation,
fine-tuned for ten with a loss that draws the features of a class together, then every image's feature consistency
(FCT), the mean squared difference between its features and those of the image turned by 180° and moved at random.
The 20 % of lowest FCT count as clean, the 5 % of highest as poisoned. One normalisation is used throughout, the
network's own; BackdoorBench trains with one and splits with another.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holder.defending import Given, autocast, outputs, pixels, step
from holder.models import preact_resnet18
from holder.seeds import torch_generator
from holder.training import batches, epochs

CLEAN, POISONED = 1, 2
"""Values of a split; 0 is every other image."""


def intra_class(z: Tensor, y: Tensor) -> Tensor:
    """Mean squared distance of features z (n, d) from the mean of their class in the batch, in their own scale."""
    z = F.normalize(z)
    member = F.one_hot(y).to(z.dtype)
    means = (member.T @ z) / member.sum(0).clamp(min=1)[:, None]
    return (z - means[y]).square().sum(1).mean()


def turned(x: Tensor, generator: torch.Generator, *, shift: float = 0.2) -> Tensor:
    """Each image (n, 3, h, w) turned by 180° and moved by up to `shift` of its size; what comes in is black."""
    n = len(x)
    moved = ((torch.rand(n, 2, generator=generator) * 2 - 1) * 2 * shift).to(x.device)
    theta = torch.zeros(n, 2, 3, device=x.device)
    theta[:, 0, 0] = theta[:, 1, 1] = -1  # cos 180°
    theta[:, :, 2] = moved
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


def split(fct: Tensor, clean_ratio: float, poison_ratio: float) -> Tensor:
    """int8 (n,): CLEAN for the lowest of fct (n,), POISONED for the highest, 0 between."""
    order, n = fct.argsort(stable=True), len(fct)
    out = torch.zeros(n, dtype=torch.int8, device=fct.device)
    out[order[: round(clean_ratio * n)]] = CLEAN
    out[order[n - round(poison_ratio * n) :]] = POISONED
    return out


def sample_split(
    given: Given,
    *,
    train_epochs: int = 2,
    intra_epochs: int = 10,
    clean_ratio: float = 0.2,
    poison_ratio: float = 0.05,
    batch: int = 128,
    learning_rate: float = 0.1,
) -> tuple[Tensor, Tensor, nn.Module]:
    """The split (n,), the FCT of every image (n,) and the network that gave it."""
    images, labels, device = given.images, given.labels, given.images.device
    network = preact_resnet18(images.cpu(), given.classes, given.width, torch_generator(*given.coordinates)).to(device)
    network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=learning_rate, momentum=0.9, weight_decay=1e-4)
    total = train_epochs + intra_epochs
    stages = epochs(total, {"network": network}, {"sgd": optimizer}, given.stage("split"), *given.coordinates)
    for epoch, generator, note in stages:
        trains = epoch < train_epochs
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * (1 if trains else 0.1)
        network.train()
        for rows in batches(len(images), batch, generator, device):
            x, y = pixels(images[rows]), labels[rows]
            with autocast(device):
                loss = F.cross_entropy(network(x), y) if trains else intra_class(network.features(x).float(), y)
            step(optimizer, loss)
            note("loss" if trains else "intra-class loss", loss, len(rows))
    network.eval()
    generator = torch_generator(*given.coordinates, "fct")
    before = outputs(network.features, images)
    after = outputs(lambda x: network.features(turned(x, generator)), images)
    fct = (before - after).square().mean(1)
    return split(fct, clean_ratio, poison_ratio), fct, network
