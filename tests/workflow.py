"""The workflow on a dataset the tests make, in a copy of the checkout."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
TARGETS = ["results/toy/table1.csv", "results/toy/figures/table1_curves.png", "results/toy/figures/figure16.png"]
TARGETS += ["results/toy/attacks.csv"]
SMALL = ["results/toy/table1.csv"]
TABLES = [f"results/toy/table1.{kind}" for kind in ("csv", "md", "tex")]
CELL = "toy/trojan/seed=0/poison_rate=0.1"


def copied(folder):
    """The checkout with the toy dataset and extractor added, each as one file."""
    for part in ("Snakefile", "rules", "report", "scripts", "config", "profiles", "envs", "holder"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)
    shutil.copy(ROOT / "tests/toy/dataset.py", folder / "holder/datasets/toy.py")
    shutil.copy(ROOT / "tests/toy/extractor.py", folder / "holder/extractors/pixels.py")
    shutil.copy(ROOT / "tests/toy/config.yaml", folder / "config/toy.yaml")
    return folder


def small(folder, attack="trojan"):
    """Table 1 of one attack and two defenses: every stage once. Trojan looks at a trained surrogate."""
    project = copied(folder)
    table = f"attacks: [{attack}]}}\n    defenses: [fp, hp]\n    controls: []"
    edit(project / "config/toy.yaml", "attacks: [badnets, sig, trojan]}", table)
    return project


def command(*options, targets=TARGETS, profile="profiles/quick"):
    start = [sys.executable, "-m", "snakemake", "--workflow-profile", profile]
    return [*start, "--configfile", "config/toy.yaml", *options, "--", *targets]


def snakemake(project, *options, targets=TARGETS, **more):
    return subprocess.run(command(*options, targets=targets), cwd=project, capture_output=True, text=True, **more)


def planned(project, targets=TARGETS):
    """Jobs by rule of a dry run, without the targets' own pseudo-rules."""
    run = snakemake(project, "-n", targets=targets)
    assert run.returncode == 0, run.stderr
    table = re.search(r"Job stats:\n.*?\n-[- ]+\n(.*?)\ntotal", run.stdout + run.stderr, re.S)
    return {line.split()[0]: int(line.split()[1]) for line in table[1].splitlines()} if table else {}


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
