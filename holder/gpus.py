"""Which GPU a job works on: one lock file per device, held while the job lives.

Snakemake counts GPUs (`--resources gpu=2`) and does not hand them out; a scheduler does.
"""

import contextlib
import logging
import os
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from holder.errors import HolderError

log = logging.getLogger(__name__)

SCHEDULERS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID")
"""Set inside a scheduler's job. Several such jobs of one machine may each know their own device as 0."""

_held: list[FileLock] = []  # a lock is let go when nothing refers to it


def visible(count: int) -> list[str]:
    """Names of the devices this process may use: those of CUDA_VISIBLE_DEVICES, else 0 to `count` - 1."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    return [str(i) for i in range(count)] if given is None else [name for name in given.split(",") if name.strip()]


def take(devices: Sequence[str], folder: Path | None = None, pause: float = 1.0) -> int:
    """Index of a device that no other job of this user and machine holds; waits while there is none.

    The operating system drops the lock when the process ends, however it ends. `folder` is where the lock files
    lie, one place for all jobs; `pause` is in seconds.
    """
    folder = folder or _folder()
    owner = next((os.environ[name] for name in SCHEDULERS if name in os.environ), "machine")
    locks = [FileLock(folder / re.sub(r"[^\w.-]", "-", f"{owner}-{name.strip()}.lock")) for name in devices]
    told = False
    while True:
        for i, lock in enumerate(locks):
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            _held.append(lock)
            return i
        if not told:
            told = True
            log.info("every GPU (%s) is taken by another job; waiting", ", ".join(devices))
        time.sleep(pause)


def _folder() -> Path:
    """This user's own folder for locks; raises HolderError if somebody else made it."""
    folder = Path(tempfile.gettempdir()) / f"holder-{os.getuid()}-gpus"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.getuid():
        raise HolderError(f"{folder}: is not a folder of this user; remove it or set TMPDIR to a folder of your own.")
    return folder
