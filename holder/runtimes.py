"""Table 4: run times by stage, read from the benchmark records that Snakemake keeps of every job.

The paper gives one number per method and dataset (RTX 3090) and does not say which stages it holds (inconsistencies
D8): its 30 s for HP can hold neither the training nor the download of an extractor. Here every stage stands on its
own line, from the poisoned images to the defended model, and the total is the sum of the lines above it.
"""

import json
from pathlib import Path

import pandas as pd

from holder.names import ATTACKS, DATASETS, DEFENSES, EXTRACTORS
from holder.tables import PUBLISHED

STAGES = {
    "features": "features of the training images",
    "classifier": "classifier",
    "prune": "scores, pruning and evaluation",
    "network": "backdoored network",
    "simclr": "SimCLR",
    "split": "sample split",
    "defend": "defense",
    "rounds": "HID's rounds",
    "total": "total",
}
KEYS = ["dataset", "device", "extractor", "defense"]


def read(entries: list[dict]) -> pd.DataFrame:
    """Per-cell seconds of each stage and of their sum: KEYS, attack, poison_rate, seed, stage, seconds.

    entries: a cell's "metrics" file, "stages", {stage: benchmark files}, and for a whole network "own", the stage that
    is the defense. A stage takes its job's wall time, the defense what it measured of itself: its job also tests what
    only the reader wants to know (CLP at 21 thresholds). A cell that lacks a record is left out. A job that was resumed
    counts its last run alone: neither the record nor the defense's clock says anything of the run that was killed.
    """
    rows = []
    for entry in entries:
        cell = json.loads(Path(entry["metrics"]).read_text(encoding="utf-8"))
        seconds = {stage: [_seconds(path) for path in paths] for stage, paths in entry["stages"].items()}
        if "own" in entry:
            seconds[entry["own"]] = [cell["seconds"]]
        if any(value is None for values in seconds.values() for value in values):
            continue
        sums = {stage: sum(values) for stage, values in seconds.items()}
        place = {key: cell[key] for key in (*KEYS, "attack", "poison_rate", "seed")}
        rows += [{**place, "stage": k, "seconds": v} for k, v in {**sums, "total": sum(sums.values())}.items()]
    return pd.DataFrame(rows, columns=[*KEYS, "attack", "poison_rate", "seed", "stage", "seconds"])


def _seconds(path: str) -> float | None:
    """Wall seconds of a job's last run, or None without a record."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        return float(json.loads(lines[-1])["s"])
    except (OSError, ValueError, KeyError, IndexError):
        return None


def table(per_cell: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation over cells: KEYS, stage, n, seconds_mean, seconds_sd, published_seconds (totals)."""
    grouped = per_cell.groupby([*KEYS, "stage"])["seconds"]
    out = grouped.agg(n="size", seconds_mean="mean", seconds_sd="std").reset_index()
    printed = pd.read_csv(PUBLISHED)
    printed = printed[printed["table"] == 4].rename(columns={"value": "published_seconds"})
    out = out.merge(printed[["dataset", "defense", "published_seconds"]], on=["dataset", "defense"], how="left")
    out.loc[out["stage"] != "total", "published_seconds"] = float("nan")
    ranks = {"dataset": [*DATASETS], "extractor": [*EXTRACTORS], "defense": [*DEFENSES], "stage": [*STAGES]}
    known = {key: {name: i for i, name in enumerate(names)} for key, names in ranks.items()}
    by = [*KEYS, "stage"]
    return out.sort_values(by, key=lambda c: c.map(known[c.name]) if c.name in known else c, ignore_index=True)


def markdown(out: pd.DataFrame, per_cell: pd.DataFrame) -> str:
    """The same for a reader, a block per dataset, device and extractor (CLP is in two of them)."""
    lines = ["# Table 4: run times by stage", ""]
    lines += [
        "Wall seconds of a job, start-up included (of a defense on a whole network: the defense alone), mean ± "
        "standard deviation over attacks, poison rates and seeds;"
    ]
    lines += [
        "printed: the paper's seconds on an RTX 3090, which does not say what they hold. Each total is the sum of"
    ]
    lines += ["the lines above it. Clean features serve every attack of a dataset but are counted in each cell here."]
    for (dataset, device, extractor), rows in out.groupby(["dataset", "device", "extractor"], sort=False):
        mine = per_cell[["dataset", "device", "extractor"]].eq([dataset, device, extractor]).all(axis=1)
        some = per_cell[mine]
        attacks = ", ".join(ATTACKS.get(a, a) for a in dict.fromkeys(some["attack"]))
        lines += [
            "",
            f"## {DATASETS.get(dataset, dataset)}, {EXTRACTORS.get(extractor, extractor)}, {device} ({attacks})",
            "",
        ]
        lines += ["| defense | stage | cells | seconds | printed |", "|---|---|---|---|---|"]
        for _, row in rows.iterrows():
            spread = "" if pd.isna(row["seconds_sd"]) else f" ± {row['seconds_sd']:.1f}"
            printed = "" if pd.isna(row["published_seconds"]) else f"{row['published_seconds']:,.0f}"
            stage, name = STAGES.get(row["stage"], row["stage"]), DEFENSES.get(row["defense"], row["defense"])
            fields = [name, stage, f"{row['n']}", f"{row['seconds_mean']:,.1f}{spread}", printed]
            if row["stage"] == "total":
                fields = [f"**{field}**" if field else "" for field in fields]
            lines.append("| " + " | ".join(fields) + " |")
    return "\n".join(lines) + "\n"
