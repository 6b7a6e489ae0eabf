"""profiles/slurm on a real Slurm of one node with two fake GPUs."""

import re
import subprocess
import time

import pytest
import yaml

from tests import slurm
from tests.workflow import ROOT, SMALL, TABLES, command, edit, small, snakemake

LIMIT = 600
"""Seconds; alone on two cores it takes about two minutes."""
QUICKER = ["--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "10"]


def jobs():
    """Slurm's jobs by id: the fields of `scontrol show job` that the tests look at."""
    found = {}
    for text in slurm.call("scontrol", "show", "job", "--detail").split("\n\n"):
        fields = dict(re.findall(r"(\w+)=(\S+)", text))
        if "JobId" in fields:
            found[fields["JobId"]] = fields
    return found


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small Table 1 through the profile; its first fit is cancelled while it runs, as when a node dies."""
    if reason := slurm.missing():
        pytest.skip(reason)
    project = small(tmp_path_factory.mktemp("slurm"), "badnets")
    edit(project / "config/toy.yaml", "device: cpu", "device: cuda\nallow_cpu: true")
    cancelled, together = None, set()
    with slurm.running(tmp_path_factory.mktemp("node")), open(project / "output", "w+") as output:
        start = command(*QUICKER, targets=SMALL, profile="profiles/slurm")
        run = subprocess.Popen(start, cwd=project, stdout=output, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + LIMIT
        while run.poll() is None:
            if time.monotonic() > deadline:
                run.kill()
            running = [job for job in jobs().values() if job["JobState"] == "RUNNING"]
            devices = [i for job in running for i in re.findall(r"IDX:(\d)", job.get("GRES", ""))]
            together.add(tuple(sorted(devices)))
            for job in running:
                if not cancelled and job["Comment"].startswith("rule_fit_attack"):
                    cancelled = job["JobId"]
                    slurm.call("scancel", cancelled)
            time.sleep(0.5)
        output.seek(0)
        assert run.returncode == 0, output.read()[-5000:]
        return project, jobs(), cancelled, together


def test_every_rule_that_is_sent_to_slurm_has_its_size_in_the_profile():
    text = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    sent, parts = set(), re.findall(r"^(?:use rule (\w+) as|rule) (\w+)(?: with)?:\n(.*?)(?=^\S|\Z)", text, re.S | re.M)
    for base, rule, body in parts:
        if base in sent or ("mem_mb=" in body and "localrule" not in body):
            sent.add(rule)
    sizes = yaml.safe_load((ROOT / "profiles/slurm/profile.yaml").read_text())["set-resources"]
    assert {"features", "features_of_cell", "prune_hp"} <= sent <= sizes.keys()
    assert all("attempt" in value for size in sizes.values() for value in size.values())


def of_rule(found, name):
    return [job for job in found.values() if job.get("Comment", "").startswith(f"rule_{name}")]


def test_the_table_is_the_local_runs_byte_for_byte(finished, tmp_path):
    local = small(tmp_path, "badnets")
    assert snakemake(local, targets=SMALL).returncode == 0
    for table in TABLES:
        assert (finished[0] / table).read_bytes() == (local / table).read_bytes()


def test_two_gpu_jobs_ran_at_once_and_never_on_one_device(finished):
    project, _, _, together = finished
    assert ("0", "1") in together
    assert not any(len(set(devices)) < len(devices) for devices in together)
    logs = "".join(path.read_text() for path in (project / "results/toy/logs").rglob("*.log"))
    assert set(re.findall(r": GPU (\d)\n", logs)) == {"0", "1"}, "what the jobs themselves saw"


def test_gpu_rules_ask_for_one_gpu_and_the_gpu_partition_the_others_for_none(finished):
    found = finished[1]
    assert {(job["TresPerJob"], job["Partition"]) for job in of_rule(found, "features")} == {("gres:gpu:1", "gpu")}
    for rule in ("fit_attack", "trigger_test", "poison"):
        assert {(job.get("TresPerJob"), job["Partition"]) for job in of_rule(found, rule)} == {(None, "cpu")}


def test_a_cells_small_jobs_are_one_slurm_job_with_one_gpu_and_time_for_all(finished):
    (group,) = of_rule(finished[1], "cell")
    assert group["TresPerJob"] == "gres:gpu:1"
    assert group["NumCPUs"] == "1"
    assert group["TimeLimit"] == "00:45:00", "head 15 minutes, three prunings 10 each, in turn"
    assert not of_rule(finished[1], "head") + of_rule(finished[1], "prune")


def test_features_that_are_ready_together_are_one_array(finished):
    assert {job["ArrayTaskId"] for job in of_rule(finished[1], "features") if "ArrayTaskId" in job} == {"1", "2"}


def test_a_cancelled_job_is_tried_again_with_more_memory_and_time(finished):
    _, found, cancelled, _ = finished
    (again,) = (job for job in of_rule(found, "fit_attack") if job["JobId"] != cancelled)
    first = found[cancelled]
    assert (first["JobState"], again["JobState"]) == ("CANCELLED", "COMPLETED")
    assert (first["MinMemoryNode"], again["MinMemoryNode"]) == ("8000M", "16000M")
    assert (first["TimeLimit"], again["TimeLimit"]) == ("04:00:00", "08:00:00")
