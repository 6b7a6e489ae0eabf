"""Tables from metrics files alone: per-seed rows, their aggregate beside the printed values, and layouts."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from holder import store
from holder.errors import HolderError
from holder.metrics import metrics
from holder.names import ATTACKS, CONTROLS, DATASETS, DEFENSES, END_TO_END, EXTRACTORS

PUBLISHED = Path(__file__).parent.parent / "config" / "published.csv"
DOUBTS = Path(__file__).parent.parent / "config" / "doubts.csv"
NOTES = {
    8: "NC, i-BAU and SAU are given clean data: a share of the training images in their clean form (metrics files, "
    "clean_data), on which the backdoored network was trained as well. D-BR and HID have no use for any and get none.",
}
CELL = ["dataset", "extractor", "attack", "poison_rate"]
METRICS = ["acc", "asr", "ra"]


def rows(paths: list[str], made_of: dict | None = None) -> pd.DataFrame:
    """One row per metrics file: the cell's coordinates, seed, defense, pruned and acc, asr, ra.

    A control has no operating point of its own: it is read off its curve (`curve.safetensors`
    beside the metrics file) at the count that HP pruned in the same cell with the same seed.

    made_of: what the config says the table is made of (rules/inputs.smk); a file made otherwise is refused.
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
    plain = ("target_label", "classifier_settings", "width", "network_settings", "simclr_settings", "split_settings")
    wanted |= {key: made_of[key] for key in (*plain, "clean_data_settings") if key in row}
    found = {key: row[key] for key in wanted}
    if "extractor_settings" in row:
        trained = row["sha256"]["weights"].get("settings")  # of an extractor that the workflow trains
        found["extractor_settings"] = {**row["extractor_settings"], **({"trained": trained} if trained else {})}
        wanted["extractor_settings"] = made_of["extractor_settings"][row["extractor"]]
    if row["surrogate"]:
        found["surrogate"], wanted["surrogate"] = row["surrogate"]["settings"], made_of["surrogate"]
    return [(key, found[key], wanted[key]) for key in wanted]


def _place(row: dict) -> tuple:
    return tuple(row[key] for key in [*CELL, "seed"])


def published(table: int) -> pd.DataFrame:
    """The paper's printed values of one table.

    Columns: dataset, extractor, attack, poison_rate, defense, published_acc, _asr, _ra and `doubt`: why a cell is
    not to be trusted (config/doubts.csv, and ASR + RA above 100 %, which Section 2.3's definitions rule out).
    """
    printed = pd.read_csv(PUBLISHED, dtype={"extractor": str}, keep_default_na=True)
    printed["extractor"] = printed["extractor"].fillna("").replace("preres", "resnet18")
    cells = [*CELL, "defense"]
    wide = printed[printed["table"] == table].pivot(index=cells, columns="metric", values="value")
    wide = wide[METRICS].add_prefix("published_").reset_index()
    sums = wide["published_asr"] + wide["published_ra"]
    reasons = [[f"ASR + RA is {s:.1f} %"] if s > 100.05 else [] for s in sums]
    doubts = pd.read_csv(DOUBTS, dtype=str, keep_default_na=False)
    for doubt in doubts[doubts["table"] == str(table)].to_dict("records"):
        named = {k: doubt[k] for k in cells if doubt[k]}  # an empty field stands for all
        for i in np.flatnonzero(np.logical_and.reduce([wide[k].astype(str) == v for k, v in named.items()])):
            reasons[i].append(doubt["reason"])
    return wide.assign(doubt=["; ".join(r) for r in reasons])


