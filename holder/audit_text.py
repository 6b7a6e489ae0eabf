"""What the paper's text says against its own tables (findings D), its lists and rates (E) and its method (G)."""

import numpy as np
import pandas as pd

from holder import registry, tables
from holder.printed import Finding, named, rows

OWN = {1: "hp", 2: "hid", 6: "hp", 7: "hid"}
"""The paper's own defense in the tables whose captions or text say that it is best."""


def pruning(printed: pd.DataFrame) -> list[Finding]:
    """D1 to D4: what Section 4.1 says of HP."""
    hp = rows(printed, table=1, defense="hp")
    found = []
    high = [f"{named(dataset=r.dataset, attack=r.attack)} {r.asr:.1f}" for r in hp[hp["asr"] > 3].itertuples()]
    means = {d: c["asr"].mean() for d, c in hp.groupby("dataset")}
    found.append(
        Finding(
            "D1",
            "Section 4.1: HP's ASR 'consistently … below 3 %'",
            "below 3",
            f"averages {_by_dataset(means, '{:.2f}')}; above 3: {', '.join(high) or 'none'}",
            "holds for the averages, not for every attack" if high else "holds",
        )
    )
    both = hp.merge(rows(printed, table=1, defense="none"), on=["dataset", "attack"], suffixes=("", "_before"))
    both = both.dropna(subset=["acc", "acc_before"])
    drops = {d: (c["acc_before"] - c["acc"]).mean() for d, c in both.groupby("dataset")}
    found.append(
        Finding(
            "D2",
            "Section 4.1: ACC falls by 'about 2 %' on average",
            "about 2",
            f"{_by_dataset(drops)}; mean of both {np.mean(list(drops.values())):.1f} ({len(both)} legible rows)",
            "fits only the mean over both datasets",
        )
    )
    robust = rows(printed, defense="hp")
    robust = robust[(robust["table"] != 3) | (robust["extractor"] == "clip")].dropna(subset=["ra"])
    means = {named(table=t, dataset=d): c["ra"].mean() for (t, d), c in robust.groupby(["table", "dataset"])}
    near = [place for place, mean in means.items() if abs(mean - 82.5) < 0.15]
    found.append(
        Finding(
            "D3",
            "Section 4.1: HP's RA is 82.5 %",
            "82.5",
            "; ".join(f"{place}: {mean:.1f}" for place, mean in means.items()),
            f"fits {', '.join(near)}" if near else "in no table; not a target for one dataset",
        )
    )
    better = both[both["acc"] > both["acc_before"]]
    if len(better):
        found.append(
            Finding(
                "D4",
                "Table 1: HP's ACC against the undefended model's",
                "; ".join(f"{named(dataset=r.dataset, attack=r.attack)} {r.acc}" for r in better.itertuples()),
                f"undefended {'; '.join(f'{r.acc_before}' for r in better.itertuples())}",
                "pruning raises ACC; the text names no fine-tuning that would explain it",
            )
        )
    return found


def _by_dataset(values: dict[str, float], form: str = "{:.1f}") -> str:
    return ", ".join(f"{tables.DATASETS[d]} {form.format(v)}" for d, v in values.items())


def outperforms(printed: pd.DataFrame) -> list[Finding]:
    """D5: rows in which another defense beats the one that captions and text call best."""
    found = []
    for table, own in OWN.items():
        for dataset, cells in rows(printed, table=table).groupby("dataset"):
            lost = []
            for metric, sign in (("asr", -1), ("acc", 1), ("ra", 1)):
                by = cells[cells["defense"] != "none"].pivot(index="attack", columns="defense", values=metric)
                by = by[by[own].notna()]
                ahead = (by.drop(columns=own).sub(by[own], axis=0) * sign).max(axis=1) > 0.001
                names = [tables.ATTACKS[a] for a in tables.ATTACKS if a in ahead.index and ahead[a]]
                if names:
                    lost.append(f"{metric.upper()} on {len(names)} of {len(by)} ({', '.join(names)})")
            if lost:
                found.append(
                    Finding(
                        "D5",
                        f"{named(table=table, dataset=dataset)}: {tables.DEFENSES[own]} is best",
                        "'consistently outperforms'",
                        f"another defense is better in {'; in '.join(lost)}",
                        "does not hold in every row",
                    )
                )
    return found


def against_repair(printed: pd.DataFrame) -> list[Finding]:
    """D6: Appendix A.9 on Table 8: HID's ASR lowest and RA highest in nearly all cases, ACC first or second."""
    found = []
    for dataset, cells in rows(printed, table=8).groupby("dataset"):
        by = {
            m: cells[cells["defense"] != "none"].pivot(index="attack", columns="defense", values=m)
            for m in ("acc", "asr", "ra")
        }
        lowest = int((by["asr"]["hid"] <= by["asr"].min(axis=1)).sum())
        highest = int((by["ra"]["hid"] >= by["ra"].max(axis=1)).sum())
        rank = 1 + by["acc"].gt(by["acc"]["hid"], axis=0).sum(axis=1)
        found.append(
            Finding(
                "D6",
                f"Appendix A.9, {named(dataset=dataset)}",
                "lowest ASR and highest RA 'in nearly all cases', ACC first or second",
                f"among legible cells lowest ASR in {lowest} of {len(cells['attack'].unique())}, highest RA in "
                f"{highest}, ACC first or second in {int((rank <= 2).sum())}",
                "ASR: does not hold" if lowest < 0.8 * len(rank) else "ASR: holds",
            )
        )
    return found


