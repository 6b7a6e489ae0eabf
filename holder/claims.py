"""The paper's checkable claims (config/claims.yaml), tested on its own printed numbers and on this workflow's.

A claim is a statement, its place in the paper and a rule: a kind of statistic below, over the cells that `where`
picks, and one limit. Rules are data; nothing in the YAML is evaluated.
"""

import inspect
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import yaml
from scipy.stats import spearmanr

from holder import tables
from holder.errors import HolderError

CLAIMS = Path(__file__).parent.parent / "config" / "claims.yaml"
SOURCES = [
    *(f"table{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8)),
    *(f"figure{n}" for n in (4, 5, 6, 8, 9, 10, 11, 12, 14, 15)),
    "sensitivity",
]
LIMITS = {
    "below": lambda x, limit: x < limit,
    "at_most": lambda x, limit: x <= limit + 1e-9,
    "above": lambda x, limit: x > limit,
    "at_least": lambda x, limit: x >= limit - 1e-9,
}
SIGNS = {"below": "<", "at_most": "≤", "above": ">", "at_least": "≥"}
ROW = ["dataset", "extractor", "attack", "poison_rate"]
COLUMNS = [
    *["source", *ROW, "extractor_kind", "seed", "defense", *tables.METRICS, "pruned", "constant", "seconds", "stage"],
    *["order", "select", "epsilon", "alpha", "norm", "statistic", "spearman_l1", "kept_asr"],
    *["variant", "round", "last", "unpruned_acc", "unpruned_asr", "poisoned_kept"],
    *["model", "images", "step", "target_share", "target_lead", "target_probability"],
]
"""Columns that the cells of a source may have (holder/evidence.py) and `where`, `of` and `minus` may name."""

WORDS = {
    "poison_rate": "poison rate",
    "extractor_kind": "extractor",
    "epsilon": "ε",
    "constant": "mean Hölder constant",
    "spearman_l1": "rank correlation with ‖w‖₁",
    "kept_asr": "lowest ASR within five points of ACC",
    "unpruned_acc": "ACC before pruning",
    "unpruned_asr": "ASR before pruning",
    "poisoned_kept": "share of poisoned images kept, %",
    "target_share": "share of the target label, %",
    "target_lead": "lead of the target label, %",
    "target_probability": "probability of the target label, %",
}
VALUES = {
    "defense": {**tables.DEFENSES, **tables.CONTROLS},
    "order": {**tables.DEFENSES, **tables.CONTROLS},
    "dataset": tables.DATASETS,
    "attack": tables.ATTACKS,
    "extractor": tables.EXTRACTORS,
    "model": {"benign": "benign network", "network": "backdoored network", "extractor": "with a clean extractor"},
    "variant": {
        "paper": "HID",
        "no_extractor": "HID without its extractor",
        "no_pruning": "HID without pruning",
        "no_iteration": "HID without iteration",
    },
    "last": {True: "last round"},
}
"""How a column and its values read in a sentence."""

KNOWN = {
    "source": SOURCES,
    "dataset": list(tables.DATASETS),
    "extractor": list(tables.EXTRACTORS),
    "attack": list(tables.ATTACKS),
    "defense": [*tables.DEFENSES, *tables.CONTROLS],
    "extractor_kind": ["clean", "poisoned"],
    "order": ["hp", *tables.CONTROLS],
    "select": ["count", "density"],
    "statistic": ["max", "mean"],
    "variant": list(VALUES["variant"]),
    "model": list(VALUES["model"]),
    "images": ["clean", "triggered"],
}
"""Their values, where these are names."""


class Missing(Exception):
    """A statistic cannot be computed, and which cells it lacks."""


def mean(cells: pd.DataFrame, worst: Callable, *, metric: str, each: str | None = None) -> float:
    """Mean of a metric over all rows, or the worst of the means of each value of a column."""
    values = cells.dropna(subset=[metric])
    if values.empty:
        raise Missing(f"no {_word(metric)}")
    return worst(values.groupby(each)[metric].mean()) if each else values[metric].mean()


def gap(
    cells: pd.DataFrame,
    worst: Callable,
    *,
    metric: str,
    of: dict,
    minus: dict,
    match: tuple[str, ...] = tuple(ROW),
    each: str | None = None,
) -> float:
    """Mean of one group less that of another, over what both have (`match`), or the worst over a column of these."""
    left, right = (_group(cells, group, metric).groupby(list(match))[metric].mean() for group in (of, minus))
    both = (left - right).dropna()
    if both.empty:
        raise Missing(f"nothing is in both {_text(of)} and {_text(minus)}")
    return worst(both.groupby(each).mean()) if each else both.mean()


def best_of(cells: pd.DataFrame, worst: Callable, *, metric: str, defense: str, best: str, rank: int = 1) -> float:
    """Share of the rows (%) in which a defense is among the `rank` best, ties in its favour, lost cells aside."""
    wide = cells[cells["defense"] != "none"].pivot_table(index=ROW, columns="defense", values=metric)
    if defense not in wide or wide.shape[1] < 2:
        raise Missing(f"no {_word(metric)} of {tables.DEFENSES.get(defense, defense)} beside another defense")
    wide = wide[wide[defense].notna()]
    sign = {"lowest": -1, "highest": 1}[best]
    better = (sign * wide).gt(sign * wide[defense] + 1e-9, axis=0).sum(axis=1)
    return 100 * float((better < rank).mean())


def spread(cells: pd.DataFrame, worst: Callable, *, metric: str, over: str) -> float:
    """Largest less smallest mean of a metric over a column's values, on the attacks that all of them have."""
    wide = cells.pivot_table(index=["extractor", "attack"], columns=over, values=metric).dropna()
    if wide.shape[1] < 2 or wide.empty:
        raise Missing(f"one {_word(over)}, or no attack at all of them")
    return float(wide.mean().max() - wide.mean().min())


def ratio(cells: pd.DataFrame, worst: Callable, *, metric: str, of: list[str], to: str, which: str = "worst") -> float:
    """A metric of each defense in `of`, as a multiple of that of `to`: the worst of them, or for "up to" the best."""
    values = cells.dropna(subset=[metric]).groupby("defense")[metric].mean()
    lacking = [name for name in (to, *([] if which == "best" else of)) if name not in values]
    others = [values[name] / values[to] for name in of if name in values] if to in values else []
    if not others or (lacking and which == "worst"):
        raise Missing(f"no {_word(metric)} of {_text({'defense': lacking or of})}")
    return float(worst(pd.Series(others))) if which == "worst" else float(max(others))


def rank_correlation(cells: pd.DataFrame, worst: Callable, *, x: str, y: str) -> float:
    """Spearman's ρ of two columns within each row of the table; the worst of them."""
    found = [
        spearmanr(row[x], row[y]).statistic
        for _, row in cells.dropna(subset=[x, y]).groupby(ROW)
        if row[x].nunique() > 1
    ]
    if not found:
        raise Missing(f"fewer than two values of {_word(x)}")
    return float(worst(pd.Series(found)))


def words(claim: dict) -> str:
    """The rule of a claim in words: what is measured and its limit."""
    rule, (key, number) = claim["rule"], limit(claim)
    metric, defense = _word(rule.get("metric", "")), tables.DEFENSES.get(rule.get("defense"), "")
    upper = key in ("below", "at_most")
    extreme = f"{'highest' if upper else 'lowest'} " if "each" in rule else ""
    by = f" by {_word(rule['each'])}" if "each" in rule else ""
    what = {
        "mean": lambda: f"{extreme}mean {metric}{by}",
        "gap": lambda: f"{extreme}{metric} ({_text(rule['of'])}) less {metric} ({_text(rule['minus'])}){by}",
        "best_of": lambda: (
            f"rows in which {defense} has the {rule['best']} {metric}, %"
            if rule.get("rank", 1) == 1
            else f"rows in which {defense} is among the {rule['rank']} {rule['best']} {metric}, %"
        ),
        "spread": lambda: f"largest less smallest mean {metric} over every {_word(rule['over'])}",
        "ratio": lambda: (
            f"{metric} of {_text({'defense': rule['of']})} as a multiple of {_text({'defense': rule['to']})}'s, "
            f"{'largest' if rule.get('which') == 'best' else 'smallest'}"
        ),
        "rank_correlation": lambda: f"rank correlation of {_word(rule['x'])} and {_word(rule['y'])}",
    }[rule["kind"]]()
    return f"{what} {SIGNS[key]} {number:g}"


KINDS = {f.__name__: f for f in (mean, gap, best_of, spread, ratio, rank_correlation)}


def _group(cells: pd.DataFrame, where: dict, metric: str) -> pd.DataFrame:
    found = picked(cells, where).dropna(subset=[metric])
    if found.empty:
        raise Missing(f"no {_word(metric)}: {_text(where)}")
    return found


def picked(cells: pd.DataFrame, where: dict) -> pd.DataFrame:
    """Rows that have the given values, or one of them where a list is given."""
    for key, value in where.items():
        cells = cells[cells[key].isin(value if isinstance(value, list) else [value])] if key in cells else cells[:0]
    return cells


def _word(column: str) -> str:
    return column.upper() if column in tables.METRICS else WORDS.get(column, column)


def _text(where: dict) -> str:
    """{"defense": ["hp", "fp"], "statistic": "max"} as "HP/FP, statistic max"."""
    told = []
    for key, value in where.items():
        values = "/".join(str(VALUES.get(key, {}).get(v, v)) for v in (value if isinstance(value, list) else [value]))
        plain = key in VALUES or (key == "source" and values.startswith("table"))
        told.append(values.replace("table", "Table ") if plain else f"{_word(key)} {values}")
    return ", ".join(told)


def load(path: str | Path = CLAIMS) -> list[dict]:
    """The claims, checked: every key, kind, column and name is known, or HolderError says which is not."""
    claims = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    if not isinstance(claims, list) or not all(isinstance(claim, dict) for claim in claims):
        raise HolderError(
            f"{Path(path).name}: found no list of claims, allowed is a list of mappings with id, rule, …."
        )
    for i, claim in enumerate(claims):
        name = f"{Path(path).name}: {claim.get('id', f'claim {i + 1}')}"
        _keys(name, claim, {"id", "statement", "place", "source", "rule"}, {"where", "note", "together"})
        sources = claim["source"] if isinstance(claim["source"], list) else [claim["source"]]
        _among(f"{name}.source", sources, SOURCES)
        rule = dict(claim["rule"])
        _among(f"{name}.rule.kind", [rule.pop("kind", None)], list(KINDS))
        limits = [key for key in LIMITS if key in rule]
        if len(limits) != 1 or not isinstance(rule.pop(limits[0]), int | float):
            raise HolderError(
                f"{name}.rule: found {len(limits)} limits, allowed is one number under {', '.join(LIMITS)}."
            )
        taken = list(inspect.signature(KINDS[claim["rule"]["kind"]]).parameters.values())[2:]
        needed = {p.name for p in taken if p.default is p.empty}
        _keys(f"{name}.rule", rule, needed, {p.name for p in taken} - needed)
        for key in ("metric", "x", "y", "over", "each"):
            if key in rule:
                _among(f"{name}.rule.{key}", [rule[key]], COLUMNS)
        for key, known in (("best", ["lowest", "highest"]), ("which", ["worst", "best"])):
            if key in rule:
                _among(f"{name}.rule.{key}", [rule[key]], known)
        _among(f"{name}.rule.match", rule.get("match", []), COLUMNS)
        for group in (claim.get("where", {}), rule.get("of", {}), rule.get("minus", {})):
            if isinstance(group, dict):
                _among(f"{name}: column", list(group), COLUMNS)
                for key, known in KNOWN.items():
                    value = group.get(key, [])
                    _among(f"{name}: {key}", value if isinstance(value, list) else [value], known)
    ids = [claim["id"] for claim in claims]
    twice = next((i for i in ids if ids.count(i) > 1), None)
    if twice:
        raise HolderError(f"{Path(path).name}: id '{twice}' stands twice, allowed is once.")
    return claims


def _keys(where: str, given: dict, needed: set[str], optional: set[str]) -> None:
    for key in sorted(needed - set(given)):
        raise HolderError(f"{where}: key '{key}' is missing.")
    for key in sorted(set(given) - needed - optional):
        raise HolderError(f"{where}: unknown key '{key}'; allowed are {', '.join(sorted(needed | optional))}.")


def _among(where: str, found: list, known: list) -> None:
    for value in found:
        if value not in known:
            raise HolderError(f"{where}: found {value!r}, allowed is one of {', '.join(map(str, known))}.")


def statistic(claim: dict, cells: pd.DataFrame) -> float:
    """The statistic of a claim's rule on cells of one seed; raises Missing where it lacks some."""
    rule = {k: v for k, v in claim["rule"].items() if k != "kind" and k not in LIMITS}
    upper = limit(claim)[0] in ("below", "at_most")
    chosen = picked(cells, claim.get("where", {}))
    if chosen.empty:
        raise Missing(f"no cell with {_text(claim['where'])}" if claim.get("where") else "no cell")
    wanted = claim.get("where", {}).get("defense", [])
    for name in wanted if isinstance(wanted, list) else [wanted]:
        if name not in set(chosen["defense"]):
            raise Missing(f"no cell of {tables.DEFENSES.get(name, name)}")
    worst = (lambda v: float(v.max())) if upper else (lambda v: float(v.min()))
    return float(KINDS[claim["rule"]["kind"]](chosen, worst, **rule))


def limit(claim: dict) -> tuple[str, float]:
    """("below", 3.0)."""
    return next((key, claim["rule"][key]) for key in LIMITS if key in claim["rule"])