def aggregate(per_seed: pd.DataFrame, table: int) -> pd.DataFrame:
    """Mean and standard deviation over seeds, an average row per dataset and the printed values.

    Columns: dataset, extractor, attack, poison_rate, defense, settings, n (seeds), pruned, train_images,
    {acc,asr,ra}_mean, _sd (empty for one seed), published_{acc,asr,ra}, doubt. A printed value stands beside the
    same dataset, attack, poison rate and defense, and where the paper compares extractors the same extractor. The
    average row averages the attacks of this table, per seed first; its printed values are recomputed from
    the printed rows of the same attacks, since the paper's own averages are over nine attacks and partly wrong.
    """
    rates = per_seed.groupby(["dataset", "attack"])["poison_rate"].nunique().max()
    by_rate = ["poison_rate"] if rates > 1 else []  # Table 5 averages each rate, Table 1 the rates of its rows
    averages = per_seed.groupby(["dataset", "extractor", "seed", "defense", "settings", *by_rate], as_index=False)[
        [*METRICS, "pruned", "train_images"]
    ].mean()
    everything = pd.concat(
        [per_seed, averages.assign(attack="average", **({} if by_rate else {"poison_rate": np.nan}))]
    )
    grouped = everything.groupby([*CELL, "defense", "settings"], dropna=False, sort=False)
    out = grouped[METRICS].agg(["mean", "std"])
    out.columns = [f"{metric}_{'mean' if stat == 'mean' else 'sd'}" for metric, stat in out.columns]
    out.insert(0, "n", grouped.size())
    out.insert(1, "pruned", grouped["pruned"].mean())
    out.insert(2, "train_images", grouped["train_images"].mean().astype(int))
    out = out.reset_index()

    printed = published(table)
    per_extractor = ["extractor"] if printed["extractor"].nunique() > 1 else []
    values = [f"published_{metric}" for metric in METRICS]
    keys = ["dataset", *per_extractor, "attack", "poison_rate", "defense"]
    rows = per_seed[["dataset", "extractor", "attack", "poison_rate", "defense"]].drop_duplicates()
    rows = rows.merge(printed[[*keys, *values, "doubt"]], on=keys, how="left")
    mean = rows.groupby(["dataset", "extractor", "defense", *by_rate])[values].agg(lambda c: c.mean(skipna=False))
    mean = mean.reset_index().assign(attack="average", doubt="", **({} if by_rate else {"poison_rate": np.nan}))
    out = out.merge(pd.concat([rows, mean]), on=[*CELL, "defense"], how="left").fillna({"doubt": ""})
    ranks = {
        "dataset": _rank(DATASETS, out["dataset"]),
        **({"poison_rate": {rate: -rate for rate in out["poison_rate"]}} if by_rate else {}),
        "attack": _rank(ATTACKS, out["attack"]),
        "extractor": _rank(EXTRACTORS, out["extractor"]),
        "defense": _rank({**DEFENSES, **CONTROLS}, out["defense"]),
    }
    return out.sort_values(list(ranks), key=lambda c: c.map(ranks[c.name]), ignore_index=True)


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
    names = [EXTRACTORS.get(e, e) for e in dict.fromkeys(rows["extractor"])]
    seeds = "1 seed" if first["n"] == 1 else f"{first['n']} seeds"
    dataset = DATASETS.get(first["dataset"], first["dataset"])
    what = "trained end to end" if first["extractor"] == END_TO_END else "features"
    return f"{dataset}, {', '.join(names)} {what}, {first['train_images']:,} training images, {seeds}"


NOTE = (
    "ACC / ASR / RA in %; in brackets the paper's printed values, which are for the whole dataset whatever is used "
    "here (in average rows: the mean of the printed rows shown). ASR and RA are over triggered test images whose true "
    "class is not the target."
)


def _hp_settings(table: pd.DataFrame) -> str:
    """HP's settings as a sentence; nothing where the table has no HP."""
    found = ", ".join(dict.fromkeys(table.loc[table["defense"] == "hp", "settings"]))
    return f" HP: {found}." if found else ""


def _row_name(attack: str, line: pd.DataFrame) -> str:
    rate = line["poison_rate"].iloc[0]
    return ATTACKS.get(attack, attack) + ("" if np.isnan(rate) else f", {100 * rate:g} %")


def _columns(rows: pd.DataFrame, controls: dict[str, str]) -> dict[tuple[str, str], str]:
    """Column names by (extractor, defense): the extractor is named where there are several."""
    several = rows["extractor"].nunique() > 1
    names = {}
    for extractor, defense in dict.fromkeys(zip(rows["extractor"], rows["defense"], strict=True)):
        name = controls.get(defense) or DEFENSES.get(defense, defense)
        names[extractor, defense] = f"{EXTRACTORS.get(extractor, extractor)}: {name}" if several else name
    return names


