"""Neural Cleanse (Wang et al. 2019): the smallest trigger to each label; a label with an outlying one is unlearned.

For every label a mask and a pattern are sought with which clean images are classified as that label: Adam at .1
with β (.5, .9) on cross entropy plus a cost times the mask's L1 norm, whose cost doubles after five epochs at 98 %
success and falls by 2^1.5 after five below. Labels whose norm lies below the median by more than two median absolute
deviations (times 1.4826) are flagged. If there are any, the network is fine-tuned on clean images of which a fifth
carry a flagged label's trigger and keep their true labels; else it is returned as it was. Settings as the paper's
A.15 and, where that is silent, BackdoorBench's.

The labels are one batch: all of them see the same clean images, and a step moves all masks at once. Neither Adam nor
evaluation mode mixes them, so each label takes the steps that it would take alone.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holder.defending import Given, autocast, pixels, step
from holder.models import load_preact_resnet18
from holder.seeds import torch_generator
from holder.training import batches, epochs

NEEDS = ("network", "clean_data")
CHUNK = {"cpu": 256, "cuda": 4096}


class Triggers(nn.Module):
    """Mask (l, 1, h, w) and pattern (l, c, h, w) of every label, and where the search for each stands.

    The parameters are free; `shown` maps them to [0, 1] by tanh. All labels start at the same random values.
    """

    def __init__(self, labels: int, shape: tuple[int, int, int], cost: float, generator: torch.Generator):
        super().__init__()
        channels, h, w = shape
        start = torch.atanh(1.96 * torch.rand(channels + 1, h, w, generator=generator) - 0.98)
        self.mask = nn.Parameter(start[:1].repeat(labels, 1, 1, 1))
        self.pattern = nn.Parameter(start[1:].repeat(labels, 1, 1, 1))
        self.register_buffer("cost", torch.full((labels,), cost))
        self.register_buffer("active", torch.ones(labels, dtype=torch.bool))
        self.register_buffer("best_mask", torch.zeros_like(self.mask.data))
        self.register_buffer("best_pattern", torch.zeros_like(self.pattern.data))
        for name in ("best_norm", "compared_norm"):
            self.register_buffer(name, torch.full((labels,), torch.inf))
        for name in ("above", "below", "stalled"):
            self.register_buffer(name, torch.zeros(labels, dtype=torch.long))
        for name in ("raised", "lowered"):
            self.register_buffer(name, torch.zeros(labels, dtype=torch.bool))

    def shown(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Masks and patterns of some labels (m,), in [0, 1]."""
        return self.mask[labels].tanh() / 2 + 0.5, self.pattern[labels].tanh() / 2 + 0.5

    @torch.no_grad()
    def found(self) -> tuple[Tensor, Tensor]:
        """The smallest successful mask of every label and its pattern; the last ones where none succeeded."""
        mask, pattern = self.shown(torch.arange(len(self.cost), device=self.cost.device))
        none = self.best_norm.isinf()[:, None, None, None]
        return torch.where(none, mask, self.best_mask), torch.where(none, pattern, self.best_pattern)

    @torch.no_grad()
    def adapt(
        self,
        success: Tensor,
        *,
        threshold: float = 0.98,
        patience: int = 5,
        stop_patience: int = 25,
        stop_ratio: float = 0.99,
    ) -> None:
        """Close an epoch in which a share `success` (l,) of the images went to each label: costs, bests, who is done.

        A label is done when its cost has risen and fallen before and its best norm has not shrunk below
        stop_ratio of what it was for stop_patience epochs.
        """
        mask, pattern = self.shown(torch.arange(len(self.cost), device=self.cost.device))
        norm = mask.sum((1, 2, 3))
        hit = success >= threshold
        better = self.active & hit & (norm < self.best_norm)
        for best, new in ((self.best_norm, norm), (self.best_mask, mask), (self.best_pattern, pattern)):
            best[better] = new[better]
        shrunk = self.best_norm.isinf() | (self.best_norm < stop_ratio * self.compared_norm)
        self.stalled.copy_(torch.where(shrunk, 0, self.stalled + 1))
        self.compared_norm.copy_(torch.minimum(self.compared_norm, self.best_norm))
        self.above.copy_(torch.where(hit, self.above + 1, 0))
        self.below.copy_(torch.where(hit, 0, self.below + 1))
        up, down = self.above >= patience, self.below >= patience
        self.cost[up] *= 2
        self.cost[down] /= 2**1.5
        self.above[up], self.below[down] = 0, 0
        self.raised |= up
        self.lowered |= down
        self.active &= ~(self.raised & self.lowered & (self.stalled >= stop_patience))


def bfloat16(device: torch.device) -> bool:
    """Whether the search is in bfloat16: on a GPU, and on a CPU that has it, where it takes half the time."""
    able = torch.cpu.get_capabilities()
    return device.type == "cuda" or bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def stamped(x: Tensor, mask: Tensor, pattern: Tensor) -> Tensor:
    """Images x (b, c, h, w) under each of m triggers: (m·b, c, h, w), trigger by trigger."""
    out = x + mask[:, None] * (pattern[:, None] - x)
    return out.flatten(0, 1).contiguous(memory_format=torch.channels_last)


