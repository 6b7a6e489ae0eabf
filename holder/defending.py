"""What a defense on a whole network is given, and the steps that several of them take."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holder import store
from holder.training import Checkpoint, augment, on_device


class Given(NamedTuple):
    """The poisoned training set as the defender gets it, and what a module's NEEDS names.

    images: uint8 (n, 3, 32, 32) on the device to work on; labels: int64 (n,), poisoned labels included; flip:
    whether training flips images; width: of networks trained from scratch; coordinates: what every draw is
    seeded by; stage: the checkpoint of a named phase.

    network: state of the PreAct-ResNet18 trained on these images; simclr: state of the one that SimCLR trained on
    them; split: int8 (n,), CLEAN, POISONED or 0 (holder/splitting.py); clean_images: uint8 (m, 3, 32, 32) and
    clean_labels: int64 (m,), the clean data of "clean_data" (scripts/clean_data.py).
    """

    images: Tensor
    labels: Tensor
    classes: int
    flip: bool
    width: int
    coordinates: tuple
    stage: Callable[[str], Checkpoint | None]
    network: dict[str, Tensor] | None = None
    simclr: dict[str, Tensor] | None = None
    split: Tensor | None = None
    clean_images: Tensor | None = None
    clean_labels: Tensor | None = None


def needed(name: str, path: str, device: torch.device) -> dict[str, Tensor | dict[str, Tensor]]:
    """The fields of Given that a file fills, by the word for it in a module's NEEDS."""
    arrays = store.load(path)
    if name == "clean_data":
        labels = torch.from_numpy(arrays["labels"]).long().to(device)
        return {"clean_images": on_device(arrays["images"], device), "clean_labels": labels}
    tensors = {k: torch.from_numpy(v).to(device) for k, v in arrays.items()}
    return {name: tensors["split"] if name == "split" else tensors}


def counted(found: dict, poisoned: np.ndarray) -> dict:
    """A defense's facts; for one whose name ends in _index, how many of these images carry the trigger, bool (n,)."""
    indices = {k for k in found if k.endswith("_index")}
    counts = {f"{k.removesuffix('_index')}_poisoned": int(poisoned[found[k]].sum()) for k in indices}
    return {k: v for k, v in found.items() if k not in indices} | counts


class Kept(nn.Module):
    """Tensors that a phase decides on and that a checkpoint must hold beside the networks."""

    def __init__(self, **tensors: Tensor):
        super().__init__()
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor)


def pixels(images: Tensor, generator: torch.Generator | None = None, *, flip: bool = False) -> Tensor:
    """uint8 images (n, 3, h, w) as floats in [0, 1]; cropped and flipped at random if a generator is given."""
    x = augment(images, generator, flip=flip) if generator else images
    return x.float().div_(255).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def outputs(forward: Callable[[Tensor], Tensor], images: Tensor, batch: int = 500) -> Tensor:
    """`forward` over uint8 images (n, 3, h, w), batch by batch: (n, …)."""
    return torch.cat([forward(pixels(part)) for part in images.split(batch)])


def losses(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of every image (n,), in evaluation mode, without augmentation."""
    network.eval()
    return F.cross_entropy(outputs(network, images), labels, reduction="none")


def lowest(per_image: Tensor, share: float) -> Tensor:
    """Mask (n,) of the `share` with the lowest values."""
    mask = torch.zeros(len(per_image), dtype=torch.bool, device=per_image.device)
    mask[per_image.argsort(stable=True)[: round(share * len(per_image))]] = True
    return mask


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 on a GPU, nothing on the CPU."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
