"""Tables from metrics files alone: per-seed rows, their aggregate beside the printed values, and layouts."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from holder import store
from holder.errors import HolderError
from holder.metrics import metrics

PUBLISHED = Path(__file__).parent.parent / "config" / "published.csv"
CELL = ["dataset", "extractor", "attack", "poison_rate"]
METRICS = ["acc", "asr", "ra"]
ATTACKS = {
    "badnets": "BadNets",
    "lc": "LC",
    "sig": "SIG",
    "lf": "LF",
    "wanet": "WaNet",
    "inputaware": "Input-aware",
    "ssba": "SSBA",
    "trojan": "Trojan",
    "bpp": "BppAttack",
    "average": "Average",
}
"""The paper's names, in the order of its rows."""

DEFENSES = {"none": "Undefended", "fp": "FP", "anp": "ANP", "clp": "CLP", "fmp": "FMP", "hp": "HP"}
CONTROLS = {"l1norm": "‖w‖₁ order", "random": "random order"}
DATASETS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "gtsrb": "GTSRB"}


def rows(paths: list[str], made_of: dict | None = None) -> pd.DataFrame:
    """One row per metrics file: the cell's coordinates, seed, defense, pruned and acc, asr, ra.

    A control has no operating point of its own: it is read off its curve (`curve.safetensors`
    beside the metrics file) at the count that HP pruned in the same cell with the same seed.

    made_of: what the config says the table is made of (rules/common.smk); a file made otherwise is refused.
    """
    read = []
    for path in paths:
        try:
            read.append({**json.loads(Path(path).read_text(encoding="utf-8")), "path": path})
        except (OSError, ValueError) as error:
            raise HolderError(f"{path}: is not a metrics file ({error}); delete it and run again.") from error
    for r in read:
        for key, found, wanted in _compared(r, made_of) if made_of else ():
            if found != wanted:
                raise HolderError(
                    f"{r['path']}: was made with {key} {found}, the config says {wanted}; run with --forceall."
                )
    at_hp = {_place(r): r["pruned"] for r in read if r["defense"] == "hp"}
    for r in read:
        if r["pruned"] is None:
            if _place(r) not in at_hp:
                raise HolderError(
                    f"{r['path']}: {r['defense']} is a control and the table has no hp to compare it with."
                )
            r["pruned"] = at_hp[_place(r)]
            curve = store.load(Path(r["path"]).with_name("curve.safetensors"), "correct", "hits", "recovered")
            at = {name: int(counts[r["pruned"]]) for name, counts in curve.items()}
            r.update(metrics(clean=r["counts"]["clean"], triggered=r["counts"]["triggered"], **at))
    for r in read:
        r["settings"] = " ".join(f"{key}={value}" for key, value in r["settings"].items())
    return pd.DataFrame(read)[[*CELL, "seed", "defense", "settings", "pruned", *METRICS, "train_images"]]


def _compared(row: dict, made_of: dict) -> list[tuple]:
    """(key, recorded in a metrics file, said by the config) of everything that made it."""
    by = {"settings": "defense", "attack_settings": "attack", "dataset_settings": "dataset"}
    wanted = {key: made_of[key][row[name]] for key, name in by.items()}
    wanted |= {key: made_of[key] for key in ("extractor_settings", "classifier_settings", "target_label")}
    found = {key: row[key] for key in wanted}
    if row["surrogate"]:
        found["surrogate"], wanted["surrogate"] = row["surrogate"]["settings"], made_of["surrogate"]
    return [(key, found[key], wanted[key]) for key in wanted]


def _place(row: dict) -> tuple:
    return tuple(row[key] for key in [*CELL, "seed"])


def published(table: int) -> pd.DataFrame:
    """The paper's printed values of one table: dataset, attack, defense, published_acc, _asr, _ra."""
    printed = pd.read_csv(PUBLISHED)
    wide = printed[printed["table"] == table].pivot(
        index=["dataset", "attack", "defense"], columns="metric", values="value"
    )
    return wide[METRICS].add_prefix("published_").reset_index()


def aggregate(per_seed: pd.DataFrame, table: int) -> pd.DataFrame:
    """Mean and standard deviation over seeds, an average row per dataset and the printed values.

    Columns: dataset, extractor, attack, poison_rate, defense, settings, n (seeds), pruned, train_images,
    {acc,asr,ra}_mean, _sd (empty for one seed), published_{acc,asr,ra}. The average row averages
    the attacks of this table, per seed first; its printed values are recomputed from the printed
    rows of the same attacks, since the paper's own averages are over nine attacks and partly wrong.
    """
    printed = published(table)
    averages = per_seed.groupby(["dataset", "extractor", "seed", "defense", "settings"], as_index=False)[
        [*METRICS, "pruned", "train_images"]
    ].mean()
    everything = pd.concat([per_seed, averages.assign(attack="average", poison_rate=np.nan)])
    grouped = everything.groupby([*CELL, "defense", "settings"], dropna=False, sort=False)
    out = grouped[METRICS].agg(["mean", "std"])
    out.columns = [f"{metric}_{'mean' if stat == 'mean' else 'sd'}" for metric, stat in out.columns]
    out.insert(0, "n", grouped.size())
    out.insert(1, "pruned", grouped["pruned"].mean())
    out.insert(2, "train_images", grouped["train_images"].mean().astype(int))
    out = out.reset_index()

    shown = per_seed[["dataset", "attack"]].drop_duplicates()
    same = printed.merge(shown, on=["dataset", "attack"]).drop(columns="attack")
    mean = same.groupby(["dataset", "defense"]).agg(lambda column: column.mean(skipna=False)).reset_index()
    printed = pd.concat([printed[printed["attack"] != "average"], mean.assign(attack="average")])
    out = out.merge(printed, on=["dataset", "attack", "defense"], how="left")
    ranks = {
        "dataset": _rank(DATASETS, out["dataset"]),
        "attack": _rank(ATTACKS, out["attack"]),
        "defense": _rank({**DEFENSES, **CONTROLS}, out["defense"]),
    }
    return out.sort_values(["dataset", "attack", "defense"], key=lambda c: c.map(ranks[c.name]), ignore_index=True)


