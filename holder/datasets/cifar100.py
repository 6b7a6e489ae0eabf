"""CIFAR-100 (Krizhevsky 2009): 50,000 + 10,000 images of 32×32, a hundred fine classes."""

from pathlib import Path

from holder.data import Arrays, torchvision_cifar

CLASSES = 100
TRAIN = 50_000
TEST = 10_000
TRAIN_PER_CLASS = 500
# No copy has been within reach of the authors to pin the arrays; torchvision's MD5s of the
# official batches decide, and the arrays' SHA-256 is recorded with every result.
SHA256 = None


def torchvision(folder: Path, download: bool) -> Arrays:
    """The official Python batches, through torchvision, which checks their MD5s."""
    return torchvision_cifar("CIFAR100", folder, download)


SOURCES = (torchvision,)
