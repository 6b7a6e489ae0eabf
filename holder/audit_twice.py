"""Quantities that the paper prints twice (findings C): equal where they should not be, and the other way round."""

import pandas as pd

from holder import tables
from holder.printed import RATES, Finding, named, pick, rows, triple, wide

# Appendix A.14's (ASR, ACC) of the undefended network on CIFAR-10.
A14 = {
    "badnets": (98.7, 91.9),
    "lc": (99.5, 93.3),
    "sig": (97.1, 93.6),
    "lf": (98.0, 93.3),
    "wanet": (85.5, 92.7),
    "inputaware": (90.2, 91.5),
    "ssba": (93.2, 94.9),
    "trojan": (93.8, 99.9),
    "bpp": (99.9, 91.6),
}


def _beside(left: pd.DataFrame, right: pd.DataFrame, on: list[str]) -> pd.DataFrame:
    """Cells of two tables side by side: acc, asr, ra and acc_2, asr_2, ra_2."""
    return left.merge(right, on=on, suffixes=("", "_2"))


def _equal(both: pd.DataFrame, metric: str) -> pd.Series:
    return (both[metric] - both[f"{metric}_2"]).abs() < 0.05


def repeated(printed: pd.DataFrame) -> list[Finding]:
    """C1 to C5: quantities printed twice."""
    found = []
    simclr = rows(printed, table=3, extractor="simclr")
    hid = rows(printed, table=8, dataset="cifar10", defense="hid")
    both = _beside(simclr, hid, ["attack"])
    same = both[_equal(both, "asr") & _equal(both, "ra")]
    if len(same) > 1:
        whole = same[_equal(same, "acc")]["attack"].map(tables.ATTACKS)
        rest = [
            f"{tables.ATTACKS[r.attack]} {r.acc_2 - r.acc:+.1f}"
            for r in same.itertuples()
            if abs(r.acc - r.acc_2) > 0.05
        ]
        found.append(
            Finding(
                "C1",
                "Table 3, SimCLR (HP), and Table 8, CIFAR-10, HID",
                f"equal ASR and RA on {len(same)} of {len(both)} attacks",
                f"all three equal on {', '.join(whole)}; HID's ACC differs on {', '.join(rest) or 'none'}",
                "the column is HID's, not HP's on SimCLR features; the cells are marked doubtful",
            )
        )
    five = _beside(hid, rows(printed, table=5, dataset="cifar10", poison_rate=0.05), ["attack"])
    five = five[_equal(five, "asr") & _equal(five, "ra")].set_index("attack")["acc_2"]
    accuracy = hid["attack"].map(five).fillna(hid["acc"])  # Table 5's, where it shows the same run
    means = {"acc": accuracy.mean(), "asr": hid["asr"].mean(), "ra": hid["ra"].mean()}
    for cell in simclr[simclr["attack"] == "bpp"].to_dict("records"):
        if all(abs(cell[m] - means[m]) < 0.1 for m in RATES):
            found.append(
                Finding(
                    "C2",
                    "Table 3, SimCLR, BppAttack",
                    triple(pd.Series(cell)),
                    f"{' / '.join(f'{means[m]:.2f}' for m in RATES)}, the mean of HID's nine rows (ACC from Table 5)",
                    "an average row in place of a result; dropped from comparisons",
                )
            )
    for dataset in ("cifar10", "gtsrb"):
        both = _beside(
            rows(printed, table=5, dataset=dataset, poison_rate=0.05),
            rows(printed, table=8, dataset=dataset, defense="hid"),
            ["attack", "poison_rate"],
        )
        for r in both[~_equal(both, "acc") & _equal(both, "asr") & _equal(both, "ra")].itertuples():
            found.append(
                Finding(
                    "C3",
                    f"{named(dataset=dataset, attack=r.attack)}, HID: ACC in Table 5 and in Tables 2 and 8",
                    f"{r.acc:.1f} and {r.acc_2:.1f}",
                    f"difference {r.acc_2 - r.acc:.1f}, ASR and RA equal",
                    "two ACC values for one run",
                )
            )
    one, high = (rows(printed, table=5, dataset="cifar10", attack="badnets", poison_rate=r) for r in (0.01, 0.05))
    eight = rows(printed, table=8, dataset="cifar10", attack="badnets", defense="hid")
    if len(one) == len(high) == len(eight) == 1 and triple(one.iloc[0]) == triple(eight.iloc[0]) != triple(
        high.iloc[0]
    ):
        found.append(
            Finding(
                "C4",
                "Table 5, CIFAR-10, BadNets",
                f"1 %: {triple(one.iloc[0])}; 5 %: {triple(high.iloc[0])}",
                f"Tables 2 and 8 at 5 %: {triple(eight.iloc[0])}",
                "the 1 % row is the 5 % result of the other tables: swapped or overwritten",
            )
        )
    low = rows(printed, table=5, dataset="gtsrb", attack="sig", poison_rate=0.001)
    half = rows(printed, table=8, dataset="gtsrb", attack="sig", defense="hid")
    if len(low) == len(half) == 1 and half["asr"].item() - low["asr"].item() > 3:
        found.append(
            Finding(
                "C5",
                "SIG on GTSRB, HID: Table 5 at 0.1 % and Table 8 at 0.5 %",
                f"{triple(low.iloc[0])} and {triple(half.iloc[0])}",
                f"ASR {half['asr'].item() / max(low['asr'].item(), 0.1):.0f} times as high",
                "no contradiction, but against 'does not significantly affect' (Section 4.2)",
            )
        )
    return found


