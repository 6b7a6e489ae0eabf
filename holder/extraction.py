"""Images to features, batch by batch, resized and normalised on the device, streamed to disk."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
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
CLIP = {"mean": (0.48145466, 0.4578275, 0.40821073), "std": (0.26862954, 0.26130258, 0.27577711)}
HALF = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}


class Stream:
    """Rows of features in a file beside a job's output; a killed job goes on behind the last complete batch.

    `key` says what the rows belong to. The file begins with the key and the rows' width.
    """

    def __init__(self, output: str | Path, key: str):
        self.path, self.key = Path(f"{output}.partial"), key

    def resume(self, batch: int) -> int:
        """Number of rows kept: whole batches that were made with this key; anything else is cut off."""
        try:
            with open(self.path, "rb") as file:
                key, width = file.readline().decode().split()
                rows = (self.path.stat().st_size - file.tell()) // (4 * int(width)) // batch * batch
                end = file.tell() + 4 * rows * int(width)
        except (OSError, ValueError):
            return 0
        if key != self.key:
            return 0
        with open(self.path, "r+b") as file:
            file.truncate(end)
        return rows

    def append(self, rows: np.ndarray, first: bool) -> None:
        with open(self.path, "wb" if first else "ab") as file:
            if first:
                file.write(f"{self.key} {rows.shape[1]}\n".encode())
            file.write(np.ascontiguousarray(rows, np.float32))

    def read(self) -> np.ndarray:
        with open(self.path, "rb") as file:
            width = int(file.readline().split()[1])
            return np.fromfile(file, np.float32).reshape(-1, width)

    def clear(self) -> None:
        """Remove the file; call it when the output is written."""
        self.path.unlink(missing_ok=True)


def prepared(encoder: Encoder, x: Tensor) -> Tensor:
    """The network's input from pixels (n, 3, h, w) in 0 to 255: normalised, resized, cut to 0 and 255; x is used up.

    Normalised first, since there are fewer pixels then: a resize's weights sum to one, so the order does not matter.
    """
    mean, std = (torch.tensor(v, device=x.device).view(3, 1, 1) * 255 for v in (encoder.mean, encoder.std))
    x = x.sub_(mean).div_(std)
    if x.shape[-1] == encoder.size:
        return x
    x = F.interpolate(x, size=encoder.size, mode=encoder.interpolation, antialias=True)
    # Enlarging without cubic weights is an average and stays within its pixels.
    overshoots = encoder.interpolation != "bilinear"
    return x.clamp_(-mean / std, (255 - mean) / std) if overshoots else x


@torch.inference_mode()
def extract(encoder: Encoder, images: np.ndarray, device: torch.device, batch: int, stream: Stream) -> np.ndarray:
    """Features float32 (n, width) of uint8 images (n, h, w, 3). Half precision on a GPU.

    Only a batch is held at the network's size. A batch that does not fit into a GPU's memory is halved.
    """
    network = encoder.network
    if isinstance(network, torch.nn.Module):
        network = network.eval().to(device, memory_format=torch.channels_last)
    begun = done = stream.resume(batch)
    if done:
        log.info("resumed after %d of %d images", done, len(images))
    started, told = time.monotonic(), 0.0
    while done < len(images):
        try:
            x = torch.from_numpy(images[done : done + batch]).to(device).permute(0, 3, 1, 2).float()
            x = prepared(encoder, x).contiguous(memory_format=torch.channels_last)
            with torch.autocast(device.type, torch.float16, enabled=device.type == "cuda"):
                rows = network(x).float().cpu().numpy()
        except torch.OutOfMemoryError:
            if batch == 1:
                raise
            batch //= 2
            torch.cuda.empty_cache()
            log.info("out of memory: going on with batches of %d images", batch)
            continue
        stream.append(rows, first=done == 0)
        done += len(rows)
        if time.monotonic() - started > told + 10 or done == len(images):
            told = time.monotonic() - started
            log.info("%d of %d images, %.0f a second", done, len(images), (done - begun) / told)
    return stream.read()
