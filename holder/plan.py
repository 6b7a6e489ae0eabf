"""What a run will take, before anything runs: jobs, hours and disk, from speeds measured per unit of work.

Speeds lie in config/measured.csv, taken by benchmarks/measured.py from the benchmark files of finished runs: CPU
seconds of one core per unit, or seconds of a GPU where one was measured. holder/work.py counts the units.
"""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pandas as pd

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
    measured = pd.read_csv(path, dtype={"name": str}, keep_default_na=False)
    kinds = ["cpu" if device.startswith("CPU") else "gpu" for device in measured["device"]]
    found = {(r.rule, r.name, kind): r.seconds_per_unit for r, kind in zip(measured.itertuples(), kinds, strict=True)}
    for (unit, kind), own in measured.groupby(["unit", pd.Series(kinds)]):
        found[unit, kind] = float(own["seconds_per_unit"].median())
    return found


def _speed(rule: str, w: dict, unit: str, kind: str) -> float | None:
    known, rule = speeds(), SAME.get(rule, rule)
    name = w.get(NAMED.get(rule, ""), "hp" if rule == "prune" else "")
    if (rule, name, kind) in known:
        return known[rule, name, kind]
    if rule == "features" and kind == "cpu":  # measured where the extractor was added, on two cores
        return 2 / registry.facts("extractors", w["extractor"]).get("CPU_IMAGES_PER_SECOND", 100)
    return known.get((unit, kind)) if unit != IMAGES else None


def core_seconds(rule: str, w: dict, config: dict) -> float:
    """CPU seconds of a job on one core; a job without a speed counts as its start."""
    unit, number = work(rule, w, config)
    return START + number * (_speed(rule, w, unit, "cpu") or 0)


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


def rows(planned: list[tuple[str, dict]], config: dict, on_gpu: set[str]) -> pd.DataFrame:
    """One row per rule: jobs, core_hours (all of its jobs on the CPU), gpu_jobs, gpu_hours, measured, gigabytes.

    on_gpu: the rules that ask for a GPU. core_hours of jobs that go to a GPU are what they would take without one.
    """
    out, order = {}, Counter(rule for rule, _ in planned)
    for rule, w in planned:
        row = out.setdefault(rule, {"rule": rule, "jobs": order[rule], "core_hours": 0.0, "own_core_hours": 0.0})
        gpu = rule in on_gpu and (rule != "fit_attack" or registry.facts("attacks", w["attack"]).get("TRAINED", False))
        seconds = core_seconds(rule, w, config)
        row["core_hours"] += seconds / 3600
        row["own_core_hours"] += 0 if gpu else seconds / 3600
        taken, measured = gpu_seconds(rule, w, config) if gpu else (0.0, True)
        row["gpu_jobs"] = row.get("gpu_jobs", 0) + gpu
        row["gpu_hours"] = row.get("gpu_hours", 0.0) + taken / 3600
        row["measured"] = row.get("measured", True) and measured
        row["gigabytes"] = row.get("gigabytes", 0.0) + disk(rule, w, config) / 1e9
    return pd.DataFrame(list(out.values()))


def markdown(found: pd.DataFrame, config: dict) -> str:
    """The plan: a row per rule, sums, and what the hours rest on."""
    total = found[["jobs", "core_hours", "own_core_hours", "gpu_jobs", "gpu_hours", "gigabytes"]].sum()
    gpu = total["gpu_jobs"] > 0
    out = [
        "# Plan",
        "",
        f"What `snakemake all` makes from nothing with this config (device {config['device']}, seeds "
        f"{', '.join(map(str, config['seeds']))}): {int(total['jobs'])} jobs, {total['own_core_hours']:.1f} CPU-hours "
        f"of one core{f', {total.gpu_hours:.1f} GPU-hours' if gpu else ''}, {total['gigabytes']:.1f} GB in "
        f"`{config['results']}`, beside the downloads in `{config['data']}`.",
        "",
        "| rule | jobs | CPU-hours | GPU-hours | GPU speed | CPU-hours without a GPU | GB |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in [*found.sort_values("core_hours", ascending=False).itertuples()]:
        known = "–" if not r.gpu_jobs else "measured" if r.measured else "not measured on a GPU: estimate"
        hours = f"{r.gpu_hours:.2f}" if r.gpu_jobs else "–"
        numbers = [f"{r.own_core_hours:.2f}", hours, known, f"{r.core_hours:.2f}", f"{r.gigabytes:.2f}"]
        out.append(f"| {r.rule} | {r.jobs} | {' | '.join(numbers)} |")
    out.append(
        f"| all | {int(total['jobs'])} | {total['own_core_hours']:.2f} | {total['gpu_hours']:.2f} | | "
        f"{total['core_hours']:.2f} | {total['gigabytes']:.2f} |"
    )
    out += [
        "",
        "CPU-hours are those of one core, from speeds in `config/measured.csv`, carried over to this config's sizes as "
        f"`holder/work.py` says, and {START:g} s for the start of each job; a run on n cores takes about an n-th. What "
        "has no measured speed counts as its start alone. Good to a factor of two.",
    ]
    if gpu and not found.loc[found["gpu_jobs"] > 0, "measured"].all():
        out.append(
            f"GPU-hours that were not measured assume that a GPU trains a PreAct-ResNet18 on {ASSUMED_GPU:,} images a "
            f"second in mixed precision (one core: {1 / speeds()[PASSES, 'cpu']:.0f}, measured) and does everything "
            "else that many times as fast, too. That is a target, not a measurement."
        )
    return "\n".join(out) + "\n"