def agreeing(printed: pd.DataFrame) -> list[Finding]:
    """C6, C7: columns of two tables that should agree; where they do, lost cells were filled from the other."""
    found = []
    both = _beside(
        rows(printed, table=1, dataset="cifar10", defense="hp"), rows(printed, table=3, extractor="clip"), ["attack"]
    )
    agree, cells = sum(int(_equal(both, m).sum()) for m in ("acc", "asr")), 2 * len(both)
    means = wide(printed[(printed["attack"] == "average") & (printed["defense"] == "hp")])
    pair = [pick(means, table=1, dataset="cifar10"), pick(means, table=3, extractor="clip")]
    found.append(
        Finding(
            "C6",
            "HP on CLIP features, CIFAR-10: Tables 1 and 3",
            f"averages {' and '.join(triple(m.iloc[0]) for m in pair if len(m))}",
            f"{agree} of {cells} ACC and ASR cells equal",
            "Table 3 leaves out Input-aware, so its averages differ"
            if agree == cells
            else "one experiment, two results",
        )
    )
    own = printed[~printed["note"].str.startswith("from table") & printed["metric"].isin(["acc", "asr"])]
    own = own[own["defense"].isin(["none", "hid"])].dropna(subset=["value"])
    both = _beside(pick(own, table=2), pick(own, table=8), ["dataset", "poison_rate", "attack", "defense", "metric"])
    agree, cells = int(_equal(both, "value").sum()), len(both)
    found.append(
        Finding(
            "C7",
            "undefended and HID columns of Tables 2 and 8",
            f"{cells} ACC and ASR cells legible in both",
            f"{agree} of {cells} equal",
            "Table 2's lost RA is filled from Table 8" if agree == cells else "one experiment, two results",
        )
    )
    return found


def copied(printed: pd.DataFrame) -> list[Finding]:
    """C8: cells of different experiments that agree in all three rates, or of two attacks in ASR and RA.

    A cell with ASR 0 and RA equal to ACC says little more than its ACC and may well occur twice, and so may an
    ASR or RA of 0 on two attacks.
    """
    cells = rows(printed)
    cells = cells[cells["defense"] != "none"].dropna(subset=RATES)
    cells = cells[(cells["asr"] > 0) | (cells["ra"] != cells["acc"])]
    found = []
    for other, rates in (("dataset", RATES), ("defense", RATES), ("attack", ["asr", "ra"])):
        same = [k for k in ("table", "dataset", "extractor", "attack", "defense") if k != other]
        for _, group in cells.groupby([*same, *([] if other == "attack" else ["poison_rate"]), *rates]):
            if group[other].nunique() > 1 and (other != "attack" or min(group[["asr", "ra"]].iloc[0]) > 0):
                found.append(
                    Finding(
                        "C8",
                        f"{named(**group.iloc[0][same])}: {' and '.join(named(**{other: v}) for v in group[other])}",
                        " and ".join(triple(cell) for _, cell in group.iterrows()),
                        f"{'ASR and RA' if other == 'attack' else 'all three'} equal",
                        "looks copied; marked doubtful",
                    )
                )
    return found


def in_the_text(printed: pd.DataFrame) -> list[Finding]:
    """C9: ASR and ACC that Appendix A.14 gives for the attacks, against Table 2's undefended column."""
    cells = rows(printed, table=2, dataset="cifar10", defense="none")
    found = []
    for cell in cells.itertuples():
        asr, acc = A14[cell.attack]
        if (asr, acc) != (cell.asr, cell.acc):
            swapped = (acc, asr) == (cell.asr, cell.acc)
            found.append(
                Finding(
                    "C9",
                    f"Appendix A.14, {tables.ATTACKS[cell.attack]}",
                    f"ASR {asr}, ACC {acc}",
                    f"Table 2: ASR {cell.asr}, ACC {cell.acc}",
                    "swapped; the tables are used" if swapped else "they differ; the tables are used",
                )
            )
    return found