def speed(runtimes: pd.DataFrame) -> list[Finding]:
    """D8: 'up to 1000x' and 'up to 10x' faster, and faster than all three others, against Table 4."""
    found = []
    for dataset, cells in runtimes.groupby("dataset"):
        seconds = cells.set_index("defense")["seconds"]
        for own, said in (("hp", 1000), ("hid", 10)):
            ratios = {d: seconds[d] / seconds[own] for d in ("abl", "dbd", "dst") if not np.isnan(seconds[d])}
            slower = [tables.DEFENSES[d] for d, r in ratios.items() if r < 1]
            verdict = f"slower than {', '.join(slower)}; " if slower else ""
            reached = [tables.DEFENSES[d] for d, r in ratios.items() if r >= said]
            verdict += f"{said}x reached against {', '.join(reached) or 'none'}"
            found.append(
                Finding(
                    "D8",
                    f"Table 4, {named(dataset=dataset)}, {tables.DEFENSES[own]}",
                    f"up to {said}x faster",
                    ", ".join(
                        f"{tables.DEFENSES[d]} {r:.0f}x" if r >= 100 else f"{tables.DEFENSES[d]} {r:.1f}x"
                        for d, r in ratios.items()
                    ),
                    verdict,
                )
            )
    return found


def lower_rate(printed: pd.DataFrame) -> list[Finding]:
    """D11: Appendix A.6: at Tables 6 and 7's lower poison rates every defense has improved."""
    found = []
    for low, high in ((6, 1), (7, 2)):
        asr = {t: rows(printed, table=t).groupby(["dataset", "defense"])["asr"].mean() for t in (low, high)}
        after, before = asr[low]["cifar100"], asr[high]["cifar10"]
        worse = [d for d in after.index if d != "none" and after[d] > before[d]]
        found.append(
            Finding(
                "D11",
                f"Appendix A.6: Table {low} (CIFAR-100, 1 %) against Table {high} (CIFAR-10, 5 %)",
                "'all defense methods have shown improvement'",
                ", ".join(
                    f"{tables.DEFENSES[d]} ASR {before[d]:.1f} → {after[d]:.1f}" for d in after.index if d != "none"
                ),
                f"{' and '.join(tables.DEFENSES[d] for d in worse) or 'none'} did not; two datasets, no controlled "
                "comparison",
            )
        )
    zero = rows(printed, table=7, defense="abl")
    names = [tables.ATTACKS[a] for a in zero.loc[zero["asr"] == 0, "attack"]]
    found.append(
        Finding(
            "D11",
            "Appendix A.6: ABL's ASR is 0 'across all five types of attacks' in Table 7",
            "five",
            f"{len(names)}: {', '.join(names)}",
            "holds" if len(names) == 5 else "does not hold",
        )
    )
    return found


def lists(printed: pd.DataFrame) -> list[Finding]:
    """E3, E4: nine attacks, eight used; poison rates of the clean-label attacks on GTSRB."""
    found = []
    for table, cells in rows(printed).groupby("table"):
        missing = [tables.ATTACKS[a] for a in tables.ATTACKS if a not in {*cells["attack"], "average"}]
        if missing:
            found.append(
                Finding(
                    "E3",
                    f"Table {table}",
                    "nine attacks (abstract)",
                    f"{cells['attack'].nunique()} rows",
                    f"without {', '.join(missing)}",
                )
            )
    facts = registry.facts("datasets", "gtsrb")
    share = 100 * facts["TRAIN_PER_CLASS"][0] / facts["TRAIN"]
    clean = rows(printed, dataset="gtsrb").dropna(subset=["acc", "asr", "ra"], how="all")
    clean = clean[clean["attack"].isin(["lc", "sig"])].groupby("table")["poison_rate"].unique()
    found.append(
        Finding(
            "E4",
            "LC and SIG on GTSRB",
            "'should have poison rate lower than 0.5 %' (Table 5)",
            "; ".join(f"Table {t} at {', '.join(f'{100 * r:g} %' for r in rates)}" for t, rates in clean.items()),
            f"label 0 has {share:.2f} % of the training images: the limit fits it as target, not the figures' class 1",
        )
    )
    return found


def stopping(printed: pd.DataFrame) -> list[Finding]:
    """G9: FP stops when accuracy has fallen by more than 10 % (A.15), yet Table 6 shows it far lower."""
    both = rows(printed, table=6, defense="fp").merge(
        rows(printed, table=6, defense="none"), on="attack", suffixes=("", "_before")
    )
    drop = both["acc_before"] - both["acc"]
    if drop.max() <= 10:
        return []
    return [
        Finding(
            "G9",
            "Appendix A.15: FP stops when accuracy drops by more than 10 %",
            "at most about 10",
            f"Table 6: FP loses {drop.min():.1f} to {drop.max():.1f} points of ACC, {drop.mean():.1f} on average",
            "the rule and the table disagree",
        )
    ]
