"""Images a second when a fitted trigger is applied to 10,000 images of 32×32, and the size of an overlay.

python benchmarks/triggers.py
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import torch

from holder import poisoning, registry, store

N = 10_000


def main():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (N, 32, 32, 3), dtype=np.uint8)
    labels = rng.integers(0, 10, N).astype(np.uint8)
    print(f"{N:,} images, {torch.get_num_threads()} threads, torch {torch.__version__}")
    for name in ("badnets", "sig", "lf", "wanet", "bpp"):
        attack = registry.module("attacks", name)
        offered = {"rng": rng, "dataset": "cifar10", "target_label": 0, "surrogate": None}
        fit = getattr(attack, "fit", None)
        fitted = fit(images, labels, **registry.accepted(fit, offered)) if fit else {}
        attack.apply(images[:100], fitted)
        times = []
        for _ in range(5):
            started = time.perf_counter()
            attack.apply(images, fitted)
            times.append(time.perf_counter() - started)
        print(f"{name:8} {N / sorted(times)[2]:12,.0f} images/s")
    attack = registry.module("attacks", "badnets")
    overlay = poisoning.poison(attack, images, labels, {}, 0.05, 0, rng, {})
    with tempfile.TemporaryDirectory() as folder:
        for name, arrays in (("overlay", overlay), ("full", {"images": images, "labels": labels})):
            store.save(f"{folder}/{name}", arrays)
        sizes = [Path(folder, name).stat().st_size for name in ("full", "overlay")]
    print(f"overlay at 5 %: 1/{sizes[0] / sizes[1]:.1f} of a full copy")


if __name__ == "__main__":
    main()
