"""At what size a cell was run: the paper's, or reduced and by what.

A result counts as evidence at the paper's size only when `reductions` of every cell and `missing_rows` of the table
are empty: all training and test images, one of the extractors of the paper's table, networks of the paper's width
trained for its epochs, and every row of the paper's table.
"""

import numpy as np
import pandas as pd

from holder import registry, tables
from holder.errors import HolderError
from holder.printed import rows

# Sizes as the paper states them (A.13 to A.15) or, where it says nothing, as BackdoorBench ships them; the same
# numbers as in config/config.yaml, which may be edited. A learning rate is no matter of scale.
PAPER = {
    "classifier_settings": {"hidden": 1024, "epochs": 100},
    "network_settings": {"width": 64, "epochs": None},
    "simclr_settings": {"width": 64, "epochs": 100},
    "split_settings": {"width": 64, "train_epochs": 2, "intra_epochs": 10},
    "surrogate": {"width": 64, "epochs": 100, "robust_epochs": 30},
}
ATTACKS = {
    "lc": {"steps": 100},
    "inputaware": {"width": 32, "classifier_width": 64, "mask_epochs": 25, "epochs": 75},
    "ssba": {"width": 64, "epochs": 20},
    "trojan": {"iterations": 1000},
}
DEFENSES = {
    "anp": {"iterations": 2000},
    "abl": {"pretrain_epochs": 20, "finetune_epochs": 60, "unlearn_epochs": 20},
    "dbd": {"warm_up": 10, "semi_epochs": 100, "iterations": 1024},
    "dst": {"contrastive_epochs": 200, "classifier_epochs": 10},
    "nc": {"search_epochs": 80},
    "ibau": {"rounds": 5, "iterations": 5},
    "dbr": {"epochs": 20},
    "sau": {"rounds": 100, "steps": 5},
    "hid": {"pruned": [512, 384, 256, 128], "hidden": 1024, "classifier_epochs": 60, "epochs": 20},
}
SIX = list(tables.EXTRACTORS)[:6]
"""The extractors of Table 3."""

TRAINED = {"simclr": "simclr_settings", "backdoored": "network_settings"}
"""Extractors that the workflow trains, and by which settings."""

FIGURES = {
    **{name: [("cifar10", "badnets")] for name in ("figure4", "figure8", "figure10", "figure11", "figure15")},
    "figure5": [("cifar10", a) for a in ("badnets", "lf", "ssba")],
    "figure9": [("cifar10", a) for a in ("badnets", "bpp")],
    "figure6": [("cifar10", a) for a in ("badnets", "inputaware")] + [("gtsrb", a) for a in ("badnets", "inputaware")],
    "figure12": [("cifar10", a) for a in ("badnets", "lf", "inputaware", "bpp")],
    "figure14": [("cifar10", a) for a in ("lf", "bpp", "badnets")],
    "sensitivity": [("cifar10", a) for a in tables.ATTACKS if a != "average"],
}
"""Rows of the paper's figures; where it names no attack or dataset (Figures 5, 8, 10, 14 and 15), those of
config/config.yaml. The rows of the sensitivity sheet are our own."""


def reductions(cell: dict) -> list[str]:
    """What makes the cell of a metrics file smaller than the paper's; empty at the paper's size."""
    try:
        facts = registry.facts("datasets", cell["dataset"])
    except HolderError:
        facts = {}
    name = tables.DATASETS.get(cell["dataset"], cell["dataset"])
    found = [] if cell["dataset"] in tables.DATASETS else [f"{name} is not one of the paper's datasets"]
    given = cell.get("dataset_settings") or {}
    test = (cell.get("counts") or {}).get("clean") or given.get("test") or facts.get("TEST")
    for split, used, full in (
        ("training", cell.get("train_images") or given.get("train") or facts.get("TRAIN"), facts.get("TRAIN")),
        ("test", test, facts.get("TEST")),
    ):
        if full and used != full:
            found.append(f"{used:,} of {full:,} {split} images of {name}")
    extractor = cell["extractor"]
    if extractor not in (*SIX, "preactresnet18", "backdoored"):
        found.append(f"{tables.EXTRACTORS.get(extractor, extractor)} features")
    parts = {k: (v, cell.get(k)) for k, v in PAPER.items() if k != "surrogate"}
    parts["surrogate"] = PAPER["surrogate"], (cell.get("surrogate") or {}).get("settings")
    parts[cell["attack"]] = ATTACKS.get(cell["attack"], {}), cell.get("attack_settings")
    parts[cell["defense"]] = DEFENSES.get(cell["defense"], {}), cell.get("settings")
    if extractor == "resnet18":
        parts["ResNet-18"] = {"size": 224}, cell.get("extractor_settings")
    if extractor in TRAINED:
        weights = (cell.get("sha256") or {}).get("weights") or {}
        parts[f"{extractor} extractor"] = PAPER[TRAINED[extractor]], weights.get("settings")
    if cell.get("width") not in (None, 64):
        found.append(f"networks of width {cell['width']} (paper 64)")
    if cell.get("variant") == "paper" and 0 < cell["round"] <= len(DEFENSES["hid"]["pruned"]):
        wanted = DEFENSES["hid"]["pruned"][cell["round"] - 1]
        if cell["pruned"] != wanted:
            found.append(f"HID: {cell['pruned']} neurons pruned in round {cell['round']} (paper {wanted})")
    for part, (paper, used) in parts.items():
        for key, value in paper.items():
            if used is None or key not in used or used[key] == value:
                continue
            if key == "epochs" and value is None:
                value = facts.get("EPOCHS", 100)
                if used[key] == value:
                    continue
            label = tables.ATTACKS.get(part) or tables.DEFENSES.get(part) or part.removesuffix("_settings")
            found.append(f"{label}: {key} {used[key]} (paper {value})")
    return found


