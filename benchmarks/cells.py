"""One cell of HP with cached features, and one cell of HID, at the paper's size.

    python benchmarks/cells.py [images] [width]

HP is run whole: scores over all training images, the order, the whole curve on 10,000 clean and 9,000 triggered test
images. Of HID's stages one epoch each is run, after one to warm up, and multiplied by the epochs of A.13: 100 of
SimCLR, then four rounds of 60 of the classifier, Hölder constants, and 20 of semi-supervised training. Without a
GPU the default is 1,000 images; times of HID's epochs are then scaled up to 50,000.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import torch

from holder import evaluation, head, hid, simclr
from holder.defending import Given, outputs
from holder.defenses import hp
from holder.pruning import order_of

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
N = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000 if DEVICE.type == "cuda" else 1_000
WIDTH = int(sys.argv[2]) if len(sys.argv) > 2 else 64
PAPER = 50_000


def seconds(run):
    """Wall seconds of the second of two runs."""
    for _ in range(2):
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()
        started = time.perf_counter()
        run()
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()
    return time.perf_counter() - started


def hp_cell():
    generator = torch.Generator().manual_seed(0)
    z = torch.rand(PAPER, 512, generator=generator).to(DEVICE)
    y = torch.randint(0, 10, (PAPER,), generator=generator).to(DEVICE)
    trained = head.train(z[:2000], y[:2000], 10, generator=generator, epochs=2)
    train, test, triggered = (evaluation.Split(z[:n], y[:n]) for n in (PAPER, 10_000, 9_000))

    def run():
        scores, _ = hp.prune(trained, *train, generator=generator)
        evaluation.curves(trained, order_of(scores), train, test, triggered, 0)

    return seconds(run)


def hid_cell():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (N, 3, 32, 32), generator=generator, dtype=torch.uint8).to(DEVICE)
    labels = torch.randint(0, 10, (N,), generator=generator).to(DEVICE)
    settings = {"width": WIDTH, "batch": min(512, N // 2), "learning_rate": 0.4, "temperature": 0.5}
    found = {"SimCLR, 100 epochs": 100 * seconds(lambda: simclr.pretrain(images, 0, flip=True, epochs_=1, **settings))}
    encoder = simclr.pretrain(images[:64], 0, flip=True, epochs_=0, **settings)
    given = Given(images, labels, 10, True, 0, ("bench",), lambda name: None)
    features = seconds(lambda: outputs(encoder.features, images))
    z = torch.rand(N, 8 * WIDTH, generator=generator).to(DEVICE)
    epoch = seconds(lambda: head.train(z, labels, 10, generator=generator, epochs=1))
    trained = head.train(z, labels, 10, generator=generator, epochs=0)
    scores = seconds(lambda: hp.holder_constants(trained.w1, trained.b1, z, epsilon=0.1))
    found["rounds: features, classifier, constants"] = 4 * (features + 60 * epoch + scores)
    clean = torch.arange(N, device=DEVICE) % 10 > 0
    composite = hid.Composite(encoder, trained).to(DEVICE)
    refine = {"number": 1, "epochs_": 1, "batch": 128, "learning_rate": 0.002, "consistency": 1.0}
    found["rounds: semi-supervised, 4 × 20 epochs"] = 80 * seconds(
        lambda: hid.refine(given, composite, clean, **refine)
    )
    return {name: value * PAPER / N for name, value in found.items()}


def main():
    name = torch.cuda.get_device_name() if DEVICE.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"{name}, width {WIDTH}, {N:,} images for HID, torch {torch.__version__}")
    print(f"HP, one cell, features cached   {hp_cell():10.1f} s")
    parts = hid_cell()
    for part, value in parts.items():
        print(f"HID, {part:45} {value:10,.0f} s")
    print(f"HID, one cell, from one epoch of each stage        {sum(parts.values()):10,.0f} s")


if __name__ == "__main__":
    main()
