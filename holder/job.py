"""What every script does around its work: a log, one sentence for expected failures, a device."""

import hashlib
import logging
import os
import sys
import time
from collections.abc import Callable

from holder.errors import HolderError

log = logging.getLogger(__name__)


def run(main: Callable, snakemake) -> None:
    """Run `main(snakemake)` with logging to the screen and to the rule's log file.

    An expected failure ends the job with its one sentence; anything else with its traceback.
    """
    handlers = [logging.StreamHandler(sys.stderr)]
    if snakemake.log:
        handlers.append(logging.FileHandler(snakemake.log[0], mode="w"))
    name = str(snakemake.log).rpartition("logs/")[2].removesuffix(".log") or snakemake.rule
    logging.basicConfig(
        level=logging.INFO, format=f"%(asctime)s {name}: %(message)s", datefmt="%H:%M:%S", handlers=handlers
    )
    for noisy in ("httpx", "matplotlib", "fontTools"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    started = time.monotonic()
    try:
        main(snakemake)
    except HolderError as error:
        log.error("%s", error)
        sys.exit(1)
    except BaseException:
        log.exception("stopped by an error that this workflow does not expect")
        sys.exit(1)
    log.info("done in %.1f s", time.monotonic() - started)


def device(snakemake):
    """The torch device of a job: CUDA if the rule asked for a GPU, else the CPU with the job's threads.

    Raises HolderError when a GPU was asked for, none is there and `allow_cpu` is not set.
    """
    import torch

    torch.set_num_threads(snakemake.threads)
    if snakemake.resources.get("gpu", 0):
        if torch.cuda.is_available():
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # before the first product
            torch.use_deterministic_algorithms(True, warn_only=True)
            return torch.device("cuda")
        if not snakemake.config["allow_cpu"]:
            raise HolderError("device: this job asks for a GPU and torch finds none; set allow_cpu: true to go on.")
    return torch.device("cpu")


def key(snakemake) -> str:
    """What a checkpoint belongs to: the rule's params (settings and code) and the content of its inputs."""
    from holder import store

    inputs = [store.file_sha256(path) for path in snakemake.input]
    return hashlib.sha256(repr([dict(snakemake.params.items()), inputs]).encode()).hexdigest()
