"""What every script does around its work: a log, one sentence for expected failures, a device."""

import contextlib
import ctypes
import errno
import hashlib
import logging
import os
import sys
import time
from collections.abc import Callable

from holder import gpus
from holder.errors import HolderError

log = logging.getLogger(__name__)

FULL = (errno.ENOSPC, errno.EDQUOT)
BATCH = {
    "surrogate": "surrogate.batch",
    "network": "network.batch",
    "split": "split.batch",
    "hid_round": "hid.batch",
    "head": "classifier.batch",
    "fit_attack": "attacks.{attack}.batch",
    "prune": "defenses.{defense}.batch",
    "defend": "network_defenses.{network_defense}.batch",
}
"""Config key that decides how much device memory a rule needs; `features` and `simclr` halve theirs by themselves."""


def run(main: Callable, snakemake) -> None:
    """Run `main(snakemake)` with logging to the screen and to the rule's log file.

    An expected failure ends the job with its one sentence; anything else with its traceback.
    """
    handlers, logging.raiseExceptions = [logging.StreamHandler(sys.stderr)], False  # a full disk takes no log lines
    if snakemake.log:
        handlers.append(logging.FileHandler(snakemake.log[0], mode="w"))
    name = str(snakemake.log).rpartition("logs/")[2].removesuffix(".log") or snakemake.rule
    logging.basicConfig(
        level=logging.INFO, format=f"%(asctime)s {name}: %(message)s", datefmt="%H:%M:%S", handlers=handlers
    )
    for noisy in ("httpx", "matplotlib", "fontTools"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    keep_memory()
    started = time.monotonic()
    try:
        main(snakemake)
    except BaseException as error:
        if sentence := expected(error, snakemake):
            log.error("%s", sentence)
        else:
            log.exception("stopped by an error that this workflow does not expect")
        sys.exit(1)
    log.info("done in %.1f s", time.monotonic() - started)


def keep_memory() -> None:
    """Let the process keep the memory that it frees.

    glibc gives every block above 32 MiB back to the system and faults it in again, page by page, for the next batch:
    on two cores half the time of a forward pass (benchmarks/extraction.py). Elsewhere this does nothing.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in ((-4, 0), (-1, 2**31 - 1), (-2, 2**28)):  # M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD
            mallopt(option, value)


def expected(error: BaseException, snakemake) -> str | None:
    """The sentence for a failure that is expected: a HolderError, a full disk, a device without memory; else None."""
    if isinstance(error, HolderError):
        return str(error)
    if isinstance(error, OSError) and error.errno in FULL:
        written = error.filename or next(iter(snakemake.output), "the output")
        return f"{written}: could not be written: {error.strerror}."
    torch = sys.modules.get("torch")
    if not torch or not isinstance(error, torch.OutOfMemoryError):
        return None
    said = f"{snakemake.rule}: out of memory on the device"
    settings = dict(snakemake.params.get("settings", {}))
    if snakemake.rule in BATCH and "batch" in settings:
        return f"{said}; lower {BATCH[snakemake.rule].format(**snakemake.wildcards)} (found {settings['batch']})."
    return f"{said}, and no batch to lower; take a larger GPU, or device: cpu with allow_cpu: true."


def device(snakemake):
    """The torch device of a job: CUDA if the rule asked for a GPU, else the CPU with the job's threads.

    Of several GPUs the job takes one that no other job holds. Raises HolderError when a GPU was asked for, none
    is there and `allow_cpu` is not set.
    """
    import torch

    torch.set_num_threads(snakemake.threads)
    if snakemake.resources.get("gpu", 0):
        number = 0
        if devices := gpus.visible(torch.cuda.device_count()):
            number = gpus.take(devices)
            log.info("GPU %s", devices[number])
        if torch.cuda.is_available():
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # before the first product
            torch.use_deterministic_algorithms(True, warn_only=True)
            torch.cuda.set_device(number)
            return torch.device("cuda", number)
        if not snakemake.config["allow_cpu"]:
            raise HolderError("device: this job asks for a GPU and torch finds none; set allow_cpu: true to go on.")
    return torch.device("cpu")


def key(snakemake) -> str:
    """What a checkpoint belongs to: the rule's params (settings and code) and the content of its inputs."""
    from holder import store

    inputs = [store.file_sha256(path) for path in snakemake.input]
    return hashlib.sha256(repr([dict(snakemake.params.items()), inputs]).encode()).hexdigest()
