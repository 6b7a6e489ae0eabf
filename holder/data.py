"""From wherever a dataset can be had to its canonical arrays, and from those to a subset."""

import logging
from pathlib import Path

import numpy as np

from holder import contract, registry, store
from holder.errors import HolderError

Arrays = dict[str, np.ndarray]
"""train_images, test_images: uint8 (n, 32, 32, 3); train_labels, test_labels: uint8 (n,)."""

log = logging.getLogger(__name__)


def canonical(name: str, folder: str | None, cache: Path) -> Arrays:
    """Arrays of the whole dataset in its official order.

    With `folder` (config `datasets.<name>.folder`) only that folder is read. Otherwise the
    sources of the dataset's module are tried in their order, first on what already lies in
    `cache`, then with a download into it.

    Raises HolderError if no source has it, or if the arrays are not the pinned ones.
    """
    module = registry.module("datasets", name)
    if folder:
        attempts = [(source, Path(folder), False) for source in module.SOURCES]
    else:
        attempts = [(source, cache, download) for download in (False, True) for source in module.SOURCES]
    failures = []
    for source, where, download in attempts:
        try:
            arrays = source(where, download)
        except Exception as error:  # a missing client, a refused connection, a corrupt archive, …
            failures.append(f"{source.__name__}: {str(error) or type(error).__name__}")
            if download:
                log.info("%s; trying the next source", failures[-1])
            continue
        log.info("read from %s in %s", source.__name__, where)
        _check(name, module, where, arrays)
        return arrays
    key = f"datasets.{name}.folder" if folder else "every source failed"
    raise HolderError(f"{name}: {key}: {folder or cache} holds no complete copy ({'; '.join(failures)}).")


def _check(name: str, module, where: Path, arrays: Arrays) -> None:
    for split, size in (("train", module.TRAIN), ("test", module.TEST)):
        if len(arrays[f"{split}_images"]) != size or len(arrays[f"{split}_labels"]) != size:
            raise HolderError(
                f"{where}: {name} has {len(arrays[f'{split}_images'])} {split} images, the official set has {size}."
            )
    for key, expected in (module.SHA256 or {}).items():
        found = store.sha256(arrays[key])
        if found != expected:
            raise HolderError(f"{where}: {name} {key} have SHA-256 {found[:12]}…, the official ones {expected[:12]}….")
    contract.dataset(name, arrays, module.CLASSES, module.TRAIN_PER_CLASS)


def subset(labels: np.ndarray, size: int | None, rng: np.random.Generator) -> np.ndarray:
    """Sorted indices of a stratified random subset: each class keeps its share, to within one image."""
    if size is None or size == len(labels):
        return np.arange(len(labels))
    if size > len(labels):
        raise HolderError(f"a subset of {size} images was asked of a set of {len(labels)}.")
    counts = np.bincount(labels)
    share = counts * size / len(labels)
    take = np.floor(share).astype(int)
    take[np.argsort(take - share, kind="stable")[: size - take.sum()]] += 1
    chosen = [rng.permutation(np.flatnonzero(labels == c))[:n] for c, n in enumerate(take)]
    return np.sort(np.concatenate(chosen))


def torchvision_cifar(cls: str, folder: Path, download: bool) -> Arrays:
    """Both splits of torchvision's CIFAR10 or CIFAR100 class as canonical arrays."""
    import torchvision.datasets

    arrays = {}
    for split in ("train", "test"):
        data = getattr(torchvision.datasets, cls)(folder, train=split == "train", download=download)
        arrays[f"{split}_images"] = np.ascontiguousarray(data.data)
        arrays[f"{split}_labels"] = np.array(data.targets, np.uint8)
    return arrays
