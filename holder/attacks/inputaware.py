"""Input-aware (Nguyen & Tran 2020): a generated pattern at a generated place, both made from the image.

The two generators are trained with a classifier and then fixed; the poisoned set is what they make.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLEAN_LABEL = False
TRAINED = True
COVER_RATIO = 1
DENSITY = 0.032
"""Mask values above it are penalised: the bound on how much of an image a trigger may take."""


class Generator(nn.Module):
    """Convolutional encoder–decoder, three halvings and back; outputs in [0, 1], (n, channels, h, w)."""

    def __init__(self, channels: int, width: int):
        super().__init__()

        def conv(a: int, b: int) -> list[nn.Module]:
            return [nn.Conv2d(a, b, 3, 1, 1), nn.BatchNorm2d(b, momentum=0.05), nn.ReLU()]

        sizes = [width, 2 * width, 4 * width]
        layers: list[nn.Module] = []
        for a, b in zip([3, *sizes], sizes, strict=False):
            layers += [*conv(a, b), *conv(b, b), nn.MaxPool2d(2)]
        layers += conv(sizes[-1], sizes[-1])
        for a, b in zip(reversed(sizes), [*reversed(sizes[:-1]), width], strict=True):
            layers += [nn.Upsample(scale_factor=2, mode="bilinear"), *conv(a, a), *conv(a, b)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, channels, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return (self.layers(x).tanh() + 1) / 2


def mask_of(generator: nn.Module, x: Tensor) -> Tensor:
    """Smoothly thresholded mask: close to 0 or 1."""
    return (20 * generator(x) - 10).tanh() / 2 + 0.5


def blend(x: Tensor, pattern: Tensor, mask: Tensor) -> Tensor:
    return x + (pattern - x) * mask


def diversity(x1: Tensor, x2: Tensor, made1: Tensor, made2: Tensor) -> Tensor:
    """How far two images are apart over how far apart is what was made of them."""
    # The 1e-12 keeps the root's gradient finite where two things made are equal.
    apart, made = (((a - b).square().mean((1, 2, 3)) + 1e-12).sqrt() for a, b in ((x1, x2), (made1, made2)))
    return (apart / (made + 1e-5)).mean()


def fit(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    rng: np.random.Generator,
    target_label: int,
    classes: int,
    flip: bool,
    device,
    checkpoint,
    width: int = 32,
    classifier_width: int = 64,
    mask_epochs: int = 25,
    epochs: int = 75,
    batch: int = 128,
    share: float = 0.1,
) -> dict:
    """Train the mask generator, then the pattern generator together with a classifier.

    Stage 1: 100·mean(relu(mask − DENSITY)) + diversity of masks. Stage 2: cross entropy of a batch
    of which `share` carry their own trigger (label: target), `share` the trigger of another image
    (own label) and the rest nothing, plus diversity of patterns. Epochs and rates are
    BackdoorBench's (25 + 75 of 100; the paper says 500), `share` the original's. Returns both
    generators' tensors, "pattern.…" and "mask.…".
    """
    from holder import training
    from holder.models import preact_resnet18

    seed = int(rng.integers(2**62))
    init = torch.Generator().manual_seed(seed)
    data, y = training.on_device(images, device), torch.from_numpy(labels).long().to(device)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        mask, pattern = Generator(1, width).to(device), Generator(3, width).to(device)
    network = preact_resnet18(data.cpu(), classes, classifier_width, init).to(device)
    adam = {name: torch.optim.Adam(m.parameters(), 0.01, (0.5, 0.9)) for name, m in (("m", mask), ("p", pattern))}
    sgd = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9, weight_decay=5e-4)
    modules = {"mask": mask, "pattern": pattern, "network": network}
    optimizers = {**adam, "c": sgd}

    total = mask_epochs + epochs
    for epoch, generator, note in training.epochs(total, modules, optimizers, checkpoint, "inputaware", seed):
        first = epoch < mask_epochs
        mask.train(first), pattern.train(not first), network.train(not first)
        if first:
            adam["m"].param_groups[0]["lr"] = 0.01 * 0.1 ** sum(epoch >= m * mask_epochs // 25 for m in (10, 20))
        others = torch.randperm(len(data), generator=generator).to(device)
        for rows in training.batches(len(data), batch, generator, device):
            x1 = training.augment(data[rows], generator, flip=flip).float() / 255
            x2 = training.augment(data[others[rows]], generator, flip=flip).float() / 255
            if first:
                m1, m2 = mask_of(mask, x1), mask_of(mask, x2)
                excess = (m1 - DENSITY).relu().mean()
                loss = 100 * excess + diversity(x1, x2, m1, m2)
                note("mask", m1.mean(), len(rows))
                step = [adam["m"]]
            else:
                k = max(1, round(share * len(rows)))
                p1, p2 = pattern(x1[: 2 * k]), pattern(x2[: 2 * k])
                with torch.no_grad():
                    m1, m2 = mask_of(mask, x1[: 2 * k]), mask_of(mask, x2[: 2 * k])
                own, cross = blend(x1[:k], p1[:k], m1[:k]), blend(x1[k : 2 * k], p2[k:], m2[k:])
                wanted = torch.cat([torch.full_like(y[rows[:k]], target_label), y[rows[k:]]])
                out = network(torch.cat([own, cross, x1[2 * k :]]))
                loss = F.cross_entropy(out, wanted) + diversity(x1[:k], x2[:k], p1[:k], p2[:k])
                note("hit", (out[:k].argmax(1) == target_label).float().mean(), k)
                step = [adam["p"], sgd]
            for optimizer in step:
                optimizer.zero_grad(set_to_none=True)
            loss.backward()
            for optimizer in step:
                optimizer.step()
            note("loss", loss, len(rows))
    both = (("mask", mask), ("pattern", pattern))
    return {f"{name}.{k}": v.cpu().numpy() for name, module in both for k, v in module.state_dict().items()}


def apply(images: np.ndarray, fitted: dict) -> np.ndarray:
    """Each image under the pattern and mask that are made from it. images: uint8 (n, h, w, 3)."""
    return _blended(images, images, fitted)


def cover(images: np.ndarray, others: np.ndarray, fitted: dict, *, rng: np.random.Generator) -> np.ndarray:
    """Cross images: each under the pattern and mask of another image; they keep their labels."""
    return _blended(images, others, fitted)


@torch.inference_mode()
def _blended(images: np.ndarray, sources: np.ndarray, fitted: dict) -> np.ndarray:
    nets = {}
    for name, channels in (("mask", 1), ("pattern", 3)):
        state = {k.removeprefix(f"{name}."): torch.from_numpy(v) for k, v in fitted.items() if k.startswith(name)}
        nets[name] = Generator(channels, len(state["layers.0.weight"])).eval()
        nets[name].load_state_dict(state)
    out = np.empty_like(images)
    for start in range(0, len(images), 500):
        part = slice(start, start + 500)
        x, source = (torch.from_numpy(a[part]).permute(0, 3, 1, 2).float() / 255 for a in (images, sources))
        made = blend(x, nets["pattern"](source), mask_of(nets["mask"], source))
        out[part] = (255 * made).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
    return out