def foreign_extractors(used: set[str], printed: pd.DataFrame, source: str) -> list[str]:
    """Extractors that the paper's table is not about (Tables 1 and 6 are CLIP's), in words; figures name none."""
    if source in FIGURES:
        return []
    table = int(source.removeprefix("table"))
    own = set(printed.loc[printed["table"] == table, "extractor"]) - {""}
    names = {e: tables.EXTRACTORS.get(e, e) for e in sorted(used - own)} if own else {}
    paper = ", ".join(tables.EXTRACTORS[e] for e in tables.EXTRACTORS if e in own)
    return [f"{name} features ({_title(source)}: {paper})" for name in names.values()]


def paper_rows(printed: pd.DataFrame, source: str, dataset: str) -> set[tuple]:
    """(attack, poison rate, extractor) of the paper's rows of one dataset in a table, (attack,) in a figure.

    The extractor is "" where the table does not compare extractors.
    """
    if source in FIGURES:
        return {(attack,) for d, attack in FIGURES[source] if d == dataset}
    own = rows(printed, table=int(source.removeprefix("table")), dataset=dataset).dropna(
        subset=tables.METRICS, how="all"
    )
    several = own["extractor"].nunique() > 1
    return {(r.attack, r.poison_rate, r.extractor if several else "") for r in own.itertuples()}


def missing_rows(
    cells: pd.DataFrame, printed: pd.DataFrame, source: str, dataset: str, attacks: list[str] | None = None
) -> list[str]:
    """What cells lack of the paper's table: its extractor, its rows (of the given attacks), or the dataset at all."""
    foreign = foreign_extractors(set(cells["extractor"]), printed, source)
    wanted = paper_rows(printed, source, dataset)
    if not wanted:
        return [*foreign, f"{tables.DATASETS.get(dataset, dataset)} is not in the paper's {_title(source)}"]
    wanted = {row for row in wanted if attacks is None or row[0] in attacks}
    if source in FIGURES:
        ran = {(a,) for a in cells["attack"]}
    else:
        several = any(extractor for *_, extractor in wanted)
        ran = {(r.attack, r.poison_rate, r.extractor if several else "") for r in cells.itertuples()}
    lost = sorted(wanted - ran, key=lambda row: (list(tables.ATTACKS).index(row[0]), row))
    if not lost:
        return foreign
    named = [", ".join(str(part) for part in _words(*row)) for row in lost]
    shown = "; ".join(named[:4]) + (" …" if len(named) > 4 else "")
    return [*foreign, f"{len(lost)} of the {len(wanted)} rows of {_title(source)} are missing ({shown})"]


def _words(attack: str, rate: float | None = None, extractor: str = "") -> list[str]:
    out = [tables.ATTACKS[attack]]
    if rate is not None and not np.isnan(rate):
        out.append(f"{100 * rate:g} %")
    return out + ([tables.EXTRACTORS.get(extractor, extractor)] if extractor else [])


def _title(source: str) -> str:
    if source == "sensitivity":
        return "Table 1, whose rows the sensitivity sheet should have"
    return f"{source[:5].title()} {source[5:]}" if source.startswith("table") else source.replace("figure", "Figure ")
