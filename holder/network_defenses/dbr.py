"""D-BR (Chen et al. 2022b): the backdoored network unlearns a split's poisoned part and relearns its clean part.

Both at 1e-4 with batches of 128 for 20 epochs (paper, A.15), the clean part last in every epoch. The paper lists
D-BR among the defenses that are given clean data; it has no use for any beyond its split, and gets none.

As published by BackdoorBench the method collapses (the paper prints an ACC of about 10 %): one normalisation trains
and another one splits, and the ascent has no bound. Here one normalisation is used throughout, the network's own. Our
choices: each gradient is clipped to a norm, and in the ascent batch normalisation is in evaluation mode, so that
statistics of poisoned images alone do not enter the network.
"""

import torch
import torch.nn.functional as F
from torch import nn

from holder.defending import Given, autocast, pixels
from holder.models import load_preact_resnet18
from holder.splitting import CLEAN, POISONED
from holder.training import batches, epochs

NEEDS = ("network", "split")


def defend(
    given: Given,
    *,
    epochs: int = 20,
    batch: int = 128,
    learning_rate: float = 0.0001,
    clip: float = 1.0,
) -> tuple[nn.Module, dict]:
    """The backdoored network after the last epoch; facts: the sizes of the split's parts.

    clip: largest L2 norm of a step's gradient.
    """
    network = load_preact_resnet18(given.network).to(given.images.device, memory_format=torch.channels_last)
    parts = {"unlearn": given.split == POISONED, "relearn": given.split == CLEAN}
    alternate(given, network, parts, epochs, batch, learning_rate, clip)
    return network.eval(), {"clean": int(parts["relearn"].sum()), "poisoned": int(parts["unlearn"].sum())}


def alternate(
    given: Given,
    network: nn.Module,
    parts: dict,
    epochs_: int,
    batch: int,
    learning_rate: float,
    clip: float,
) -> None:
    """Per epoch and in the order given, ascend on the mask (n,) "unlearn" and descend on "relearn"; in place."""
    device = given.images.device
    sgd = torch.optim.SGD(network.parameters(), lr=learning_rate, momentum=0.9, weight_decay=5e-4)
    stages = epochs(epochs_, {"network": network}, {"sgd": sgd}, given.stage("dbr"), *given.coordinates)
    for _, generator, note in stages:
        for name, part in parts.items():
            pool = part.nonzero()[:, 0]
            relearns = name == "relearn"
            network.train(relearns)
            for some in batches(len(pool), batch, generator, device):
                rows = pool[some]
                x = pixels(given.images[rows], generator if relearns else None, flip=given.flip)
                with autocast(device):
                    loss = F.cross_entropy(network(x), given.labels[rows])
                sgd.zero_grad(set_to_none=True)
                (loss if relearns else -loss).backward()
                nn.utils.clip_grad_norm_(network.parameters(), clip)
                sgd.step()
                note(name, loss, len(rows))
