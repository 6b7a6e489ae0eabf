"""What can go wrong with a machine: kills, a full disk, altered files, two runs at once, a device without memory."""

import ctypes
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml

from holder import extraction, job, store, training
from holder.errors import HolderError
from holder.figures import style
from tests.workflow import CELL, ROOT, SMALL, TABLES, command, edit, small, snakemake

KILLS = 20


def same_tables(project, straight):
    return all((project / table).read_bytes() == (straight / table).read_bytes() for table in TABLES)


def killed_after(project, jobs, seconds, path):
    """Start the small workflow; kill it and its jobs so many seconds after so many jobs ended. False if it was done."""
    with open(path, "w") as log:
        run = subprocess.Popen(
            command("--nolock", "--quiet", "reason", targets=SMALL),
            cwd=project,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        while run.poll() is None and path.read_text().count("Finished jobid") < jobs:
            time.sleep(0.05)
        try:
            assert run.wait(seconds) == 0
            return False
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()
            return True


def test_20_kills_at_random_moments_and_the_tables_are_those_of_a_straight_run(straight, tmp_path):
    """Kills fall on every stage; `--nolock` stands for `--unlock`, which another test goes through."""
    project = small(tmp_path)
    edit(project / "holder/training.py", "SAVE_SECONDS = 20", "SAVE_SECONDS = 0")
    rng = random.Random(0)
    kills, ended, stages = 0, 0, set()
    while kills < KILLS:
        killed = killed_after(project, rng.randrange(3), rng.uniform(0, 5), tmp_path / "log")
        kills += killed
        text = (tmp_path / "log").read_text()
        if killed:
            done = re.findall(r"Finished jobid: (\d+)", text)
            stages |= {word for number, word in re.findall(r"Job (\d+): (\w+)", text) if number not in done}
        else:  # done before the last kill: compare, and begin once more
            ended += 1
            assert same_tables(project, straight)
            shutil.rmtree(project / "results")
            shutil.rmtree(project / ".snakemake")
    run = snakemake(project, "--nolock", targets=SMALL)
    assert run.returncode == 0, run.stderr[-5000:]
    assert same_tables(project, straight)
    assert len(stages) >= 4, f"the kills fell on {stages} only"
    left = [p for p in (project / "results").rglob("*") if re.search(r"\.(part|partial|checkpoint)$", p.name)]
    assert not left


@pytest.fixture
def tiny_disk(tmp_path):
    """A disk of 400 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk, and not in every container")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def noise():
    figure, axes = style.plt.subplots()
    axes.imshow(np.random.default_rng(0).random((1000, 1000, 3)), interpolation="none")
    return figure


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.safetensors", lambda path: store.save(path, {"a": np.zeros(10**6)})),
        ("a.json", lambda path: store.save_json(path, ["x"] * 10**5)),
        ("a.csv", lambda path: store.save_text(path, "1,2\n" * 2 * 10**5)),
        ("a.pdf", lambda path: style.save(noise(), path)),
        ("a.checkpoint", lambda path: training.Checkpoint(path[:-11], "k").save(1, {"a": torch.zeros(10**6)})),
    ],
)
def test_a_full_disk_is_one_sentence_and_no_half_file(tiny_disk, name, write):
    with pytest.raises(HolderError, match=rf"^{tiny_disk}/{name}: could not be written: No space left on device.$"):
        write(f"{tiny_disk}/{name}")
    assert not list(tiny_disk.iterdir())


def test_features_that_fill_the_disk_go_on_where_they_were(tiny_disk, tmp_path, caplog):
    """Rows are appended to a file of their own; the half row at the end is cut off when there is space again."""
    caplog.set_level("INFO")
    images = np.random.default_rng(0).integers(0, 256, (300, 32, 32, 3), dtype=np.uint8)
    encoder = extraction.Encoder(lambda x: x[:, :, ::2, ::2].flatten(1), 32, (0, 0, 0), (1, 1, 1))

    def features(folder):
        stream = extraction.Stream(folder / "f.safetensors", "key")
        return extraction.extract(encoder, images, torch.device("cpu"), 10, stream)

    def main(snakemake):
        features(tiny_disk)

    fake = SimpleNamespace(log=[], rule="features", output=["f.safetensors"])
    with pytest.raises(SystemExit):
        job.run(main, fake)
    assert caplog.messages[-1] == "f.safetensors: could not be written: No space left on device."
    shutil.copy(tiny_disk / "f.safetensors.partial", tmp_path)
    resumed = features(tmp_path)
    assert "resumed after 1" in caplog.text
    (tmp_path / "f.safetensors.partial").unlink()
    assert (resumed == features(tmp_path)).all()


def test_a_full_disk_in_the_workflow(tiny_disk, straight, tmp_path):
    """The results' disk is too small for the training images: one sentence, nothing half; elsewhere it goes on."""
    project = small(tmp_path)
    (project / "results").mkdir()
    (project / "results/toy").symlink_to(tiny_disk)
    run = snakemake(project, targets=SMALL)
    assert run.returncode == 1
    said = re.findall(r"dataset/toy: (results\S+: could not be written: .*)", run.stderr)
    assert said[0] == "results/toy/images/toy/train.safetensors: could not be written: No space left on device."
    assert "Traceback" not in run.stderr
    assert not list(tiny_disk.rglob("*train.safetensors*"))
    (project / "results/toy").unlink()
    assert snakemake(project, targets=["results/toy/images/toy/train.safetensors"]).returncode == 0
    name = "results/toy/images/toy/train.safetensors"
    assert (project / name).read_bytes() == (straight / name).read_bytes()


def altered(project, name):
    """One bit of a file's last byte turned; the path."""
    path = project / f"results/toy/{name}.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    return path


@pytest.mark.parametrize(
    ("what", "altered_file", "rule", "made"),
    [
        ("dataset", "images/toy/train", "surrogate", "results/toy/surrogates/toy/standard.safetensors"),
        ("overlay", f"images/{CELL}", "features", f"results/toy/features/pixels/{CELL}.safetensors"),
        ("features", f"features/pixels/{CELL}", "head", f"results/toy/heads/pixels/{CELL}.safetensors"),
    ],
)
def test_an_altered_file_is_found_by_its_hash_and_named(straight, tmp_path, what, altered_file, rule, made):
    project = shutil.copytree(straight, tmp_path / "project", symlinks=True)
    path = altered(project, altered_file)
    run = snakemake(project, "--forcerun", rule, targets=[made])
    assert run.returncode == 1
    sentence = r": array '\w+' is not what was written \(SHA-256 differs\); delete it and run the same command again\."
    assert re.search(re.escape(str(path.relative_to(project))) + sentence, run.stderr)
    assert "Traceback" not in run.stderr
    assert not (project / made).exists(), "nothing is made from it"


def test_an_altered_checkpoint_is_named_and_not_used(tmp_path, caplog):
    caplog.set_level("INFO")
    checkpoint = training.Checkpoint(tmp_path / "n.safetensors", "key")
    checkpoint.save(3, {"w": torch.ones(5)})
    assert checkpoint.load()[0] == 3
    data = bytearray(checkpoint.path.read_bytes())
    data[-1] ^= 1
    checkpoint.path.write_bytes(bytes(data))
    assert checkpoint.load() == (0, {})
    assert re.search(rf"{checkpoint.path}: array 'w' is not what was written .* It is not used", caplog.text)


def test_a_second_snakemake_is_refused_and_the_first_ends_as_if_alone(straight, tmp_path):
    """The second even has another ε: what it would write while it reads the workflow must wait as well."""
    project = shutil.copytree(straight, tmp_path / "project", symlinks=True)
    first = subprocess.Popen(
        command("--forcerun", "head", targets=SMALL), cwd=project, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not list((project / ".snakemake/locks").glob("*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    edit(project / "config/toy.yaml", "  fmp: {samples: 100}", "  fmp: {samples: 100}\n  hp: {epsilon: 0.2}")
    second = snakemake(project, targets=SMALL)
    assert first.poll() is None, "the first was still at work"
    _, said = first.communicate()
    assert second.returncode == 1
    assert "Directory cannot be locked" in second.stderr
    assert first.returncode == 0, said[-3000:]
    assert same_tables(project, straight)
    made_of = "results/toy/table1.made_of.json"
    assert (project / made_of).read_bytes() == (straight / made_of).read_bytes()


RULES = sorted(job.BATCH)


@pytest.mark.parametrize("rule", RULES)
def test_without_memory_on_the_device_one_sentence_names_a_key_of_the_config(rule, caplog):
    """torch's own error, raised where the job would raise it; the key must be one that the config has."""
    wildcards = {"attack": "inputaware", "defense": "anp", "network_defense": "dst"}

    def main(snakemake):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

    fake = SimpleNamespace(log=[], rule=rule, wildcards=wildcards, params={"settings": {"batch": 128}})
    with pytest.raises(SystemExit) as stopped:
        job.run(main, fake)
    assert stopped.value.code == 1
    key = re.fullmatch(rf"{rule}: out of memory on the device; lower (\S+) \(found 128\)\.", caplog.messages[-1])[1]
    found = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    for part in key.split("."):
        found = found[part]
    assert isinstance(found, int)


def test_without_memory_and_without_a_batch_the_sentence_says_so(caplog):
    def main(snakemake):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    with pytest.raises(SystemExit):
        job.run(main, SimpleNamespace(log=[], rule="prune_hp", params={"settings": {"epsilon": 0.1}}))
    assert caplog.messages[-1].startswith("prune_hp: out of memory on the device, and no batch to lower; take a larger")


def test_every_gpu_rule_names_a_key_halves_its_batch_or_only_predicts():
    """A new GPU rule has to be thought of here."""
    text = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    asking = {
        rule
        for rule, body in re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", text, re.S | re.M)
        if re.search(r"\bgpu=", body)
    }
    assert set(RULES) <= asking <= {*RULES, "features", "simclr", "effects", "sensitivity_cell", "perturb"}


def test_a_device_without_memory_in_the_workflow(straight, tmp_path):
    project = shutil.copytree(straight, tmp_path / "project", symlinks=True)
    edit(project / "holder/training.py", "loss.backward()", 'raise torch.OutOfMemoryError("CUDA out of memory.")')
    run = snakemake(project, targets=["results/toy/surrogates/toy/standard.safetensors"])
    assert run.returncode == 1
    assert "surrogate: out of memory on the device; lower surrogate.batch (found 64)." in run.stderr
    assert "Traceback" not in run.stderr


def test_a_job_keeps_the_memory_that_it_frees():
    if not hasattr(ctypes.CDLL(None), "mallopt"):
        pytest.skip("not glibc")
    code = (
        "import resource, numpy, sys; from holder import job; exec(sys.argv[1])\n"
        "def faults(): numpy.ones(2**25); return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "first = faults(); print(faults() - first)"
    )
    given, kept = (
        int(subprocess.run([sys.executable, "-c", code, before], cwd=ROOT, check=True, capture_output=True).stdout)
        for before in ("", "job.keep_memory()")
    )
    assert kept < given / 10, "page faults of the second block of 256 MiB"
