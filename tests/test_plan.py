"""The plan on made-up lists of jobs, and its arithmetic against jobs worked out by hand."""

import subprocess
import sys

import pytest
import yaml

from holder import plan, registry, tables, work
from holder.config import check

CELL = {"dataset": "cifar10", "attack": "wanet", "seed": "0", "poison_rate": "0.05"}


@pytest.fixture(scope="module")
def config():
    return check(yaml.safe_load((tables.PUBLISHED.parent / "config.yaml").read_text()))


@pytest.mark.parametrize(
    ("rule", "more", "unit", "number"),
    [
        ("network", {}, work.PASSES, 50_000 * 100),
        ("network", {"dataset": "gtsrb"}, work.PASSES, 39_209 * 50),
        ("simclr_poisoned", {}, work.PASSES, 2 * 50_000 * 100),
        ("surrogate", {"surrogate": "robust"}, work.PASSES, 50_000 * 60),
        ("defend", {"network_defense": "abl"}, work.PASSES, 50_000 * 80 + 500 * 20 + 2 * 10_000 / 3),
        ("fit_attack", {"attack": "lc"}, work.PASSES, 5_000 * 100),
        ("fit_attack", {"attack": "badnets"}, "job", 0),
        ("features", {"extractor": "clip", "images": "cifar10/train"}, work.IMAGES, 50_000),
        ("features", {"extractor": "clip", "images": "cifar10/wanet/seed=0/poison_rate=0.05"}, work.IMAGES, 2_500 * 3),
        ("features", {"extractor": "clip", "images": "cifar10/wanet/seed=0/test"}, work.IMAGES, 9_000),
        ("poison", {}, work.IMAGES, 2_500 * 3),
        ("head", {"extractor": "clip"}, work.PRODUCTS, 50_000 * 100 * 1024 * 522 / 1e9),
        ("prune_hp", {"extractor": "clip"}, work.PRODUCTS, 60_000 * 1024 * 522 / 1e9),
        ("table", {}, "job", 0),
    ],
)
def test_work_is_counted_by_hand(config, rule, more, unit, number):
    w = {**CELL, **more} if rule != "table" else {"table": "table1"}
    if "images" in w:
        w = more
    assert work.work(rule, w, config) == (unit, pytest.approx(number))


def test_smaller_settings_are_less_work(config):
    small = {**config, "network": {**config["network"], "width": 16, "epochs": 10}}
    small["datasets"] = {**config["datasets"], "cifar10": {"train": 5_000, "test": None}}
    ratio = work.work("network", CELL, config)[1] / work.work("network", CELL, small)[1]
    assert ratio == pytest.approx(10 * 10 * 16)
    small = {**config, "extractors": {**config["extractors"], "resnet18": {"size": 112}}}
    w = {"extractor": "resnet18", "images": "cifar10/test"}
    assert work.work("features", w, small)[1] == work.work("features", w, config)[1] / 4


def test_jobs_are_read_from_snakemakes_own_list():
    patterns = {
        "table": [r"results/(?P<table>table1|table2)\.csv$", r"results/(?P<table>table1|table2)\.md$"],
        "head": [r"results/heads/(?P<dataset>cifar10)/seed=(?P<seed>[0-9]+)\.safetensors$"],
    }
    summary = "\n".join(
        [
            "output_file\tdate\trule\tlog-file(s)\tstatus\tplan",
            "results/table1.csv\t-\ttable\t-\tmissing\tupdate pending",
            "results/table1.md\t-\ttable\t-\tmissing\tupdate pending",
            "results/heads/cifar10/seed=0.safetensors\tThu\thead\tx.log\tok\tno update",
            "results/heads/cifar10/seed=1.safetensors\t-\thead\t-\tmissing\tupdate pending",
        ]
    )
    found = plan.jobs(summary, patterns)
    assert found == [
        ("table", {"table": "table1"}),
        ("head", {"dataset": "cifar10", "seed": "0"}),
        ("head", {"dataset": "cifar10", "seed": "1"}),
    ]


