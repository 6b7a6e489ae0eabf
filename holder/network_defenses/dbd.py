"""DBD (Huang et al. 2022): features without labels first, then labels for the half that is learned easily.

Settings as the paper's A.15 and BackdoorBench: SimCLR on the poisoned images; ten epochs of a linear classifier on
the frozen features with symmetric cross entropy (.1·CE + RCE); then semi-supervised training (MixMatch, Berthelot
et al. 2019) of the whole network in which, epoch by epoch, the half with the lowest symmetric cross entropy
keeps its labels: 1,024 steps an epoch, batch 64, sharpening .5, Beta(.75), weight 15 with a linear ramp, Adam .002.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holder.defending import Given, Kept, autocast, lowest, outputs, pixels, step
from holder.models import PreActResNet18
from holder.seeds import torch_generator
from holder.training import batches, epochs

NEEDS = ("simclr",)


def symmetric(logits: Tensor, y: Tensor, ce_weight: float = 0.1, floor: float = 1e-4) -> Tensor:
    """Symmetric cross entropy (Wang et al. 2019) per image (n,): ce_weight·CE + RCE, log 0 taken as log `floor`."""
    p = logits.softmax(1).clamp(1e-7, 1)
    reverse = -(p * F.one_hot(y, p.shape[1]).to(p.dtype).clamp(floor, 1).log()).sum(1)
    return ce_weight * F.cross_entropy(logits, y, reduction="none") + reverse


def mixmatch(
    network: nn.Module,
    labelled: Tensor,
    targets: Tensor,
    first: Tensor,
    second: Tensor,
    generator: torch.Generator,
    *,
    sharpening: float,
    beta: float,
) -> tuple[Tensor, Tensor]:
    """Supervised and consistency loss of one batch: pixels `labelled` with one-hot targets, two views of unlabelled."""
    with torch.no_grad():
        guess = (network(first).softmax(1) + network(second).softmax(1)) / 2
        guess = guess ** (1 / sharpening)
        guess = guess / guess.sum(1, keepdim=True)
    x, y = torch.cat([labelled, first, second]), torch.cat([targets, guess, guess])
    gamma = torch._sample_dirichlet(torch.full((1, 2), beta), generator)[0]  # two gammas over their sum: a beta
    keep = float(gamma.max())
    order = torch.randperm(len(x), generator=generator).to(x.device)
    mixed, wanted = torch.lerp(x[order], x, keep), torch.lerp(y[order], y, keep)
    logits = network(mixed)
    n = len(labelled)
    supervised = F.cross_entropy(logits[:n], wanted[:n])
    return supervised, (logits[n:].softmax(1) - wanted[n:]).square().mean()


def defend(
    given: Given,
    *,
    warm_up: int = 10,
    semi_epochs: int = 100,
    iterations: int = 1024,
    labelled_share: float = 0.5,
    batch: int = 64,
    learning_rate: float = 0.002,
    unlabelled_weight: float = 15.0,
    sharpening: float = 0.5,
    beta: float = 0.75,
) -> tuple[nn.Module, dict]:
    """SimCLR's network with a classifier; facts: how many images kept their labels in the last epoch."""
    images, labels, device = given.images, given.labels, given.images.device
    network = PreActResNet18(given.classes, len(given.simclr["stem.weight"]))
    body = {k: v for k, v in given.simclr.items() if not k.startswith("linear.")}
    network.load_state_dict(body, strict=False)
    bound = network.linear.in_features**-0.5
    for p in network.linear.parameters():
        nn.init.uniform_(p, -bound, bound, generator=torch_generator(*given.coordinates))
    network.to(device, memory_format=torch.channels_last).eval()

    z = outputs(network.features, images).clone()
    optimizer = torch.optim.Adam(network.linear.parameters(), lr=learning_rate)
    modules = {"linear": network.linear}
    stages = epochs(warm_up, modules, {"adam": optimizer}, given.stage("warm_up"), *given.coordinates, 1)
    for _, generator, note in stages:
        for rows in batches(len(z), batch, generator, device):
            loss = symmetric(network.linear(z[rows]), labels[rows]).mean()
            step(optimizer, loss)
            note("symmetric cross entropy", loss, len(rows))

    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
    kept = Kept(trusted=torch.zeros(len(images), dtype=torch.bool, device=device))
    modules = {"network": network, "kept": kept}
    stages = epochs(semi_epochs, modules, {"adam": optimizer}, given.stage("semi"), *given.coordinates, 2)
    for epoch, generator, note in stages:
        network.eval()
        kept.trusted.copy_(lowest(symmetric(outputs(network, images), labels), labelled_share))
        network.train()
        known, unknown = kept.trusted.nonzero()[:, 0], (~kept.trusted).nonzero()[:, 0]
        for i in range(iterations):
            weight = unlabelled_weight * min(1.0, (epoch + i / iterations) / semi_epochs)
            a, b = (p[torch.randint(len(p), (batch,), generator=generator).to(device)] for p in (known, unknown))
            x, first, second = (pixels(images[rows], generator, flip=given.flip) for rows in (a, b, b))
            with autocast(device):
                targets = F.one_hot(labels[a], given.classes).to(x.dtype)
                supervised, consistency = mixmatch(
                    network, x, targets, first, second, generator, sharpening=sharpening, beta=beta
                )
                loss = supervised + weight * consistency
            step(optimizer, loss)
            note("supervised", supervised, batch)
            note("consistency", consistency, batch)
    return network.eval(), {"trusted": int(kept.trusted.sum()), "trusted_index": kept.trusted.nonzero()[:, 0].tolist()}