def search(network: nn.Module, x: Tensor, triggers: Triggers, labels: Tensor, chunk: int | None) -> Tensor:
    """Add to the triggers' gradients those of one batch x for some labels (m,); the share (m,) that each misled.

    network: its parameters need no gradient. `chunk` images at most are in the network at once, or one batch; None is
    CHUNK. It is a matter of memory and speed: a CPU loses time to page faults when its tensors are large.
    """
    success, chunk = [], chunk or CHUNK[x.device.type]
    for some in labels.split(max(1, chunk // len(x))):
        mask, pattern = triggers.shown(some)
        wanted = some.repeat_interleave(len(x))
        with torch.autocast(x.device.type, torch.bfloat16, enabled=bfloat16(x.device)):
            logits = network(stamped(x, mask, pattern)).float()
        loss = F.cross_entropy(logits, wanted, reduction="sum") / len(x)
        (loss + (triggers.cost[some] * mask.sum((1, 2, 3))).sum()).backward()
        success.append((logits.argmax(1) == wanted).view(len(some), len(x)).float().mean(1))
    return torch.cat(success)


def reverse(
    given: Given,
    network: nn.Module,
    *,
    epochs_: int,
    batch: int = 256,
    learning_rate: float = 0.1,
    cost: float = 0.001,
    chunk: int | None = None,
    **rules: float,
) -> Triggers:
    """The triggers of all labels of a network in evaluation mode, sought on the clean data; rules: of `adapt`."""
    images, device = given.clean_images, given.clean_images.device
    generator = torch_generator(*given.coordinates, "start")
    triggers = Triggers(given.classes, tuple(images.shape[1:]), cost, generator).to(device)
    adam = torch.optim.Adam(triggers.parameters(), lr=learning_rate, betas=(0.5, 0.9))
    network.eval().requires_grad_(False)
    stages = epochs(epochs_, {"triggers": triggers}, {"adam": adam}, given.stage("triggers"), *given.coordinates, 1)
    for _, generator, note in stages:
        active = triggers.active.nonzero()[:, 0]
        if not len(active):
            break
        total, seen = torch.zeros(given.classes, device=device), 0
        for rows in batches(len(images), batch, generator, device):
            adam.zero_grad()
            success = search(network, pixels(images[rows]), triggers, active, chunk)
            adam.step()
            total[active] += success * len(rows)
            seen += len(rows)
            note("success", success.mean(), len(rows))
        triggers.adapt(total / seen, **rules)
    network.requires_grad_(True)
    return triggers


def anomaly(norms: Tensor) -> Tensor:
    """Distance of each norm (l,) from the median in median absolute deviations × 1.4826."""
    off = (norms - norms.quantile(0.5)).abs()
    return off / (1.4826 * off.quantile(0.5)).clamp(min=1e-12)


def flag(norms: Tensor) -> Tensor:
    """Labels whose norm lies below the median with an anomaly index above 2, int64."""
    return ((norms < norms.quantile(0.5)) & (anomaly(norms) > 2)).nonzero()[:, 0]


def defend(
    given: Given,
    *,
    search_epochs: int = 80,
    batch: int = 256,
    chunk: int | None = None,
    learning_rate: float = 0.1,
    cost: float = 0.001,
    threshold: float = 0.98,
    patience: int = 5,
    stop_patience: int = 25,
    stop_ratio: float = 0.99,
    unlearn_epochs: int = 100,
    unlearn_rate: float = 0.01,
    stamped_share: float = 0.2,
) -> tuple[nn.Module, dict]:
    """The backdoored network, fine-tuned if a label was flagged and unchanged if none was.

    Facts: by label, L1 norms of the masks and of the patterns under them, and the anomaly index; the labels flagged;
    the precision of the search.
    """
    network = load_preact_resnet18(given.network).to(given.images.device, memory_format=torch.channels_last)
    triggers = reverse(
        given,
        network,
        epochs_=search_epochs,
        batch=batch,
        chunk=chunk,
        learning_rate=learning_rate,
        cost=cost,
        threshold=threshold,
        patience=patience,
        stop_patience=stop_patience,
        stop_ratio=stop_ratio,
    )
    mask, pattern = triggers.found()
    norms = mask.sum((1, 2, 3))
    flagged = flag(norms)
    if len(flagged):
        unlearn(given, network, mask[flagged], pattern[flagged], unlearn_epochs, batch, unlearn_rate, stamped_share)
    return network.eval(), {
        "mask_norms": norms.tolist(),
        "pattern_norms": (mask * pattern).sum((1, 2, 3)).tolist(),
        "anomaly": anomaly(norms).tolist(),
        "flagged": flagged.tolist(),
        "bfloat16": bfloat16(norms.device),
    }


def unlearn(
    given: Given,
    network: nn.Module,
    mask: Tensor,
    pattern: Tensor,
    epochs_: int,
    batch: int,
    learning_rate: float,
    stamped_share: float,
) -> None:
    """Fine-tune in place on clean data; a share of each batch carries one of the triggers and keeps its labels."""
    images, labels, device = given.clean_images, given.clean_labels, given.clean_images.device
    sgd = torch.optim.SGD(network.parameters(), lr=learning_rate, momentum=0.9, weight_decay=5e-4)
    stages = epochs(epochs_, {"network": network}, {"sgd": sgd}, given.stage("unlearn"), *given.coordinates, 2)
    for _, generator, note in stages:
        network.train()
        for rows in batches(len(images), batch, generator, device):
            x = pixels(images[rows], generator, flip=given.flip)
            k = round(stamped_share * len(rows))
            which = torch.randint(len(mask), (k,), generator=generator).to(device)
            x[:k] += mask[which] * (pattern[which] - x[:k])
            with autocast(device):
                loss = F.cross_entropy(network(x), labels[rows])
            step(sgd, loss)
            note("loss", loss, len(rows))
