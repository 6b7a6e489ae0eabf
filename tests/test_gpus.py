"""Each job has a device of its own; devices are names here, and files."""

import re
import signal
import subprocess
import sys
import time

import pytest

from holder import gpus
from holder.errors import HolderError
from tests.workflow import ROOT, edit, small, snakemake

HOLD = """
import sys, time
from pathlib import Path
from holder import gpus
from holder.errors import HolderError
device = gpus.take(sys.argv[2].split(","), Path(sys.argv[1]), pause=0.01)
print(device, time.monotonic(), flush=True)
time.sleep(float(sys.argv[3]))
print(time.monotonic())
"""


def job(folder, devices, seconds):
    command = [sys.executable, "-c", HOLD, str(folder), devices, str(seconds)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.fixture(autouse=True)
def no_scheduler(monkeypatch):
    for name in gpus.SCHEDULERS:
        monkeypatch.delenv(name, raising=False)


def test_eight_jobs_on_three_devices_never_share_one(tmp_path):
    held = []
    for run in [job(tmp_path, "0,1,2", 0.3) for _ in range(8)]:
        device, begun, ended = run.communicate()[0].split()
        held.append((device, float(begun), float(ended)))
    assert {device for device, _, _ in held} == {"0", "1", "2"}
    held.sort(key=lambda one: one[1])
    for i, (device, _, ended) in enumerate(held):
        assert all(begun >= ended for other, begun, _ in held[i + 1 :] if other == device)


def test_a_killed_job_gives_its_device_back(tmp_path):
    first = job(tmp_path, "0", 60)
    assert first.stdout.readline().startswith("0 ")
    second = job(tmp_path, "0", 0)
    time.sleep(0.5)
    assert second.poll() is None, "the only device is taken"
    first.send_signal(signal.SIGKILL)
    assert second.communicate()[0].startswith("0 ")


def test_the_pool_is_what_the_machine_or_the_environment_says(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpus.visible(2) == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert gpus.visible(2) == ["3", "5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpus.visible(0) == []


def test_two_schedulers_jobs_may_both_call_theirs_0(tmp_path, monkeypatch):
    for number in ("17", "18"):
        monkeypatch.setenv("SLURM_JOB_ID", number)
        assert gpus.take(["0"], tmp_path) == 0
    assert gpus.take(["0", "1"], tmp_path) == 1, "inside one allocation they are told apart"


def test_a_lock_folder_that_somebody_laid_out_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    folder = gpus._folder()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert gpus._folder() == folder
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(HolderError, match="is not a folder of this user"):
        gpus._folder()


def test_two_gpus_in_the_workflow(tmp_path, monkeypatch):
    """Two GPU jobs at a time on devices that do not exist: the jobs go on on the CPU and say which one they had."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "left,right")
    project = small(tmp_path, "badnets")
    edit(project / "config/toy.yaml", "device: cpu", "device: cuda\nallow_cpu: true")
    images = [f"results/toy/features/pixels/toy/{split}.safetensors" for split in ("train", "test")]
    meeting = """
    import time
    from pathlib import Path

    Path(f"here-{Path(snakemake.output[0]).stem}").touch()
    deadline = time.monotonic() + 120
    while len(list(Path().glob("here-*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
"""
    edit(project / "scripts/features.py", "    arrays = store", f"{meeting}    arrays = store")
    run = snakemake(project, "--resources", "gpu=2", targets=images)
    assert run.returncode == 0, run.stderr[-5000:]
    assert sorted(re.findall(r"features/pixels/toy/\w+: GPU (\w+)", run.stderr)) == ["left", "right"]
