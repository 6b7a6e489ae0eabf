"""The paper's printed numbers: one row per number or per cell, cells in the paper's words, findings about them."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from holder import tables

RATES = tables.METRICS
CELL = ["table", "dataset", "extractor", "poison_rate", "attack", "defense"]


class Finding(NamedTuple):
    """id, where it stands, what is printed there, what the other printed numbers give, and what follows."""

    id: str
    place: str
    printed: str
    recomputed: str
    verdict: str


def read(path: str | Path = tables.PUBLISHED) -> pd.DataFrame:
    """The printed rates, one row per number: CELL, metric, value (%; NaN where lost or not printed), note."""
    printed = _all(path)
    return printed[printed["metric"].isin(RATES)].reset_index(drop=True)


def runtimes(path: str | Path = tables.PUBLISHED) -> pd.DataFrame:
    """Table 4: dataset, defense, seconds (NaN where lost)."""
    printed = _all(path)
    own = printed[printed["metric"] == "runtime_s"].rename(columns={"value": "seconds"})
    return own[["dataset", "defense", "seconds"]].reset_index(drop=True)


def _all(path: str | Path) -> pd.DataFrame:
    printed = pd.read_csv(path, dtype={"extractor": str, "note": str})
    printed[["extractor", "note"]] = printed[["extractor", "note"]].fillna("")
    return printed.assign(extractor=printed["extractor"].replace("preres", "resnet18"))


def wide(printed: pd.DataFrame) -> pd.DataFrame:
    """One row per cell with columns acc, asr, ra."""
    return printed.pivot(index=CELL, columns="metric", values="value")[RATES].reset_index()


def rows(printed: pd.DataFrame, **where: object) -> pd.DataFrame:
    """The attack rows (no averages) that have the given values, one per cell."""
    return pick(wide(printed[printed["attack"] != "average"]), **where)


def pick(frame: pd.DataFrame, **where: object) -> pd.DataFrame:
    """The rows that have the given values."""
    for key, value in where.items():
        frame = frame[frame[key] == value]
    return frame


def named(**cell: object) -> str:
    """A cell in the paper's words: Table 2, GTSRB, LC, ABL."""
    names = {
        "table": lambda v: f"Table {v}",
        "dataset": lambda v: tables.DATASETS.get(v, v),
        "extractor": lambda v: tables.EXTRACTORS.get(v, v),
        "poison_rate": lambda v: f"{100 * v:g} %",
        "attack": lambda v: tables.ATTACKS.get(v, v),
        "defense": lambda v: tables.DEFENSES.get(v, v),
    }
    return ", ".join(names[k](v) for k, v in cell.items() if v != "")


def triple(cell: pd.Series) -> str:
    return " / ".join("–" if pd.isna(cell[m]) else f"{cell[m]:.1f}" for m in RATES)
