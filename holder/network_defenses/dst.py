"""D-ST (Chen et al. 2022b): contrastive training that trusts the labels of the clean part of a split alone.

Settings as the paper's A.15 and BackdoorBench: 200 epochs of contrastive learning in which an image of the clean
part has all clean images of its label as positives and any other image its own second view alone; then a linear
classifier for ten epochs with cross entropy on the clean part minus a thousandth of that on the poisoned part.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holder.defending import Given, autocast, pixels, step
from holder.models import preact_resnet18
from holder.seeds import seed, torch_generator
from holder.simclr import augment
from holder.splitting import CLEAN, POISONED
from holder.training import batches, epochs

NEEDS = ("split",)


def contrastive(z: Tensor, groups: Tensor, temperature: float) -> Tensor:
    """Supervised contrastive loss (Khosla et al. 2020) of embeddings z (m, d); equal `groups` (m,) are positives."""
    z = F.normalize(z)
    same = groups[:, None] == groups[None]
    own = torch.eye(len(z), dtype=torch.bool, device=z.device)
    logits = (z @ z.T / temperature).masked_fill(own, -math.inf)
    positives = same & ~own
    log_share = logits - logits.logsumexp(1, keepdim=True)
    return -(log_share.masked_fill(~positives, 0).sum(1) / positives.sum(1)).mean()


def defend(
    given: Given,
    *,
    contrastive_epochs: int = 200,
    classifier_epochs: int = 10,
    batch: int = 512,
    learning_rate: float = 0.5,
    temperature: float = 0.1,
    warm_up: int = 10,
    classifier_rate: float = 5.0,
    poison_weight: float = 0.001,
) -> tuple[nn.Module, dict]:
    """A network trained from scratch; facts: the sizes of the split's parts."""
    images, labels, part, device = given.images, given.labels, given.split, given.images.device
    network = preact_resnet18(images.cpu(), given.classes, given.width, torch_generator(*given.coordinates)).to(device)
    network.to(memory_format=torch.channels_last)
    width = network.linear.in_features
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed(*given.coordinates, "head"))
        head = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 128)).to(device)
    # An image that is not trusted is alone in its group.
    groups = torch.where(part == CLEAN, labels, given.classes + torch.arange(len(labels), device=device))
    body = [p for name, p in network.named_parameters() if not name.startswith("linear.")]
    optimizer = torch.optim.SGD([*body, *head.parameters()], lr=learning_rate, momentum=0.9, weight_decay=1e-4)
    modules = {"network": network, "head": head}
    stages = epochs(contrastive_epochs, modules, {"sgd": optimizer}, given.stage("contrastive"), *given.coordinates, 1)
    for epoch, generator, note in stages:
        rise = min(1.0, (epoch + 1) / max(1, min(warm_up, contrastive_epochs // 2)))
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * rise * (1 + math.cos(math.pi * epoch / contrastive_epochs)) / 2
        network.train()
        for rows in batches(len(images), batch, generator, device):
            x = pixels(images[rows])
            views = torch.cat([augment(x, generator, flip=given.flip) for _ in range(2)])
            with autocast(device):
                z = head(network.features(views.contiguous(memory_format=torch.channels_last))).float()
                loss = contrastive(z, groups[rows].repeat(2), temperature)
            step(optimizer, loss)
            note("contrastive loss", loss, len(rows))
    network.requires_grad_(False)
    network.linear.requires_grad_(True)
    optimizer = torch.optim.SGD(network.linear.parameters(), lr=classifier_rate, momentum=0.9)
    pool = (part != 0).nonzero()[:, 0]
    stages = epochs(
        classifier_epochs, {"network": network}, {"sgd": optimizer}, given.stage("linear"), *given.coordinates, 2
    )
    for epoch, generator, note in stages:
        for group in optimizer.param_groups:
            group["lr"] = classifier_rate * (1 + math.cos(math.pi * epoch / classifier_epochs)) / 2
        network.eval()  # the backbone stays as it is, its normalisation included
        for some in batches(len(pool), batch, generator, device):
            rows = pool[some]
            with autocast(device):
                losses = F.cross_entropy(
                    network(pixels(images[rows], generator, flip=given.flip)), labels[rows], reduction="none"
                )
            clean = (part[rows] == CLEAN).to(losses.dtype)
            loss = (losses * clean).sum() / clean.sum().clamp(min=1)
            loss = loss - poison_weight * (losses * (1 - clean)).sum() / (1 - clean).sum().clamp(min=1)
            step(optimizer, loss)
            note("loss", loss, len(rows))
    sizes = {"clean": int((part == CLEAN).sum()), "poisoned": int((part == POISONED).sum())}
    return network.requires_grad_(True).eval(), sizes
