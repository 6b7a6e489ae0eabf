"""Feature extraction against the bare forward pass of the same network on the same batches, on this machine.

Bare: batches at the network's size lie ready in memory and the network runs over them. Kept: the same in a process
that keeps the memory it frees, as every job does. Whole: extraction, in such a process; it starts from uint8 images of
32×32 and resizes, normalises, streams to disk and reads back. Run: python benchmarks/extraction.py [extractor] [images]
[cpu|cuda]; random weights, since speed does not depend on them.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import torch
import torchvision.models

from holder import job, registry
from holder.extraction import Stream, extract

ROUNDS = 3


def main(name="mobilenetv3", count="2000", device="cpu"):
    device, batch = torch.device(device), 250
    builders = {"mobilenetv3": "mobilenet_v3_small", "mobilenetv2": "mobilenet_v2", "resnet18": "resnet18"}
    state = getattr(torchvision.models, builders[name])(weights=None).state_dict()
    encoder = registry.module("extractors", name).build(state)
    network = encoder.network.eval().to(device, memory_format=torch.channels_last)
    images = np.random.default_rng(0).integers(0, 256, (int(count), 32, 32, 3), dtype=np.uint8)
    ready = torch.randn(batch, 3, encoder.size, encoder.size, device=device)
    ready = ready.contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def bare():
        for _ in range(len(images) // batch):
            with torch.autocast(device.type, torch.float16, enabled=device.type == "cuda"):
                network(ready)
        if device.type == "cuda":
            torch.cuda.synchronize()

    def whole():
        with tempfile.TemporaryDirectory() as folder:
            extract(encoder, images, device, batch, Stream(f"{folder}/features", "key"))

    def timed(task):
        started = time.perf_counter()
        task()
        return time.perf_counter() - started

    bare()
    fastest = {"bare": min(timed(bare) for _ in range(ROUNDS))}
    job.keep_memory()
    bare(), whole()
    pairs = [(timed(bare), timed(whole)) for _ in range(ROUNDS)]  # alternating, so that a busy moment hits both
    fastest |= dict(zip(("kept", "whole"), map(min, zip(*pairs, strict=True)), strict=True))
    print(f"{name} at {encoder.size} px, {len(images)} images, {device}, {torch.get_num_threads()} threads")
    for key, seconds in fastest.items():
        print(f"{key:>6} {len(images) / seconds:8.0f} images/s")
    for key in ("bare", "kept"):
        print(f"extraction runs at {fastest[key] / fastest['whole']:.2f} of the speed of {key}")


if __name__ == "__main__":
    main(*sys.argv[1:])