@pytest.fixture
def speeds(tmp_path, monkeypatch):
    """Replace the measured speeds by the given rows."""
    read = plan.speeds

    def put(*rows):
        header = "rule,name,unit,seconds_per_unit,device,jobs,source"
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.csv"
        path.write_text("\n".join([header, *rows]) + "\n")
        known = read(path)
        monkeypatch.setattr(plan, "speeds", lambda: known)

    return put


NETWORK = 'network,,"training passes, width 64",0.04,"CPU, one core",5,x'


def test_hours_are_units_times_measured_speed(config, speeds):
    speeds(NETWORK)
    seconds = plan.START + 5_000_000 * 0.04
    assert plan.core_seconds("network", CELL, config) == pytest.approx(seconds)
    taken, measured = plan.gpu_seconds("network", CELL, config)
    assert not measured
    assert taken == pytest.approx(plan.START + 5_000_000 / plan.ASSUMED_GPU)
    speeds(NETWORK, 'network,,"training passes, width 64",0.0001,NVIDIA H200,5,x')
    assert plan.gpu_seconds("network", CELL, config) == (pytest.approx(plan.START + 500), True)
    assert plan.core_seconds("network", CELL, config) == pytest.approx(seconds), "a GPU's speed is not a core's"


def test_an_estimate_is_never_called_measured(config, speeds):
    jobs = [("network", CELL), ("network", {**CELL, "seed": "1"}), ("table", {"table": "table1"})]
    speeds(NETWORK)
    text = plan.markdown(plan.rows(jobs, config, {"network"}), config)
    assert "3 jobs" in text
    assert "| network | 2 | 0.00 | 0.11 | not measured on a GPU: estimate | 111.11 | measured | 0.09 |" in text
    assert "That is a target, not a measurement." in text
    speeds(NETWORK, 'network,,"training passes, width 64",0.0001,NVIDIA H200,5,x')
    text = plan.markdown(plan.rows(jobs, config, {"network"}), config)
    assert "| network | 2 | 0.00 | 0.28 | measured | 111.11 | measured | 0.09 |" in text
    assert "target" not in text


def test_without_a_gpu_everything_is_cpu_hours(config, speeds):
    speeds(NETWORK)
    (row,) = plan.rows([("network", CELL)], config, set())
    assert (row["gpu_jobs"], row["gpu_hours"]) == (0, 0)
    assert row["own_core_hours"] == row["core_hours"] > 50


def test_only_attacks_that_train_go_to_the_gpu(config):
    jobs = [("fit_attack", {**CELL, "attack": a}) for a in ("badnets", "inputaware")]
    (row,) = plan.rows(jobs, config, {"fit_attack"})
    assert row["gpu_jobs"] == 1


def test_disk_is_what_the_arrays_take(config):
    w = {"extractor": "clip", "images": "cifar10/train"}
    assert work.disk("features", w, config) == 50_000 * 512 * 4
    assert work.disk("network", CELL, config) == pytest.approx(44.7e6, rel=0.01)


def test_the_shipped_speeds_are_of_known_rules_and_units():
    known = plan.speeds(plan.MEASURED)
    assert known[work.PASSES, "cpu"] == pytest.approx(0.04, rel=1), "25 images a second on a core, measured twice"
    for (rule, name, _), seconds in ((k, v) for k, v in known.items() if len(k) == 3):
        assert seconds >= 0
        if rule == "features":
            assert name in registry.names("extractors")


def test_a_start_of_the_workflow_does_not_wait_for_pandas():
    code = "import sys; from holder import plan; sys.exit('pandas' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=tables.PUBLISHED.parent.parent).returncode == 0


def test_a_defense_that_was_added_counts_its_epochs(config, monkeypatch):
    monkeypatch.setattr(work, "settings", lambda *_: {"search_epochs": 3, "epochs": 2, "rate": 0.1, "loss": "x"})
    passes = work.work("defend", {**CELL, "network_defense": "new"}, config)[1]
    assert passes == pytest.approx(50_000 * 5 + 2 * 10_000 / 3)
