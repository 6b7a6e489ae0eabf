"""Training on small images: the data live on the device, and a killed job goes on where it was.

`epochs` is the whole engine: it hands out epochs with a generator of their own, logs, and keeps a
checkpoint of everything that changes, so that a resumed run takes the same steps on the same draws.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holder import store
from holder.errors import HolderError
from holder.seeds import seed

log = logging.getLogger(__name__)

SAVE_SECONDS = 20
"""A checkpoint is written at the end of an epoch once this much time has passed since the last."""


class Checkpoint:
    """A file beside a job's output that survives the job; `key` says what it belongs to."""

    def __init__(self, output: str | Path, key: str):
        self.path, self.key = Path(f"{output}.checkpoint"), key

    def load(self) -> tuple[int, dict[str, Tensor]]:
        """Finished epochs and tensors by name; (0, {}) if there is none for this key."""
        try:
            info = store.info(self.path)
            if info["key"] == self.key:
                return info["epoch"], {k: torch.from_numpy(v) for k, v in store.load(self.path).items()}
            log.info("%s belongs to other settings or code and is not used", self.path)
        except HolderError as error:
            if self.path.exists():
                log.info("%s It is not used.", error)
        return 0, {}

    def save(self, epoch: int, tensors: dict[str, Tensor]) -> None:
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
        store.save(self.path, arrays, key=self.key, epoch=epoch)

    def clear(self) -> None:
        """Remove the file; call it when the output is written."""
        self.path.unlink(missing_ok=True)


def epochs(
    count: int,
    modules: dict[str, nn.Module],
    optimizers: dict[str, torch.optim.Optimizer],
    checkpoint: Checkpoint | None,
    *coordinates: object,
) -> Iterator[tuple[int, torch.Generator, Callable[[str, Tensor, int], None]]]:
    """Yield (epoch from 0, CPU generator, note) for every epoch that is not in the checkpoint.

    The generator is seeded by the coordinates and the epoch, so what an epoch draws does not
    depend on whether the ones before it ran in this process. `note(name, value, n)` adds a batch's
    mean over n items to the epoch's line in the log.
    """
    done, saved = checkpoint.load() if checkpoint else (0, {})
    if done:
        _restore(saved, modules, optimizers)
        log.info("resumed after epoch %d of %d", done, count)
    started = last_save = time.monotonic()
    for epoch in range(done, count):
        totals: dict[str, list] = {}

        def note(name: str, value: Tensor, n: int = 1, totals: dict = totals) -> None:
            entry = totals.setdefault(name, [0.0, 0])
            entry[0] = entry[0] + value.detach() * n
            entry[1] += n

        yield epoch, torch.Generator().manual_seed(seed(*coordinates, epoch)), note
        means = ", ".join(f"{name} {float(total) / n:.4f}" for name, (total, n) in totals.items())
        left = (time.monotonic() - started) / (epoch - done + 1) * (count - epoch - 1)
        log.info("epoch %d of %d: %s; about %.0f s left", epoch + 1, count, means, left)
        if checkpoint and epoch + 1 < count and time.monotonic() - last_save >= SAVE_SECONDS:
            checkpoint.save(epoch + 1, _tensors(modules, optimizers))
            last_save = time.monotonic()


def _tensors(modules: dict[str, nn.Module], optimizers: dict[str, torch.optim.Optimizer]) -> dict[str, Tensor]:
    found = {f"{name}/{key}": t for name, module in modules.items() for key, t in module.state_dict().items()}
    for name, optimizer in optimizers.items():
        for i, state in optimizer.state_dict()["state"].items():
            found |= {f"{name}/{i}/{key}": t for key, t in state.items() if isinstance(t, Tensor)}
    return found


def _restore(saved: dict[str, Tensor], modules: dict[str, nn.Module], optimizers: dict) -> None:
    for name, module in modules.items():
        own = {k.removeprefix(f"{name}/"): v for k, v in saved.items() if k.startswith(f"{name}/")}
        module.load_state_dict(own)
    for name, optimizer in optimizers.items():
        states: dict[int, dict] = {}
        for key, tensor in saved.items():
            if key.startswith(f"{name}/"):
                i, entry = key.removeprefix(f"{name}/").split("/")
                states.setdefault(int(i), {})[entry] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": states})


def batches(n: int, size: int, generator: torch.Generator, device: torch.device) -> list[Tensor]:
    """A random order of n rows in batches; a last batch of less than half the size is dropped."""
    parts = list(torch.randperm(n, generator=generator).to(device).split(size))
    return parts[:-1] if len(parts) > 1 and len(parts[-1]) < size // 2 else parts


