"""Files are whole or absent, and what was altered is found."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from holder import store
from holder.errors import HolderError

ARRAYS = {"images": np.arange(600, dtype=np.uint8).reshape(10, 60), "labels": np.arange(10)}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.safetensors"
    store.save(path, ARRAYS, dataset="toy", sha256={"images": "1"})
    return path


def test_round_trip(file):
    loaded = store.load(file)
    assert all((loaded[k] == v).all() and loaded[k].dtype == v.dtype for k, v in ARRAYS.items())
    assert list(store.load(file, "labels")) == ["labels"]
    assert store.info(file) == {"dataset": "toy", "sha256": {"images": "1"}}


def test_same_content_same_bytes(file, tmp_path):
    store.save(tmp_path / "b.safetensors", dict(reversed(ARRAYS.items())), sha256={"images": "1"}, dataset="toy")
    assert (tmp_path / "b.safetensors").read_bytes() == file.read_bytes()


def test_an_attack_that_learned_nothing_leaves_an_empty_file(tmp_path):
    store.save(tmp_path / "e.safetensors", {})
    assert store.load(tmp_path / "e.safetensors") == {}


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_a_truncated_file_is_named(file, keep):
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(HolderError, match=rf"{file}: is truncated"):
        store.load(file)


def test_an_altered_array_is_named_and_the_others_still_load(file):
    data = bytearray(file.read_bytes())
    data[-1] ^= 1  # the last byte belongs to the images: labels (int64) are stored first
    file.write_bytes(bytes(data))
    with pytest.raises(HolderError, match="array 'images' is not what was written"):
        store.load(file)
    assert (store.load(file, "labels")["labels"] == ARRAYS["labels"]).all()


def test_missing_file_and_array(file, tmp_path):
    with pytest.raises(HolderError, match="does not exist"):
        store.load(tmp_path / "none.safetensors")
    with pytest.raises(HolderError, match="holds no array 'features'"):
        store.load(file, "features")


def test_a_failed_write_keeps_the_old_file_and_says_why(file, monkeypatch):
    before = file.read_bytes()

    def full(self, data):
        with open(self, "wb") as stream:
            stream.write(data[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(HolderError, match="could not be written: No space left on device"):
        store.save(file, {"labels": np.zeros(3)})
    assert file.read_bytes() == before
    assert [p.name for p in file.parent.iterdir()] == ["a.safetensors"]


def test_a_real_full_disk_gives_one_sentence(tmp_path):
    """/dev/full answers every write with ENOSPC, as a full disk does."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    (tmp_path / ".t.safetensors.part").symlink_to("/dev/full")
    with pytest.raises(HolderError, match="No space left on device"):
        store.save(tmp_path / "t.safetensors", ARRAYS)
    assert not list(tmp_path.iterdir())


def test_a_kill_in_the_middle_leaves_no_file_under_the_final_name(tmp_path):
    code = (
        "import pathlib, os, signal; from holder import store; import numpy as np\n"
        "write = pathlib.Path.write_bytes\n"
        "def half(self, data): write(self, data[:len(data)//2]); os.kill(os.getpid(), signal.SIGKILL)\n"
        "pathlib.Path.write_bytes = half\n"
        f"store.save({str(tmp_path / 'k.safetensors')!r}, {{'a': np.zeros(1000)}})\n"
    )
    root = Path(__file__).parent.parent
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == -signal.SIGKILL
    assert not (tmp_path / "k.safetensors").exists()
    store.save(tmp_path / "k.safetensors", {"a": np.zeros(1000)})
    assert [p.name for p in tmp_path.iterdir()] == ["k.safetensors"]


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, holder; print(sorted({m.split('.')[0] for m in sys.modules} & {'numpy', 'torch', 'pandas'}))"
    root = Path(__file__).parent.parent
    assert subprocess.check_output([sys.executable, "-c", code], cwd=root, text=True).strip() == "[]"
