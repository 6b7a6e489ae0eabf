"""What a run will take, before anything runs: jobs, hours and disk, from speeds measured per unit of work.

Speeds lie in config/measured.csv, taken by benchmarks/measured.py from the benchmark files of finished runs: CPU
seconds of one core per unit, or seconds of a GPU where one was measured. holder/work.py counts the units.
"""

import csv
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from statistics import median

from holder import registry
from holder.work import IMAGES, NAMED, PASSES, SAME, disk, work

MEASURED = Path(__file__).parent.parent / "config" / "measured.csv"
START = 3.0
"""CPU seconds in which a job that imports torch starts: those of the smallest feature jobs, measured."""

ASSUMED_GPU = 25_000
"""Images a second that a GPU is assumed to train a PreAct-ResNet18 on, in mixed precision: a target, not measured."""


@cache
def speeds(path: Path = MEASURED) -> dict[tuple, float]:
    """Seconds per unit by (rule, name, kind of device) and, for units that several rules share, by (unit, kind)."""
    found, shared = {}, defaultdict(list)
    with open(path, encoding="utf-8", newline="") as file:
        for r in csv.DictReader(file):
            kind, seconds = "cpu" if r["device"].startswith("CPU") else "gpu", float(r["seconds_per_unit"])
            found[r["rule"], r["name"], kind] = seconds
            if seconds:  # 0 where the small run took no longer than its start
                shared[r["unit"], kind].append(seconds)
    return found | {place: median(seconds) for place, seconds in shared.items()}


def _speed(rule: str, w: dict, unit: str) -> tuple[float, str]:
    """CPU seconds of one core per unit of a job, and where they come from."""
    known, rule = speeds(), SAME.get(rule, rule)
    name = w.get(NAMED.get(rule, ""), "hp" if rule == "prune" else "")
    if unit == "job":
        return 0.0, "start alone"
    if (rule, name, "cpu") in known:
        return known[rule, name, "cpu"], "measured"
    if rule == "features":  # on two cores, noted where the extractor was added
        per_second = registry.facts("extractors", w["extractor"]).get("CPU_IMAGES_PER_SECOND")
        return (2 / per_second, "noted with the extractor") if per_second else (0.0, "unknown")
    if rule == "sensitivity_cell" and ("prune", "hp", "cpu") in known:
        return known["prune", "hp", "cpu"], "from like jobs"
    if unit != IMAGES and (unit, "cpu") in known:
        return known[unit, "cpu"], "from like jobs"
    return 0.0, "unknown"


def core_seconds(rule: str, w: dict, config: dict) -> float:
    """CPU seconds of a job on one core; a job of unknown speed counts as its start."""
    unit, number = work(rule, w, config)
    return START + number * _speed(rule, w, unit)[0]


def gpu_seconds(rule: str, w: dict, config: dict) -> tuple[float, bool]:
    """Seconds of a job on a GPU, and whether they come from a measured speed.

    Where none was measured: the job's work on one core, sped up by ASSUMED_GPU against a core's training passes.
    """
    unit, number = work(rule, w, config)
    measured = speeds().get((SAME.get(rule, rule), w.get(NAMED.get(SAME.get(rule, rule), ""), ""), "gpu"))
    if measured is not None:
        return START + number * measured, True
    return START + (core_seconds(rule, w, config) - START) / (ASSUMED_GPU * speeds()[PASSES, "cpu"]), False


def jobs(summary: str, patterns: dict[str, list[str]]) -> list[tuple[str, dict]]:
    """(rule, wildcards) of every job in the output of `snakemake --summary`, by the rules' output patterns."""
    found = {}
    for line in summary.splitlines():
        path, _, rule, *_ = [*line.split("\t"), "", "", ""]
        for pattern in patterns.get(rule, []):
            match = re.match(pattern, path)
            if match:
                given = match.groupdict()
                found.setdefault((rule, *sorted(given.items())), (rule, given))
                break
    return list(found.values())


