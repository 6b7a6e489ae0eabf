"""Every printed number beside ours: one long table, by table and metric."""

import numpy as np
import pandas as pd

from holder import scale, tables
from holder.verdicts import Cells, interval_of

KEYS = ["table", "dataset", "extractor", "attack", "poison_rate", "defense"]


def build(sheets: dict[int, pd.DataFrame], cells: Cells, seconds: pd.DataFrame | None = None) -> tuple:
    """The long table of the cells that both have, and how many of ours have no printed value.

    sheets: the tables as `tables.aggregate` makes them, by number; cells: the same cells as `evidence.measured` reads
    them, for their scale; seconds: Table 4 (holder/runtimes.py), if there is one.
    Columns: KEYS, metric, published, reproduced, sd, n (seeds), low, high (95 % interval of the mean), difference
    (reproduced less published), doubt, scale, reduced_by. Average rows are over the rows that both have.
    """
    out, alone = [], 0
    for number, sheet in sheets.items():
        sizes, printed = _sizes(cells.get(f"table{number}")), tables.published(number).assign(table=number)
        for row in sheet.to_dict("records"):
            values = {m: row[f"published_{m}"] for m in tables.METRICS}
            if all(pd.isna(v) for v in values.values()):
                alone += row["attack"] != "average"
                continue
            place = {**{k: row[k] for k in KEYS if k != "table"}, "table": number}
            own = [v for key, v in sizes.items() if _within(key, row)]
            reduced = list(dict.fromkeys(s for v in own for s in v)) if own else ["size unknown"]
            reduced += scale.foreign_extractors({row["extractor"]}, printed, f"table{number}")
            for metric, published in values.items():
                if pd.isna(published):
                    continue
                mean, sd = row[f"{metric}_mean"], row[f"{metric}_sd"]
                low, high = interval_of(mean, sd, row["n"])
                out.append(
                    {
                        **place,
                        "metric": metric,
                        "published": published,
                        "reproduced": mean,
                        **{"sd": sd, "n": row["n"], "low": low, "high": high},
                        "difference": mean - published,
                        "doubt": row["doubt"] if isinstance(row["doubt"], str) else "",
                        "scale": "reduced" if reduced else "paper",
                        "reduced_by": "; ".join(reduced),
                    }
                )
    if seconds is not None:
        out += _seconds(seconds)
    columns = [*KEYS, "metric", "published", "reproduced", "sd", "n", "low", "high", "difference", "doubt"]
    return pd.DataFrame(out, columns=[*columns, "scale", "reduced_by"]), alone


def _within(cell: tuple, row: dict) -> bool:
    """Whether a cell is the row's or, for an average row, one of its rows."""
    dataset, extractor, attack, rate, defense = cell
    if (dataset, extractor, defense) != (row["dataset"], row["extractor"], row["defense"]):
        return False
    return row["attack"] in ("average", attack) and (pd.isna(row["poison_rate"]) or row["poison_rate"] == rate)


def _sizes(cells: pd.DataFrame | None) -> dict[tuple, tuple]:
    """(dataset, extractor, attack, poison rate, defense): what makes the cell smaller than the paper's."""
    if cells is None or cells.empty:
        return {}
    keys = zip(*(cells[k] for k in [*KEYS[1:]]), strict=True)
    return dict(zip(keys, cells["reductions"], strict=True))


def _seconds(runtimes: pd.DataFrame) -> list[dict]:
    """Table 4's totals beside the printed seconds."""
    out = []
    for row in runtimes[runtimes["published_seconds"].notna()].to_dict("records"):
        total, printed = row["seconds_mean"], row["published_seconds"]
        out.append(
            {
                **{"table": 4, "dataset": row["dataset"], "extractor": "", "attack": "", "defense": row["defense"]},
                **{"metric": "seconds", "published": printed, "reproduced": total, "difference": total - printed},
                **{"doubt": "", "scale": "reduced" if "CPU" in row["device"] else "unknown"},
                "reduced_by": f"timed on {row['device']}; the paper's machine was an RTX 3090",
            }
        )
    return out


def summary(found: pd.DataFrame, alone: int) -> list[str]:
    """Per table and metric: cells, mean absolute difference and rank correlation, doubtful cells left out."""
    rows = found[(found["attack"] != "average") & (found["doubt"] == "")]
    out = []
    for (table, metric), own in rows.groupby(["table", "metric"], sort=False):
        varied = len(own) > 2 and own[["published", "reproduced"]].nunique().min() > 1
        rank = own["published"].corr(own["reproduced"], method="spearman") if varied else np.nan
        told = "" if np.isnan(rank) else f", rank correlation {rank:.2f}"
        difference = own["difference"].abs().mean()
        out.append(f"Table {table}, {metric}: {len(own)} cells, mean absolute difference {difference:.1f}{told}")
    return [*out, f"{alone} of our cells have no printed value"]
