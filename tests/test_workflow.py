"""The whole workflow on a dataset the tests make, in a copy of the checkout: runs, reruns, failures."""

import base64
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from holder import store
from tests.workflow import ROOT, TARGETS, command, copied, edit, planned, snakemake

HP_FOLDER = "hp/epsilon=0.1/alpha=0.5/norm=inf/statistic=max/direction=worst/select=density"
MORE = ["results/toy/table3.csv", "results/toy/table6.csv", "results/toy/sensitivity.csv"]
MORE += [f"results/toy/figures/figure{n}.png" for n in (5, 6, 12, 13, 14)]
NETWORKS = [f"results/toy/table{n}.csv" for n in (2, 4, 5, 7, 8)]
NETWORKS += [f"results/toy/figures/figure{n}.png" for n in (1, 4, 7, 8, 9, 10, 11, 15)]
PRUNED = "results/toy/pruned/pixels/toy/badnets/seed=0/poison_rate=0.1"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    project = copied(tmp_path_factory.mktemp("workflow"))
    run = snakemake(project)
    assert run.returncode == 0, run.stderr[-5000:]
    return project


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished run, times included, free to be changed."""
    return shutil.copytree(finished, tmp_path / "project", symlinks=True)


@pytest.fixture(scope="module")
def extended(finished, tmp_path_factory):
    """Tables 3 and 6 and the figures about Hölder constants on top of the finished run."""
    project = shutil.copytree(finished, tmp_path_factory.mktemp("extended") / "project", symlinks=True)
    run = snakemake(project, targets=MORE)
    assert run.returncode == 0, run.stderr[-5000:]
    return project


def test_table_1_has_every_cell_and_the_numbers_hang_together(finished):
    lines = (finished / "results/toy/table1.csv").read_text().splitlines()
    header = lines[0].split(",")
    assert {"dataset", "attack", "defense", "n", "acc_mean", "acc_sd", "published_acc"} <= set(header)
    rows = [dict(zip(header, line.split(","), strict=True)) for line in lines[1:]]
    found = {(r["attack"], r["defense"]) for r in rows}
    defenses = ["none", "fp", "anp", "clp", "fmp", "hp", "l1norm", "random"]
    assert found == {(a, d) for a in ("badnets", "sig", "trojan", "average") for d in defenses}
    for r in rows:
        assert 0 <= float(r["asr_mean"]) + float(r["ra_mean"]) <= 100
    undefended = next(r for r in rows if (r["attack"], r["defense"]) == ("badnets", "none"))
    assert float(undefended["acc_mean"]) > 60, "the toy classes are easy"
    for name in ("table1.md", "table1.tex", "figures/table1_curves.pdf", "figures/figure16.pdf"):
        assert (finished / "results/toy" / name).stat().st_size > 500


def test_every_metrics_file_says_what_made_it(finished):
    files = sorted((finished / "results/toy/pruned").rglob("metrics.json"))
    assert len(files) == 3 * 8
    for file in files:
        cell = json.loads(file.read_text())
        assert {"settings", "sha256", "versions", "device", "seconds", "seed", "pruned", "counts"} <= set(cell)
        assert cell["counts"]["clean"] == 200
        assert cell["counts"]["triggered"] == 150, "triggered images of the target class are left out"


def rows_of(file):
    with open(file, newline="") as stream:
        return list(csv.DictReader(stream))


def test_table_3_has_a_column_per_extractor_and_the_figures_are_there(extended):
    rows = rows_of(extended / "results/toy/table3.csv")
    assert {(r["extractor"], r["defense"]) for r in rows} == {
        (e, d) for e in ("simclr", "pixels") for d in ("none", "hp")
    }
    assert "SimCLR: HP | pixels: Undefended" in (extended / "results/toy/table3.md").read_text()
    for target in MORE[3:]:
        assert (extended / target).read_bytes().startswith(b"\x89PNG")
        assert (extended / target).with_suffix(".pdf").read_bytes().startswith(b"%PDF")


def test_the_sensitivity_sheet_agrees_with_the_prune_job(extended):
    rows = rows_of(extended / "results/toy/sensitivity.csv")
    own = json.loads((extended / PRUNED / HP_FOLDER / "metrics.json").read_text())
    at = {"order": "hp", "norm": "inf", "statistic": "max", "select": "density"}
    (same,) = [r for r in rows if all(r[k] == v for k, v in at.items())]
    assert int(same["pruned"]) == own["pruned"]
    assert float(same["asr"]) == pytest.approx(own["asr"], abs=1e-3)
    assert {r["pruned"] for r in rows if r["order"] == "random"} == {"8", "32"}
    assert all(-1 <= float(r["spearman_l1"]) <= 1 for r in rows)


def test_a_new_epsilon_in_a_figure_runs_that_epsilon_alone(extended, tmp_path):
    project = shutil.copytree(extended, tmp_path / "project", symlinks=True)
    assert planned(project, MORE) == {}
    edit(
        project / "config/toy.yaml",
        "figure6: {extractors: [pixels], epsilons: [0.05, 0.1]",
        "figure6: {extractors: [pixels], epsilons: [0.05, 0.1, 0.2]",
    )
    assert planned(project, MORE) == {"prune_hp": 1, "figure": 1}
    shutil.rmtree(project / ".snakemake")
    assert planned(project, MORE) == {"prune_hp": 1, "figure": 1}


def test_simclrs_settings_rerun_its_own_column_alone(extended, tmp_path):
    project = shutil.copytree(extended, tmp_path / "project", symlinks=True)
    edit(project / "config/toy.yaml", "simclr: {width: 4, epochs: 1", "simclr: {width: 4, epochs: 2")
    expected = {"simclr": 1, "features": 4, "head": 1, "prune": 1, "prune_hp": 1, "table": 1}
    assert planned(project, MORE) == expected


def test_a_poisoned_extractor_belongs_to_its_cell(extended):
    places = sorted(
        p.relative_to(extended / "results/toy").as_posix()
        for p in (extended / "results/toy/features/backdoored").rglob("*.safetensors")
    )
    cell = "features/backdoored/of/toy/badnets/seed=0/poison_rate=0.1/toy"
    images = ["badnets/seed=0/poison_rate=0.1", "badnets/seed=0/test", "test", "train"]
    assert places == [f"{cell}/{name}.safetensors" for name in images]
    network = store.info(extended / "results/toy/networks/toy/badnets/seed=0/poison_rate=0.1.safetensors")
    counts = network["metrics"]["counts"]
    assert (counts["clean"], counts["triggered"]) == (200, 150)


@pytest.fixture(scope="module")
def defended(extended, tmp_path_factory):
    """Tables 2, 5, 7 and 8 on top of the others."""
    project = shutil.copytree(extended, tmp_path_factory.mktemp("defended") / "project", symlinks=True)
    run = snakemake(project, targets=NETWORKS)
    assert run.returncode == 0, run.stderr[-5000:]
    return project


def test_table_2_has_every_defense_and_table_5_every_rate(defended):
    rows = rows_of(defended / "results/toy/table2.csv")
    assert {r["defense"] for r in rows} == {"none", "abl", "clp", "dbd", "dst", "hid"}
    assert {r["extractor"] for r in rows} == {"preactresnet18"}
    rows = rows_of(defended / "results/toy/table5.csv")
    found = {(r["attack"], r["poison_rate"], r["defense"]) for r in rows}
    rates = ("0.1000", "0.0500")
    assert found == {(a, rate, d) for a in ("badnets", "average") for rate in rates for d in ("none", "hid")}


def test_table_8_has_every_defense_and_the_clean_data_are_the_same_and_on_record(defended):
    rows = rows_of(defended / "results/toy/table8.csv")
    assert {r["defense"] for r in rows} == {"none", "nc", "ibau", "dbr", "sau", "hid"}
    assert "NC, i-BAU and SAU are given clean data" in (defended / "results/toy/table8.md").read_text()
    assert "are given clean data" not in (defended / "results/toy/table2.md").read_text()
    place = defended / "results/toy/defended/toy/badnets/seed=0/poison_rate=0.1"
    facts = {d: json.loads((place / d / "metrics.json").read_text())["facts"] for d in ("nc", "ibau", "sau", "dbr")}
    clean = store.load(defended / "results/toy/clean_data/toy/seed=0.safetensors")
    train = store.load(defended / "results/toy/images/toy/train.safetensors")
    overlay = store.load(defended / "results/toy/images/toy/badnets/seed=0/poison_rate=0.1.safetensors")
    assert (clean["images"] == train["images"][clean["index"]]).all()
    assert sorted(clean["labels"]) == [0] * 5 + [1] * 5 + [2] * 5 + [3] * 5
    for name in ("nc", "ibau", "sau"):
        said = facts[name]["clean_data"]
        assert (said["size"], said["settings"]) == (20, {"share": 0.05})
        assert "training images in their clean form" in said["origin"]
        assert facts[name]["clean_data_poisoned"] == len(set(clean["index"]) & set(overlay["index"]))
    assert "clean_data" not in facts["dbr"], "its split is all that it uses"
    assert len(facts["nc"]["mask_norms"]) == len(facts["nc"]["anomaly"]) == 4


def test_metrics_of_whole_networks_say_what_happened_inside(defended):
    place = defended / "results/toy/defended/toy/badnets/seed=0/poison_rate=0.1"
    facts = {p.parent.name: json.loads(p.read_text())["facts"] for p in place.glob("*/metrics.json")}
    assert len(facts["clp"]["sweep"]) == 21
    assert 0 <= facts["abl"]["isolated_poisoned"] <= facts["abl"]["isolated"] == 4
    assert [r["pruned"] for r in facts["hid"]["rounds"]] == [32, 16]
    assert all(r["clean_poisoned"] <= r["poisoned"] == 40 for r in facts["hid"]["rounds"])
    assert not list(place.rglob("*.checkpoint")) + list(place.rglob("*metrics.json.*"))


def test_a_setting_of_one_network_defense_reruns_that_defense_alone(defended, tmp_path):
    project = shutil.copytree(defended, tmp_path / "project", symlinks=True)
    assert planned(project, NETWORKS) == {}
    edit(project / "config/toy.yaml", "abl: {pretrain_epochs: 1", "abl: {pretrain_epochs: 2")
    assert planned(project, NETWORKS) == {"defend": 1, "table": 2, "table4": 1}
    edit(project / "config/toy.yaml", "hid: {pruned: [32, 16]", "hid: {pruned: [32, 8]")
    assert planned(project, NETWORKS) == {
        **{"defend": 1, "hid_round": 5, "hid": 2, "embed_round": 2},
        **{"table": 4, "table4": 1, "figure": 4},
    }


VERDICTS = [f"results/toy/{name}" for name in ("audit.md", "claims.csv", "comparison.csv", "plan.md", "index.html")]


@pytest.fixture(scope="module")
def judged(defended, tmp_path_factory):
    """Claims, comparison, audit, plan and start page on top of everything else."""
    project = shutil.copytree(defended, tmp_path_factory.mktemp("judged") / "project", symlinks=True)
    verdicts = {"audit": 1, "claims": 1, "comparison": 1, "plan": 1, "start_page": 1}
    assert planned(project, VERDICTS) == {**verdicts, "table_curves": 1}
    run = snakemake(project, targets=VERDICTS)
    assert run.returncode == 0, run.stderr[-5000:]
    return project


def test_claims_comparison_audit_and_plan_are_made_and_claim_nothing_about_the_paper(judged):
    rows = rows_of(judged / "results/toy/claims.csv")
    toy = {r["id"]: r for r in rows if r["dataset"] == "toy"}
    assert {r["verdict"] for r in rows if r["dataset"] != "toy"} == {"not tested"}
    assert toy["hp-acc-drop"]["verdict"] in ("holds (reduced scale)", "fails (reduced scale)")
    assert not any(r["scale"] == "paper" for r in rows)
    tested = {i for i, r in toy.items() if r["verdict"] != "not tested"}
    assert {"hp-best-asr", "hid-best-asr", "hoelder-is-local", "epsilon-asr", "constant-grows", "hid-speed"} <= tested
    drop = {d: float(cell(judged, "table1", "average", d)["acc_mean"]) for d in ("none", "hp")}
    assert float(toy["hp-acc-drop"]["value"]) == pytest.approx(drop["none"] - drop["hp"], abs=1e-3)
    assert rows_of(judged / "results/toy/comparison.csv") == [], "the paper prints nothing about the toy dataset"
    assert (judged / "results/toy/figures/comparison.png").stat().st_size > 500
    assert "137 agree" in (judged / "results/toy/audit.md").read_text()
    assert re.search(r"\| head \| \d+ \| 0.0", (judged / "results/toy/plan.md").read_text())


def test_what_the_paper_says_is_an_input_of_what_is_judged(judged, tmp_path):
    project = shutil.copytree(judged, tmp_path / "project", symlinks=True)
    assert planned(project, VERDICTS) == {}
    edit(project / "config/claims.yaml", "at_most: 2.5}", "at_most: 1.5}")
    assert planned(project, VERDICTS) == {"claims": 1, "start_page": 1}
    printed = "1,cifar10,clip,0.05,average,fmp,asr,"
    edit(project / "config/published.csv", f"{printed}56.1", f"{printed}65")
    jobs = {"table": 7, "table4": 1, "claims": 1, "audit": 1, "comparison": 1, "start_page": 1}
    assert planned(project, VERDICTS) == jobs


BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def browsed(page):
    """A page as a browser without a network shows it, and what it complains of.

    Snakemake's report brings its style sheet's compiler along, which warns of that.
    """
    start = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    start += ["--enable-logging=stderr", "--virtual-time-budget=10000", "--dump-dom", page.as_uri()]
    run = subprocess.run(start, capture_output=True, text=True, timeout=180)
    said = [line for line in run.stderr.splitlines() if "CONSOLE" in line]
    return run.stdout, [line for line in said if "tailwindcss.com should not be used in production" not in line]


@pytest.mark.skipif(not BROWSER, reason="no Chromium on this machine")
def test_report_and_start_page_open_offline_without_an_error_and_with_every_figure(judged, tmp_path):
    page = (judged / "results/toy/index.html").read_text()
    figures = len(list((judged / "results/toy/figures").glob("*.png")))
    assert page.count("<img") == figures
    heads = len(list((judged / "results/toy/heads").rglob("*.safetensors")))
    assert re.search(rf"<td>head</td><td>{heads}</td>", page), "every job is in the table of times"
    assert page.index("Verdicts</h2>") < page.index("Tables</h2>") < page.index("Figures</h2>")
    count = "[...document.images].filter(i => i.naturalWidth > 100).length"
    script = f"<script>addEventListener('load', () => document.body.dataset.seen = {count})</script>"
    (tmp_path / "page.html").write_text(page + script)
    shown, complaints = browsed(tmp_path / "page.html")
    assert complaints == []
    assert f'data-seen="{figures}"' in shown
    made = snakemake(judged, "--report", str(tmp_path / "report.html"), targets=VERDICTS)
    assert made.returncode == 0, made.stderr[-3000:]
    shown, complaints = browsed(tmp_path / "report.html")
    assert complaints == []
    assert "Begin here" in shown
    assert "click on the eye" in shown
    address = "data:text/html;base64," + base64.b64encode(page.encode()).decode()
    assert len(address) < 2**21, "browsers open no longer data: address, and the report has the page in one"


def cell(project, table, attack, defense):
    return next(
        r for r in rows_of(project / f"results/toy/{table}.csv") if (r["attack"], r["defense"]) == (attack, defense)
    )


def test_another_share_of_clean_data_reruns_those_that_get_them_and_table_8_alone(defended, tmp_path):
    project = shutil.copytree(defended, tmp_path / "project", symlinks=True)
    with open(project / "config/toy.yaml", "a") as config:
        config.write("clean_data: {share: 0.1}\n")
    assert planned(project, NETWORKS) == {"clean_data": 1, "defend": 3, "table": 1}
    shutil.rmtree(project / ".snakemake")
    run = snakemake(project, targets=NETWORKS)
    assert run.returncode == 1
    assert re.search(r"was made with clean_data_settings .*0.05.*, the config says .*0.1", run.stderr)


def test_a_second_run_elsewhere_gives_the_same_bytes(finished, tmp_path):
    again = copied(tmp_path)
    assert snakemake(again).returncode == 0
    for pattern in ("*.csv", "*.md", "*.tex", "*.safetensors", "*.png"):
        files = sorted(p.relative_to(finished) for p in (finished / "results/toy").rglob(pattern))
        assert files, pattern
        for file in files:
            assert (again / file).read_bytes() == (finished / file).read_bytes(), file


def test_a_finished_run_has_nothing_to_do(project):
    assert planned(project) == {}


def test_touching_or_commenting_code_and_config_reruns_nothing(project):
    for path in [*project.glob("scripts/*.py"), *project.glob("holder/**/*.py"), *project.glob("config/*")]:
        os.utime(path)
    edit(project / "holder/attacks/badnets.py", "out = images.copy()", "out = images.copy()  # a comment")
    edit(project / "scripts/prune.py", '"""Rank the hidden', '"""Other words. Rank the hidden')
    edit(project / "rules/prune.smk", "rule prune:", "# a comment\nrule prune:")
    assert planned(project) == {}


CURVES = {"table": 1, "table_curves": 1}


@pytest.mark.parametrize("key", ["epsilon: 0.1 ", "alpha: 0.5"])
def test_a_change_of_hp_runs_hp_table_and_curves_and_back_again_nothing_but_those(project, key):
    edit(project / "config/config.yaml", key, key.split(":")[0] + ": 0.2 ")
    assert planned(project) == {"prune_hp": 3, **CURVES}
    assert snakemake(project).returncode == 0
    assert planned(project) == {}
    shutil.copy(ROOT / "config/config.yaml", project / "config/config.yaml")
    assert planned(project) == CURVES, "the old scores are still there"


def test_epsilon_and_alpha_swapped_is_seen(project):
    edit(project / "config/config.yaml", "epsilon: 0.1 ", "epsilon: 0.5 ")
    edit(project / "config/config.yaml", "    alpha: 0.5", "    alpha: 0.1")
    assert planned(project) == {"prune_hp": 3, **CURVES}


def test_without_snakemakes_memory_hp_changes_are_still_seen(project):
    shutil.rmtree(project / ".snakemake")
    assert planned(project) == {}
    edit(project / "config/config.yaml", "epsilon: 0.1 ", "epsilon: 0.2 ")
    assert planned(project) == {"prune_hp": 3, **CURVES}


def test_without_snakemakes_memory_a_changed_baseline_is_refused_not_shown(project):
    shutil.rmtree(project / ".snakemake")
    edit(project / "config/toy.yaml", "samples: 100", "samples: 90")
    run = snakemake(project)
    assert run.returncode == 1
    assert re.search(r"fmp/metrics.json: was made with .*'samples': 100.*, the config says .*'samples': 90", run.stderr)
    edit(project / "config/toy.yaml", "samples: 90", "samples: 100")
    edit(project / "config/toy.yaml", "epochs: 10,", "epochs: 9,")
    run = snakemake(project)
    assert re.search(r"was made with classifier_settings .*'epochs': 10.*, the config says .*'epochs': 9", run.stderr)


def test_a_setting_of_one_baseline_reruns_that_baseline(project):
    edit(project / "config/toy.yaml", "samples: 100", "samples: 90")
    assert planned(project) == {"prune": 3, **CURVES}


def test_one_attacks_code_reruns_that_attack_alone(project):
    edit(project / "holder/attacks/badnets.py", "= 255", "= 254")
    jobs = planned(project)
    expected = {"fit_attack": 1, "poison": 1, "trigger_test": 1, "features": 2, "head": 1, "prune": 7, "prune_hp": 1}
    assert jobs == {**expected, **CURVES, "figure16": 1, "attacks": 1}


def test_a_surrogates_setting_reruns_the_attacks_that_look_at_one(project):
    edit(project / "config/toy.yaml", "surrogate: {width: 4, epochs: 1", "surrogate: {width: 4, epochs: 2")
    jobs = planned(project)
    assert jobs["surrogate"] == jobs["fit_attack"] == jobs["head"] == 1


def test_an_apply_setting_refits_nothing(project):
    edit(project / "config/toy.yaml", "trojan: {iterations: 20}", "trojan: {iterations: 20, overflow: clip}")
    jobs = planned(project)
    assert "fit_attack" not in jobs
    assert jobs["trigger_test"] == jobs["poison"] == 1


def test_one_defenses_code_reruns_that_defense_alone(project):
    edit(project / "holder/defenses/clp.py", "scores.std()", "scores.std(correction=0)")
    assert planned(project) == {"prune": 3, **CURVES}


def test_a_new_attack_runs_only_its_own_jobs(project):
    text = (project / "holder/attacks/badnets.py").read_text()
    (project / "holder/attacks/corner.py").write_text(text.replace("-size:, -size:", ":size, :size"))
    edit(project / "config/toy.yaml", "[badnets, sig, trojan]", "[badnets, sig, trojan, corner]")
    jobs = planned(project)
    expected = {"fit_attack": 1, "poison": 1, "trigger_test": 1, "features": 2, "head": 1, "prune": 7, "prune_hp": 1}
    assert jobs == {**expected, **CURVES, "figure16": 1, "attacks": 1}
    assert snakemake(project).returncode == 0


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("attacks: [badnets, sig, trojan]", "attacks: [badnets, sgi]", r"'sgi' is not known; there are badnets"),
        ("poison_rate: 0.1", "poison_rate: 0.5", r"is 200 images for sig, allowed is 1 to the target class's 100"),
        ("device: cpu", "devise: cpu", r"config: unknown key 'devise'; allowed are"),
    ],
)
def test_a_wrong_config_stops_before_any_job(project, old, new, sentence):
    edit(project / "config/toy.yaml", old, new)
    run = snakemake(project, "--forceall")
    assert run.returncode == 1
    assert re.search(sentence, run.stderr)
    assert "Traceback" not in run.stderr
    assert "Finished job" not in run.stderr


def test_a_corrupt_file_stops_the_job_that_reads_it_with_one_sentence(project):
    head = project / "results/toy/heads/pixels/toy/badnets/seed=0/poison_rate=0.1.safetensors"
    head.write_bytes(head.read_bytes()[:-7])
    run = snakemake(project, "--forcerun", "prune", targets=[f"{PRUNED}/clp/metrics.json"])
    assert run.returncode == 1
    assert re.search(r"prune/\S+: results/toy/heads/\S+: is truncated", run.stderr)
    assert "Traceback" not in run.stderr
    assert not (project / f"{PRUNED}/clp/metrics.json").exists(), "Snakemake removes a failed job's output"


def test_a_fit_killed_in_the_middle_goes_on_and_ends_in_the_same_bytes(project):
    """SIGKILL to Snakemake and its job once a checkpoint exists; then the same command."""
    edit(project / "config/toy.yaml", "surrogate: {width: 4, epochs: 1", "surrogate: {width: 4, epochs: 8")
    edit(project / "holder/training.py", "SAVE_SECONDS = 20", "SAVE_SECONDS = 0")
    target = project / "results/toy/surrogates/toy/standard.safetensors"
    name = [str(target.relative_to(project))]
    assert snakemake(project, targets=name).returncode == 0
    straight = target.read_bytes()
    target.unlink()

    run = subprocess.Popen(command(targets=name), cwd=project, stderr=subprocess.DEVNULL, start_new_session=True)
    checkpoint = Path(f"{target}.checkpoint")
    deadline = time.monotonic() + 60
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert checkpoint.exists()
    assert not target.exists()
    assert snakemake(project, "--unlock", targets=name).returncode == 0
    again = snakemake(project, targets=name)
    assert again.returncode == 0
    assert re.search(r"resumed after epoch \d of 8", again.stderr)
    assert target.read_bytes() == straight
    assert not checkpoint.exists()


def test_paper_size_without_a_gpu_is_refused_with_its_cost(finished, tmp_path):
    project = shutil.copytree(finished, tmp_path / "project", symlinks=True)
    hidden = {**os.environ, "PATH": "/usr/bin:/bin"}
    if shutil.which("nvidia-smi", path=hidden["PATH"]):
        pytest.skip("this machine has a GPU")
    edit(project / "config/toy.yaml", "device: cpu", "device: cuda")
    start = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "config/toy.yaml", "--forceall"]

    def run(*more):
        return subprocess.run([*start, *more, "--", *TARGETS], cwd=project, capture_output=True, text=True, env=hidden)

    refused = run()
    assert refused.returncode == 1
    assert re.search(
        r"jobs ask for a GPU and this machine has none .* about \d+ hours: .*profiles/quick", refused.stderr
    )
    assert "Finished job" not in refused.stderr
    assert run("-n").returncode == 0, "a dry run needs no GPU"
    edit(project / "config/toy.yaml", "device: cuda", "device: cuda\nallow_cpu: true")
    assert snakemake(project, "--forcerun", "head", targets=[f"{PRUNED}/none/metrics.json"]).returncode == 0


@pytest.mark.parametrize(("name", "least"), [("requirements", 50), ("slurm", 10)])
def test_the_shipped_locks_name_no_host_and_hash_every_pin(name, least):
    lock = (ROOT / f"envs/{name}.lock").read_text()
    assert "://" not in lock
    pins = re.findall(r"^[a-z0-9][^\n]*==[^\n]*\\\n    --hash=sha256:", lock, re.M)
    assert len(pins) == len(re.findall(r"^[a-z0-9][^\n]*==", lock, re.M)) > least


def test_the_executor_is_locked_to_the_versions_of_the_environment():
    pins = {
        name: dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", (ROOT / f"envs/{name}.lock").read_text(), re.M))
        for name in ("requirements", "slurm")
    }
    shared = pins["slurm"].keys() & pins["requirements"].keys()
    assert "pandas" in shared
    assert all(pins["slurm"][name] == pins["requirements"][name] for name in shared)


def test_the_conda_environment_has_the_locks_versions():
    made = subprocess.check_output([sys.executable, ROOT / "envs/conda_from_lock.py"], text=True)
    assert (ROOT / "envs/holder.yaml").read_text() == made