def augment(x: Tensor, generator: torch.Generator, *, pad: int = 4, flip: bool = True) -> Tensor:
    """Random crop of the zero-padded image and horizontal flip, each image its own, all at once.

    x: (n, 3, h, w) on any device; the draws come from the CPU generator.
    """
    n, _, h, w = x.shape
    shift = torch.randint(0, 2 * pad + 1, (2, n, 1), generator=generator).to(x.device)
    mirror = (torch.rand(n, 1, generator=generator) < 0.5).to(x.device) & flip
    rows = shift[0] + torch.arange(h, device=x.device)
    columns = torch.arange(w, device=x.device).expand(n, w)
    columns = shift[1] + torch.where(mirror, w - 1 - columns, columns)
    padded = F.pad(x, (pad, pad, pad, pad)).permute(0, 2, 3, 1)
    picked = padded[torch.arange(n, device=x.device)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return picked.permute(0, 3, 1, 2)


def classifier(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    *coordinates: object,
    epochs_: int,
    batch: int,
    learning_rate: float,
    flip: bool,
    checkpoint: Checkpoint | None = None,
    perturb: Callable[[nn.Module, Tensor, Tensor, torch.Generator], Tensor] | None = None,
) -> nn.Module:
    """Train with SGD (momentum .9, weight decay 5e-4, cosine), crop and flip; BackdoorBench's settings.

    images: uint8 (n, 3, 32, 32) and labels int64 on the device of `network`. `perturb` may replace
    a batch (pixels in [0, 1]) before the step: adversarial training. bfloat16 on a GPU.
    """
    device = images.device
    network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=learning_rate, momentum=0.9, weight_decay=5e-4)
    for epoch, generator, note in epochs(epochs_, {"network": network}, {"sgd": optimizer}, checkpoint, *coordinates):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * (1 + math.cos(math.pi * epoch / epochs_)) / 2
        network.train()
        for rows in batches(len(images), batch, generator, device):
            x = augment(images[rows], generator, flip=flip).float().div_(255)
            x, y = x.contiguous(memory_format=torch.channels_last), labels[rows]
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                if perturb:
                    x = perturb(network, x, y, generator)
                loss = F.cross_entropy(network(x), y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            note("loss", loss, len(rows))
    return network.eval()


@torch.inference_mode()
def predict(network: nn.Module, images: Tensor, batch: int = 500) -> np.ndarray:
    """Predicted labels int64 (n,) of uint8 images (n, 3, h, w), in evaluation mode."""
    network.eval()
    return torch.cat([network(part.float() / 255).argmax(1) for part in images.split(batch)]).cpu().numpy()


def fast_adversary(epsilon: float) -> Callable[[nn.Module, Tensor, Tensor, torch.Generator], Tensor]:
    """FGSM from a random start (Wong et al. 2020): one step of 1.25·epsilon, kept in the epsilon ball."""

    def perturb(network: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        start = (torch.rand(x.shape, generator=generator) * 2 - 1).to(x.device) * epsilon
        start.requires_grad_()
        (gradient,) = torch.autograd.grad(F.cross_entropy(network(x + start), y), start)
        moved = (start.detach() + 1.25 * epsilon * gradient.sign()).clamp(-epsilon, epsilon)
        return (x + moved).clamp(0, 1)

    return perturb


def pgd(
    network: nn.Module, x: Tensor, y: Tensor, *, epsilon: float, step: float, steps: int, batch: int = 250
) -> Tensor:
    """Untargeted L∞ PGD without a random start: x (n, 3, h, w) in [0, 1], y (n,); same shape back."""
    network.eval()
    out = []
    for clean, label in zip(x.split(batch), y.split(batch), strict=True):
        moved = clean.clone()
        for _ in range(steps):
            moved.requires_grad_()
            (gradient,) = torch.autograd.grad(F.cross_entropy(network(moved), label, reduction="sum"), moved)
            moved = moved.detach() + step * gradient.sign()
            moved = torch.minimum(torch.maximum(moved, clean - epsilon), clean + epsilon).clamp_(0, 1)
        out.append(moved)
    return torch.cat(out)


def on_device(images, device: torch.device) -> Tensor:
    """uint8 NHWC array to uint8 NCHW tensor on the device."""
    return torch.from_numpy(images).to(device).permute(0, 3, 1, 2).contiguous()