def _rank(known: dict, present: pd.Series) -> dict:
    """Paper's order first, names the paper does not have after it, the average last."""
    names = [*known, *sorted(set(present) - set(known))]
    names.sort(key=lambda name: name == "average")
    return {name: i for i, name in enumerate(names)}


def _number(mean: float, sd: float) -> str:
    if np.isnan(mean):
        return "–"
    return f"{mean:.1f}" if np.isnan(sd) else f"{mean:.1f}±{sd:.1f}"


def _header(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    name = DATASETS.get(first["dataset"], first["dataset"])
    seeds = "1 seed" if first["n"] == 1 else f"{first['n']} seeds"
    return f"{name}, {first['extractor']} features, {first['train_images']:,} training images, {seeds}"


NOTE = (
    "ACC / ASR / RA in %; in brackets the paper's printed values, which are for the whole dataset and CLIP features "
    "whatever is used here (in average rows: the mean of the printed rows shown). ASR and RA are over triggered test "
    "images whose true class is not the target."
)


def _hp_settings(table: pd.DataFrame) -> str:
    return ", ".join(dict.fromkeys(table.loc[table["defense"] == "hp", "settings"])) or "not in this table"


def _row_name(attack: str, line: pd.DataFrame) -> str:
    rate = line["poison_rate"].iloc[0]
    return ATTACKS.get(attack, attack) + ("" if np.isnan(rate) else f", {100 * rate:g} %")


def markdown(table: pd.DataFrame, title: str) -> str:
    """The paper's layout, one block per dataset: ours above, the printed value in brackets below."""
    out = [
        f"# {title}",
        "",
        f"{NOTE} Columns in italics are controls: another order of pruning, stopped at HP's count. "
        f"HP: {_hp_settings(table)}.",
    ]
    for _, rows in table.groupby("dataset", sort=False):
        defenses = list(dict.fromkeys(rows["defense"]))
        names = [f"*{CONTROLS[d]}*" if d in CONTROLS else DEFENSES.get(d, d) for d in defenses]
        out += ["", f"## {_header(rows)}", "", "| Attack | " + " | ".join(names) + " |"]
        out.append("|---" * (len(names) + 1) + "|")
        for attack, line in rows.groupby("attack", sort=False):
            by = line.set_index("defense")
            fields = []
            for d in defenses:
                ours = " / ".join(_number(by.loc[d, f"{m}_mean"], by.loc[d, f"{m}_sd"]) for m in METRICS)
                printed = " / ".join(_number(by.loc[d, f"published_{m}"], np.nan) for m in METRICS)
                fields.append(ours if d in CONTROLS else f"{ours}<br>({printed})")
            out.append(f"| {_row_name(attack, line)} | " + " | ".join(fields) + " |")
    return "\n".join(out) + "\n"


def latex(table: pd.DataFrame, title: str) -> str:
    """The same as a LaTeX table (booktabs, graphicx): three columns a defense, printed values below ours."""
    out = [r"% needs \usepackage{booktabs,graphicx}"]
    for _, rows in table.groupby("dataset", sort=False):
        defenses = list(dict.fromkeys(rows["defense"]))
        names = {**DEFENSES, "l1norm": r"$\|w\|_1$ order", "random": "random order"}
        spans = " & ".join(rf"\multicolumn{{3}}{{c}}{{{names.get(d, d)}}}" for d in defenses)
        caption = f"{title}: {_header(rows)}. {NOTE} HP: {_hp_settings(rows)}."
        out += [
            r"\begin{table}",
            r"\caption{" + caption.replace("%", r"\%").replace("_", r"\_") + "}",
            r"\resizebox{\textwidth}{!}{%",
            rf"\begin{{tabular}}{{l{'ccc' * len(defenses)}}}",
            r"\toprule",
            rf" & {spans} \\",
            "Attack" + " & ACC & ASR & RA" * len(defenses) + r" \\",
            r"\midrule",
        ]
        for attack, line in rows.groupby("attack", sort=False):
            by = line.set_index("defense")
            ours, printed = [_row_name(attack, line).replace("%", r"\%")], [""]
            for d in defenses:
                ours += [_number(by.loc[d, f"{m}_mean"], by.loc[d, f"{m}_sd"]) for m in METRICS]
                theirs = [f"({_number(by.loc[d, f'published_{m}'], np.nan)})" for m in METRICS]
                printed += [""] * 3 if d in CONTROLS else theirs
            for fields in (ours, printed):
                out.append(" & ".join(fields).replace("±", r"$\pm$").replace("–", "--") + r" \\")
        out += [r"\bottomrule", r"\end{tabular}}", r"\end{table}"]
    return "\n".join(out) + "\n"