SUMS = ("jobs", "gpu_jobs", "core_hours", "own_core_hours", "gpu_hours", "gigabytes")


def rows(planned: list[tuple[str, dict]], config: dict, on_gpu: set[str]) -> list[dict]:
    """One row per rule: jobs, gpu_jobs, core_hours, own_core_hours, gpu_hours, gigabytes, measured.

    on_gpu: the rules that ask for a GPU. core_hours is what all jobs would take on one core, own_core_hours what those
    take that go to no GPU; measured says whether all of gpu_hours comes from measured speeds, cpu_speed where
    core_hours come from.
    """
    out = {}
    for rule, w in planned:
        row = out.setdefault(rule, {"rule": rule, "measured": True, "cpu_speed": {}, **dict.fromkeys(SUMS, 0)})
        gpu = rule in on_gpu and (rule != "fit_attack" or registry.facts("attacks", w["attack"]).get("TRAINED", False))
        hours = core_seconds(rule, w, config) / 3600
        taken, measured = gpu_seconds(rule, w, config) if gpu else (0.0, True)
        more = (1, int(gpu), hours, 0 if gpu else hours, taken / 3600, disk(rule, w, config) / 1e9)
        for key, value in zip(SUMS, more, strict=True):
            row[key] += value
        row["measured"] &= measured
        row["cpu_speed"][_speed(rule, w, work(rule, w, config)[0])[1]] = None
    return sorted(out.values(), key=lambda row: -row["core_hours"])


def markdown(found: list[dict], config: dict) -> str:
    """The plan: a row per rule, sums, and what the hours rest on."""
    total = {key: sum(row[key] for row in found) for key in SUMS}
    gpu = total["gpu_jobs"] > 0
    guessed = "" if all(row["measured"] for row in found) else " (a guess from an assumed speed, see below)"
    gpu_told = f", {total['gpu_hours']:.1f} GPU-hours{guessed}" if gpu else ""
    out = [
        "# Plan",
        "",
        f"What `snakemake all` makes from nothing with this config (device {config['device']}, seeds "
        f"{', '.join(map(str, config['seeds']))}): {total['jobs']} jobs, {total['own_core_hours']:.1f} CPU-hours of "
        f"one core{gpu_told}, {total['gigabytes']:.1f} GB in "
        f"`{config['results']}`, beside the downloads in `{config['data']}`.",
        "",
        "| rule | jobs | CPU-hours | GPU-hours | GPU speed | CPU-hours without a GPU | CPU speed | GB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in [*found, {"rule": "all", "measured": None, "cpu_speed": {}, **total}]:
        known = {None: "", True: "measured", False: "not measured on a GPU: estimate"}[row["measured"]]
        numbers = [f"{row[key]:.2f}" for key in ("own_core_hours", "gpu_hours", "core_hours", "gigabytes")]
        told = ", ".join(row["cpu_speed"])
        if not row["gpu_jobs"]:
            numbers[1] = known = "–"
        out.append(
            f"| {row['rule']} | {row['jobs']} | {' | '.join([*numbers[:2], known, numbers[2], told, numbers[3]])} |"
        )
    out += [
        "",
        "CPU-hours are those of one core, from speeds in `config/measured.csv`, carried over to this config's sizes as "
        f"`holder/work.py` says, and {START:g} s for the start of each job; n cores take about an n-th. 'From like "
        "jobs' is the median of the rules measured in the same unit; these differ by a factor of two and more.",
    ]
    if not all(row["measured"] for row in found):
        out.append(
            f"GPU-hours that were not measured assume that a GPU trains a PreAct-ResNet18 on {ASSUMED_GPU:,} images a "
            f"second in mixed precision (one core: {1 / speeds()[PASSES, 'cpu']:.0f}, measured) and does everything "
            "else that many times as fast, too. That is a target, not a measurement."
        )
    return "\n".join(out) + "\n"
