"""ABL (Li et al. 2021a): isolate what is learned first, train on the rest, unlearn the isolated.

Settings as the paper's A.15: 20 epochs with flooding at .5, the 1 % of lowest loss isolated, 60 epochs on the
other 99 %, 20 epochs of gradient ascent on the isolated. Learning rates, momentum and weight decay as in
BackdoorBench; no augmentation before the isolation, so that losses tell the images apart.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holder.defending import Given, Kept, autocast, losses, lowest, pixels, step
from holder.models import preact_resnet18
from holder.seeds import torch_generator
from holder.training import batches, epochs

NEEDS = ()


def flooded(loss: Tensor, flooding: float) -> Tensor:
    """|L − γ| + γ: descent above γ, ascent below, so that no image is learned further than γ."""
    return (loss - flooding).abs() + flooding


def lga(loss: Tensor, flooding: float) -> Tensor:
    """Local gradient ascent, sign(L − γ)·L: the same gradient."""
    return torch.sign(loss - flooding).detach() * loss


def defend(
    given: Given,
    *,
    pretrain_epochs: int = 20,
    finetune_epochs: int = 60,
    unlearn_epochs: int = 20,
    loss: str = "flooding",
    flooding: float = 0.5,
    isolation: float = 0.01,
    batch: int = 128,
    learning_rate: float = 0.01,
    unlearn_rate: float = 0.0001,
) -> tuple[nn.Module, dict]:
    """A network trained from scratch; facts: how many images were isolated (`isolated_index` says which).

    loss: "flooding" or "lga". The fine-tuning rate falls tenfold at two thirds of its epochs.
    """
    images, labels, device = given.images, given.labels, given.images.device
    network = preact_resnet18(images.cpu(), given.classes, given.width, torch_generator(*given.coordinates)).to(device)
    network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=learning_rate, momentum=0.9, weight_decay=1e-4, nesterov=True)
    kept = Kept(isolated=torch.zeros(len(images), dtype=torch.bool, device=device))
    shape = {"flooding": flooded, "lga": lga}[loss]
    begins = {"finetune": pretrain_epochs, "unlearn": pretrain_epochs + finetune_epochs}
    total = begins["unlearn"] + unlearn_epochs
    modules = {"network": network, "kept": kept}
    for epoch, generator, note in epochs(total, modules, {"sgd": optimizer}, given.stage("abl"), *given.coordinates):
        if epoch == begins["finetune"]:
            kept.isolated.copy_(lowest(losses(network, images, labels), isolation))
        phase = max((name for name, first in begins.items() if epoch >= first), key=begins.get, default="pretrain")
        late = epoch >= begins["finetune"] + finetune_epochs * 2 // 3
        rate = {"pretrain": learning_rate, "finetune": learning_rate * (0.1 if late else 1), "unlearn": unlearn_rate}
        for group in optimizer.param_groups:
            group["lr"] = rate[phase]
        rows = {"pretrain": torch.ones_like(kept.isolated), "finetune": ~kept.isolated, "unlearn": kept.isolated}
        pool = rows[phase].nonzero()[:, 0]
        network.train()
        for some in batches(len(pool), batch, generator, device):
            x = pixels(images[pool[some]], generator if phase == "finetune" else None, flip=given.flip)
            with autocast(device):
                plain = F.cross_entropy(network(x), labels[pool[some]])
                target = {"pretrain": shape(plain, flooding), "finetune": plain, "unlearn": -plain}[phase]
            step(optimizer, target)
            note(phase, plain, len(some))
    return network.eval(), {
        "isolated": int(kept.isolated.sum()),
        "isolated_index": kept.isolated.nonzero()[:, 0].tolist(),
    }
