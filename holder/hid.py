"""Hölder Iteration Defense (paper, Section 3.2 and Algorithm 3): one round of it.

A round extracts features with the encoder, trains a fresh classifier on them (60 epochs), prunes it by Hölder
constants (512 neurons in the first round, 128 fewer in each next), calls those training images robustly clean whose
prediction the pruning leaves unchanged, and trains encoder and pruned classifier for 20 epochs: cross
entropy with the given labels on the robustly clean images and λ times the squared distance between the outputs
for two views on the others.

What the paper leaves open and is chosen here: outputs are softmax probabilities, the mean is taken over classes and
images, λ = 1, both views are random crops (and flips), the first view's output is a constant, encoder
and pruned classifier move together, minimum and maximum of the features stay those of the round's start.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holder import head as heads
from holder.defending import Given, autocast, outputs, pixels, step
from holder.defenses.hp import holder_constants
from holder.head import Head
from holder.models import PreActResNet18
from holder.pruning import order_of
from holder.seeds import torch_generator
from holder.training import batches, epochs


class Composite(nn.Module):
    """Encoder, min-max scaling and a two-layer classifier as one network on pixels (n, 3, 32, 32)."""

    def __init__(self, encoder: PreActResNet18, head: Head):
        super().__init__()
        self.encoder = encoder
        for name in ("lo", "hi"):
            self.register_buffer(name, getattr(head, name).clone())
        for name in ("w1", "b1", "w2", "b2"):
            self.register_parameter(name, nn.Parameter(getattr(head, name).clone()))

    def forward(self, x: Tensor) -> Tensor:
        width = self.hi - self.lo
        z = (self.encoder.features(x).float() - self.lo) / torch.where(width > 0, width, torch.ones_like(width))
        # A pruned neuron has zero weights; relu's gradient at zero is zero, so it never comes back.
        return F.linear(F.linear(z, self.w1, self.b1).relu(), self.w2, self.b2)


def classify(
    given: Given, encoder: nn.Module, *, number: int, epochs_: int, hidden: int, epsilon: float, alpha: float
) -> tuple[Head, Tensor, Tensor, Tensor]:
    """A fresh classifier on the encoder's features: (head, scaled features (n, d), order of pruning, constants)."""
    z = outputs(encoder.eval().features, given.images).float().clone()
    generator = torch_generator(*given.coordinates, "classifier", number)
    with torch.inference_mode(False):
        head = heads.train(z, given.labels, given.classes, generator=generator, hidden=hidden, epochs=epochs_)
    scaled = heads.scale(z, head.lo, head.hi)
    scores = holder_constants(head.w1, head.b1, scaled, epsilon=epsilon, alpha=alpha)
    return head, scaled, order_of(scores), scores


def pruned(head: Head, order: Tensor, count: int) -> Head:
    """The head without the first `count` neurons of `order`: their incoming weights and biases are zero."""
    w1, b1 = head.w1.clone(), head.b1.clone()
    w1[order[:count]] = 0
    b1[order[:count]] = 0
    return head._replace(w1=w1, b1=b1)


def robustly_clean(head: Head, less: Head, z: Tensor) -> Tensor:
    """Mask (n,) of scaled features z (n, d) whose predicted class pruning leaves unchanged."""
    return heads.logits(head, z).argmax(1) == heads.logits(less, z).argmax(1)


def refine(
    given: Given,
    network: Composite,
    clean: Tensor,
    *,
    number: int,
    epochs_: int,
    batch: int,
    learning_rate: float,
    consistency: float,
) -> None:
    """Semi-supervised training of a composite in place; `clean` (n,) says which labels are used."""
    images, labels, device = given.images, given.labels, given.images.device
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
    stages = epochs(
        epochs_, {"network": network}, {"adam": optimizer}, given.stage("refine"), *given.coordinates, number
    )
    for _, generator, note in stages:
        network.train()
        for rows in batches(len(images), batch, generator, device):
            sure, unsure = rows[clean[rows]], rows[~clean[rows]]
            parts = [pixels(images[some], generator, flip=given.flip) for some in (sure, unsure, unsure)]
            with autocast(device):
                logits = network(torch.cat(parts).contiguous(memory_format=torch.channels_last))
                known, first, second = logits.split([len(p) for p in parts])
                loss = F.cross_entropy(known, labels[sure]) if len(sure) else logits.sum() * 0
                if len(unsure):
                    distance = (first.softmax(1).detach() - second.softmax(1)).square().mean()
                    loss = loss + consistency * distance
            step(optimizer, loss)
            note("loss", loss, len(rows))
    network.eval()


def part(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The entries of a state dict below a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