def _printed(cell: pd.Series) -> list[str]:
    """The three printed values, or nothing where the paper has no such cell."""
    values = [cell[f"published_{m}"] for m in METRICS]
    return [] if np.isnan(values).all() else [_number(v, np.nan) for v in values]


def markdown(table: pd.DataFrame, title: str, note: str = "") -> str:
    """The paper's layout, one block per dataset: ours above, the printed value in brackets below, † where doubtful."""
    out = [f"# {title}", "", f"{NOTE}{_hp_settings(table)}"]
    if table["defense"].isin(CONTROLS).any():
        out[-1] += " Columns in italics are controls: another order of pruning, stopped at HP's count."
    out += ["", note] if note else []
    doubts = []
    for _, rows in table.groupby("dataset", sort=False):
        columns = _columns(rows, {k: f"*{v}*" for k, v in CONTROLS.items()})
        out += ["", f"## {_header(rows)}", "", "| Attack | " + " | ".join(columns.values()) + " |"]
        out.append("|---" * (len(columns) + 1) + "|")
        for (_, attack), line in rows.groupby(["poison_rate", "attack"], sort=False, dropna=False):
            by = line.set_index(["extractor", "defense"])
            fields = []
            for place, name in columns.items():
                cell = by.loc[place]
                field = " / ".join(_number(cell[f"{m}_mean"], cell[f"{m}_sd"]) for m in METRICS)
                if printed := _printed(cell):
                    field += f"<br>({' / '.join(printed)}){'†' if cell['doubt'] else ''}"
                    if cell["doubt"]:
                        doubts.append(f"{ATTACKS.get(attack, attack)}, {name}: {cell['doubt']}.")
                fields.append(field)
            out.append(f"| {_row_name(attack, line)} | " + " | ".join(fields) + " |")
    if doubts:
        out += ["", "† The printed value is doubtful:", "", *(f"- {d}" for d in dict.fromkeys(doubts))]
    return "\n".join(out) + "\n"


def latex(table: pd.DataFrame, title: str, note: str = "") -> str:
    """The same as a LaTeX table (booktabs, graphicx): three columns a defense, printed values below ours."""
    out = [r"% needs \usepackage{booktabs,graphicx}"]
    for _, rows in table.groupby("dataset", sort=False):
        columns = _columns(rows, {"l1norm": r"$\|w\|_1$ order", "random": "random order"})
        spans = " & ".join(rf"\multicolumn{{3}}{{c}}{{{name}}}" for name in columns.values())
        named = title.partition(": ")[2] or title  # LaTeX numbers its tables itself
        caption = f"{named}: {_header(rows)}. {NOTE}{_hp_settings(rows)} A dagger marks doubtful printed values."
        caption += f" {note}" if note else ""
        out += [
            r"\begin{table}",
            r"\caption{" + caption.replace("%", r"\%").replace("_", r"\_") + "}",
            r"\resizebox{\textwidth}{!}{%",
            rf"\begin{{tabular}}{{l{'ccc' * len(columns)}}}",
            r"\toprule",
            rf" & {spans} \\",
            "Attack" + " & ACC & ASR & RA" * len(columns) + r" \\",
            r"\midrule",
        ]
        for (_, attack), line in rows.groupby(["poison_rate", "attack"], sort=False, dropna=False):
            by = line.set_index(["extractor", "defense"])
            ours, printed = [_row_name(attack, line).replace("%", r"\%")], [""]
            for place in columns:
                cell = by.loc[place]
                ours += [_number(cell[f"{m}_mean"], cell[f"{m}_sd"]) for m in METRICS]
                mark = r"$^\dagger$" if cell["doubt"] else ""
                printed += [f"({value}){mark}" for value in _printed(cell)] or [""] * 3
            for fields in (ours, printed):
                out.append(" & ".join(fields).replace("±", r"$\pm$").replace("–", "--") + r" \\")
        out += [r"\bottomrule", r"\end{tabular}}", r"\end{table}"]
    return "\n".join(out) + "\n"
