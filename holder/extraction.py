"""Images to features, batch by batch, resized and normalised on the device."""

import logging
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

log = logging.getLogger(__name__)


class Encoder(NamedTuple):
    """What `build` of an extractor's module returns.

    network: (n, 3, size, size) floats, normalised by mean and std (per channel, for pixels in
    [0, 1]), to (n, width) features. interpolation: "bilinear" or "bicubic".
    """

    network: Callable[[Tensor], Tensor]
    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bilinear"


IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


@torch.inference_mode()
def extract(encoder: Encoder, images: np.ndarray, device: torch.device, batch: int) -> np.ndarray:
    """Features float32 (n, width) of uint8 images (n, h, w, 3). Half precision on a GPU."""
    network = encoder.network
    if isinstance(network, torch.nn.Module):
        network = network.eval().to(device, memory_format=torch.channels_last)
    mean, std = (torch.tensor(v, device=device).view(3, 1, 1) * 255 for v in (encoder.mean, encoder.std))
    out, started, told = [], time.monotonic(), 0
    for start in range(0, len(images), batch):
        x = torch.from_numpy(images[start : start + batch]).to(device).permute(0, 3, 1, 2).float()
        x = F.interpolate(x, size=encoder.size, mode=encoder.interpolation, antialias=True).clamp_(0, 255)
        x = x.sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.float16, enabled=device.type == "cuda"):
            out.append(network(x).float().cpu())
        done = start + len(x)
        if time.monotonic() - started > told + 10 or done == len(images):
            told = time.monotonic() - started
            log.info("%d of %d images, %.0f a second", done, len(images), done / told)
    return torch.cat(out).numpy()
