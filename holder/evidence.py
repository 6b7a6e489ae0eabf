"""This workflow's numbers as rows for the rules of claims: from metrics, curves, HID's reports and stored arrays."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from holder import claims, registry, scale, store, tables
from holder.claims import ROW
from holder.errors import HolderError
from holder.names import END_TO_END, NETWORKS

Cells = dict[str, pd.DataFrame]
"""By source ("table1", "figure12", "sensitivity", …): one row per measured cell, claims.COLUMNS and `reductions`."""

ACC_KEPT = 5
"""Points of ACC that `kept_asr` may cost; the paper says "high accuracy" and no number."""


def measured(source: str, metrics: list[str], curves: list[str] = ()) -> pd.DataFrame:
    """Cells of metrics files. Controls have no operating point of their own and are left out.

    Where curves are given, `constant` is the mean of HP's scores, and `kept_asr` the lowest ASR (%) that a defense's
    order of pruning reaches at any count that costs at most ACC_KEPT points of ACC: with hindsight, as in a figure.
    """
    out = []
    for i, path in enumerate(metrics):
        cell = _read(path)
        if "acc" not in cell:
            continue
        row = {k: cell[k] for k in [*ROW, "seed", "defense", "pruned", *tables.METRICS]}
        if cell["defense"] == "hp":
            row |= {k: v for k, v in cell["settings"].items() if k in claims.COLUMNS}
        if curves:
            curve = store.load(curves[i], "scores", "correct", "hits")
            acc = 100 * curve["correct"] / cell["counts"]["clean"]
            asr = 100 * curve["hits"] / cell["counts"]["triggered"]
            row["kept_asr"] = float(asr[acc >= acc[0] - ACC_KEPT].min())
            if cell["defense"] == "hp":
                row["constant"] = float(curve["scores"].mean())
        out.append({**row, "source": source, "reductions": tuple(scale.reductions(cell))})
    return _kinds(pd.DataFrame(out))


def rounds(source: str, reports: list[str]) -> pd.DataFrame:
    """Rounds of HID, from their reports.

    `acc`, `asr` and `ra` are those after a round's training, `unpruned_acc` and `unpruned_asr` its fresh classifier's
    before anything is pruned; `poisoned_kept` is the share (%) of the poisoned training images that the round calls
    robustly clean, `last` marks the highest round of each variant.
    """
    out = []
    for path in reports:
        cell = _read(path)
        if not cell["settings"].get("epochs"):  # a look at what HID ends with, no shorter training
            cell["settings"].pop("epochs", None)
        row = {k: cell[k] for k in [*ROW, "seed", "defense", "variant", "round", "pruned"]}
        row |= {k: cell["after"][k] for k in tables.METRICS}
        if "unpruned" in cell:
            row |= {f"unpruned_{k}": cell["unpruned"][k] for k in ("acc", "asr")}
        row["poisoned_kept"] = 100 * cell["clean_poisoned"] / cell["poisoned"]
        out.append({**row, "source": source, "reductions": tuple(scale.reductions(cell))})
    found = pd.DataFrame(out)
    return _kinds(
        found.assign(last=found["round"] == found.groupby([*ROW, "seed", "variant"])["round"].transform("max"))
    )


def moved(source: str, arrays: list[str]) -> pd.DataFrame:
    """Predictions for moved images (scripts/perturb.py), a row per model, kind of images and size of step.

    `target_share` is the share (%) predicted as the target label, `target_lead` that less the share of the most
    frequent other label, `target_probability` the mean probability (%) of the target label.
    """
    out = []
    for path in arrays:
        cell, found = store.info(path), store.load(path)
        whole = cell["extractor"] in NETWORKS
        cell |= {"model": cell["extractor"] if whole else "extractor"}
        cell |= {"extractor": END_TO_END} if whole else {}
        size = tuple(scale.reductions(cell))
        row = {k: cell[k] for k in [*ROW, "seed", "defense", "model"]}
        for images in ("clean", "triggered"):
            share = 100 * found[images] / found[images].sum(1, keepdims=True)
            target, others = share[:, cell["target_label"]], np.delete(share, cell["target_label"], 1)
            for i, step in enumerate(cell["sizes"]):
                told = {"images": images, "step": step, "target_share": target[i]}
                told |= {"target_lead": target[i] - others[i].max()}
                told |= {"target_probability": 100 * found[f"{images}_target"][i]}
                out.append({**row, **told, "source": source, "reductions": size})
    return _kinds(pd.DataFrame(out))


def _read(path: str) -> dict:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HolderError(f"{path}: is not a metrics file ({error}); delete it and run again.") from error


def read_cells(files: Mapping[str, list[str] | str]) -> Cells:
    """The cells of a job's input files, by source: metrics files under the source's own name ("table1"), curves under
    "figure6_curves", HID's reports under "figure10_reports", predictions for moved images under "figure4_arrays", the
    sheet under "sensitivity" and Table 4 under "runtime"; each may be absent."""
    sources = [source for source in claims.SOURCES if source != "sensitivity"]
    out = {s: measured(s, files[s], files.get(f"{s}_curves") or []) for s in sources if files.get(s)}
    out |= {s: rounds(s, files[f"{s}_reports"]) for s in sources if files.get(f"{s}_reports")}
    out |= {s: moved(s, files[f"{s}_arrays"]) for s in sources if files.get(f"{s}_arrays")}
    if files.get("sensitivity"):
        out["sensitivity"] = sheet(files["sensitivity"], out)
    if files.get("runtime"):
        out["table4"] = runtimes(files["runtime"], {k: v for k, v in out.items() if k in ("table1", "table2")})
    return out


def _kinds(cells: pd.DataFrame) -> pd.DataFrame:
    """With extractor_kind: clean, or poisoned where an extractor was trained on poisoned images."""
    known = registry.names("extractors")
    kinds = {
        e: "poisoned" if e in known and registry.facts("extractors", e).get("TRAINED_ON") == "poisoned" else "clean"
        for e in set(cells.get("extractor", []))
    }
    return cells.assign(extractor_kind=cells["extractor"].map(kinds)) if len(cells) else cells


def sheet(path: str, others: Cells) -> pd.DataFrame:
    """Cells of the sensitivity sheet; their scale is that of HP's metrics files on the same classifiers."""
    cells = pd.read_csv(path, dtype={"norm": str})
    known = {}
    for own in others.values():
        for r in own[own["defense"] == "hp"].itertuples() if len(own) else ():
            known.setdefault((r.dataset, r.extractor, r.attack), set()).update(r.reductions)
    places = zip(cells["dataset"], cells["extractor"], cells["attack"], strict=True)
    sizes = [tuple(sorted(known.get(place, {"size unknown"}))) for place in places]
    return _kinds(cells.assign(source="sensitivity", reductions=sizes))


def runtimes(path: str, others: Cells) -> pd.DataFrame:
    """Table 4's totals; a CPU's are never evidence at the paper's size."""
    cells = pd.read_csv(path).query("stage == 'total'").rename(columns={"seconds_mean": "seconds"})
    cells = cells.groupby(["dataset", "defense"], as_index=False).agg(
        seconds=("seconds", "mean"), device=("device", lambda d: ", ".join(sorted(set(d))))
    )
    sizes = []
    for r in cells.itertuples():
        own = [x[x["dataset"] == r.dataset] for x in others.values() if len(x)]
        found = sorted({size for x in own for named in x["reductions"] for size in named})
        if not any(map(len, own)):
            found = ["size unknown"]
        if "CPU" in r.device:
            found.append(f"timed on {r.device}")
        sizes.append(tuple(found))
    return cells.assign(source="table4", reductions=sizes)
