"""Arrays on disk: safetensors files written whole or not at all, every array with its SHA-256."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from holder.errors import HolderError

MEND = "delete it and run the same command again"


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a scratch path beside `path`; move it over `path` if the block ends well.

    Whatever happens inside the block, `path` holds either the old file or the complete new one.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        raise HolderError(f"{path}: could not be written: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)


def sha256(array: np.ndarray) -> str:
    """SHA-256 (hex) of an array's bytes in C order."""
    return hashlib.sha256(np.ascontiguousarray(array).reshape(-1).view(np.uint8)).hexdigest()


def file_sha256(path: str | Path) -> str:
    """SHA-256 (hex) of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _signature(array: np.ndarray) -> str:
    return f"{array.dtype} {'x'.join(map(str, array.shape))} {sha256(array)}"


def save(path: str | Path, arrays: dict[str, np.ndarray], **info: object) -> None:
    """Write named arrays and a few JSON-able facts about them to one safetensors file."""
    arrays = {name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())}
    # One metadata entry: safetensors writes several in an order that changes from run to run.
    facts = {"signatures": {name: _signature(array) for name, array in arrays.items()}, "info": info}
    blob = safetensors.numpy.save(arrays, {"holder": json.dumps(facts, sort_keys=True)})
    with replacing(path) as part:
        part.write_bytes(blob)


def load(path: str | Path, *names: str) -> dict[str, np.ndarray]:
    """Read the named arrays (all if none is named), each checked against its stored SHA-256.

    Raises HolderError when the file is missing, truncated, altered or lacks an array.
    """
    with _opened(path) as (file, facts):
        held = set(file.keys())
        absent = [name for name in names if name not in held]
        if absent:
            raise HolderError(f"{path}: holds no array '{absent[0]}'; {MEND}.")
        arrays = {name: file.get_tensor(name) for name in names or sorted(held)}
    for name, array in arrays.items():
        if facts["signatures"].get(name) != _signature(array):
            raise HolderError(f"{path}: array '{name}' is not what was written (SHA-256 differs); {MEND}.")
    return arrays


def info(path: str | Path) -> dict:
    """The facts given to `save`; raises as `load` does."""
    with _opened(path) as (_, facts):
        return facts["info"]


@contextlib.contextmanager
def _opened(path: str | Path) -> Iterator[tuple]:
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            yield file, json.loads((file.metadata() or {})["holder"])
    except FileNotFoundError as error:
        raise HolderError(f"{path}: does not exist.") from error
    except (safetensors.SafetensorError, KeyError, ValueError, OSError) as error:
        raise HolderError(f"{path}: is truncated or not a file of this workflow ({error}); {MEND}.") from error


def save_json(path: str | Path, data: object) -> None:
    """Write JSON, whole or not at all."""
    save_text(path, json.dumps(data, indent=2) + "\n")


def save_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
