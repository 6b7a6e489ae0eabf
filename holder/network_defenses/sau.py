"""SAU (Wei et al. 2023): unlearn the adversarial examples that the network shares with its backdoored self.

A frozen copy of the backdoored network is the reference. Each round makes, for every clean batch, examples that
mislead both networks and on which their outputs agree (PGD in an L∞ ball of .2 from its upper bound, five steps of
.2), and then lowers the cross entropy on clean images plus the risk of giving a shared example the reference's wrong
label. Weights .01 (adversarial), 1 (shared), 1 (clean), 1 (shared risk), 100 rounds: paper, A.15. Adam at 1e-4 and
batch normalisation in evaluation mode as in BackdoorBench.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holder.defending import Given, autocast, pixels, step
from holder.models import load_preact_resnet18
from holder.training import batches, epochs

NEEDS = ("network", "clean_data")


def divergence(a: Tensor, b: Tensor) -> Tensor:
    """Jensen–Shannon divergence of softmax outputs, from logits (n, classes); mean over n, in nats, at most ln 2."""
    p, q = a.softmax(1), b.softmax(1)
    middle = ((p + q) / 2).clamp(min=1e-12).log()
    one, two = (F.kl_div(middle, logits.log_softmax(1), reduction="batchmean", log_target=True) for logits in (a, b))
    return (one + two) / 2


def shared_examples(
    network: nn.Module,
    reference: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    bound: float = 0.2,
    step_size: float = 0.2,
    steps: int = 5,
    adversarial_weight: float = 0.01,
    shared_weight: float = 1.0,
) -> Tensor:
    """Images within `bound` of x (n, c, h, w) and [0, 1] that raise both networks' loss and on which they agree."""
    delta = torch.full_like(x, bound)
    for _ in range(steps):
        delta.requires_grad_()
        with autocast(x.device):
            moved = (x + delta).clamp(0, 1)
            a, b = network(moved).float(), reference(moved).float()
        misled = (F.cross_entropy(a, y) + F.cross_entropy(b, y)) / 2
        (slope,) = torch.autograd.grad(adversarial_weight * misled - shared_weight * divergence(a, b), delta)
        delta = (delta.detach() + step_size * slope.sign()).clamp(-bound, bound)
    return (x + delta).clamp(0, 1)


def shared_risk(logits: Tensor, reference: Tensor, y: Tensor) -> Tensor:
    """Mean of −log(1 − p) of the reference's label where that is not y, else 0; logits (n, classes), y (n,)."""
    label = reference.argmax(1)
    others = logits.scatter(1, label[:, None], -torch.inf).logsumexp(1)
    return ((logits.logsumexp(1) - others) * (label != y)).mean()


def defend(
    given: Given,
    *,
    rounds: int = 100,
    batch: int = 256,
    learning_rate: float = 0.0001,
    bound: float = 0.2,
    step_size: float = 0.2,
    steps: int = 5,
    adversarial_weight: float = 0.01,
    shared_weight: float = 1.0,
    clean_weight: float = 1.0,
    risk_weight: float = 1.0,
) -> tuple[nn.Module, dict]:
    """The backdoored network, unlearned; no facts beyond its settings.

    bound, step_size: in pixels of [0, 1]. adversarial_weight and shared_weight make the examples, clean_weight and
    risk_weight train on them.
    """
    images, labels, device = given.clean_images, given.clean_labels, given.clean_images.device
    network, reference = (
        load_preact_resnet18(given.network).to(device, memory_format=torch.channels_last) for _ in range(2)
    )
    reference.requires_grad_(False)
    adam = torch.optim.Adam(network.parameters(), lr=learning_rate)
    stages = epochs(rounds, {"network": network}, {"adam": adam}, given.stage("sau"), *given.coordinates)
    for _, generator, note in stages:
        for rows in batches(len(images), batch, generator, device):
            x, y = pixels(images[rows]), labels[rows]
            moved = shared_examples(
                network,
                reference,
                x,
                y,
                bound=bound,
                step_size=step_size,
                steps=steps,
                adversarial_weight=adversarial_weight,
                shared_weight=shared_weight,
            )
            with autocast(device):
                both = network(torch.cat([x, moved])).float()
                with torch.no_grad():
                    seen = reference(moved).float()
            clean = F.cross_entropy(both[: len(x)], y)
            risk = shared_risk(both[len(x) :], seen, y)
            step(adam, clean_weight * clean + risk_weight * risk)
            note("clean", clean, len(rows))
            note("shared risk", risk, len(rows))
    return network.eval(), {}
