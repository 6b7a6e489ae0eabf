"""The paper against itself: its printed numbers recomputed, compared with its definitions and with each other.

Everything here reads config/published.csv alone. A finding has an id (A: averages, B: definitions, C: quantities
printed twice, D: text against tables, E: lists and counts, G: method); ids are fixed, so that notes and
config/doubts.csv can name them. holder/audit_text.py has what the text says.
"""

import pandas as pd

from holder import audit_text, audit_twice
from holder.printed import Finding, named, rows

AVERAGE_TOLERANCE = 0.15
"""Points: the printed averages are partly rounded, partly cut after one decimal, and the rows are rounded too."""

SUM_TOLERANCE = 0.05
# Ids of the averages that do not follow, by (table, dataset, extractor, poison rate, defense, metric).
AVERAGES = {
    (1, "cifar10", "clip", 0.05, "fmp", "asr"): "A1",
    (1, "cifar10", "clip", 0.05, "fmp", "ra"): "A2",
    (2, "cifar10", "", 0.05, "dbd", "asr"): "A3",
    (2, "cifar10", "", 0.05, "dbd", "ra"): "A4",
    (2, "gtsrb", "", 0.05, "abl", "asr"): "A5",
    (3, "cifar10", "simclr", 0.05, "hp", "acc"): "A6",
    (3, "cifar10", "simclr", 0.05, "hp", "asr"): "A7",
    (3, "cifar10", "simclr", 0.05, "hp", "ra"): "A8",
    (5, "cifar10", "", 0.05, "hid", "acc"): "A9",
    (5, "cifar10", "", 0.05, "hid", "ra"): "A10",
    (5, "gtsrb", "", 0.01, "hid", "asr"): "A11",
    (5, "gtsrb", "", 0.05, "hid", "asr"): "A12",
}


def averages(printed: pd.DataFrame) -> tuple[list[Finding], int]:
    """Averages further than AVERAGE_TOLERANCE from the mean of their rows, and how many could be checked.

    Rows that the paper marks as not applicable are left out; a column with a lost cell cannot be checked. The
    mean is over the rows of all poison rates of a block (LC and SIG have their own), in Table 5 of one rate.
    """
    found, checked, fresh = [], 0, len(AVERAGES)
    own = ["table", "dataset", "extractor", "defense", "metric"]
    rows_of = printed[(printed["attack"] != "average") & (printed["note"] != "not applicable")]
    columns = dict(list(rows_of.groupby(own)))
    for average in printed[printed["attack"] == "average"].to_dict("records"):
        column = columns.get(tuple(average[k] for k in own))
        if column is not None and average["table"] == 5:
            column = column[column["poison_rate"] == average["poison_rate"]]
        if column is None or column.empty or column["value"].isna().any() or pd.isna(average["value"]):
            continue
        checked += 1
        mean = column["value"].mean()
        if abs(mean - average["value"]) <= AVERAGE_TOLERANCE + 1e-9:
            continue
        key = tuple(average[k] for k in ("table", "dataset", "extractor", "poison_rate", "defense", "metric"))
        fresh += key not in AVERAGES
        rate = {"poison_rate": average["poison_rate"]} if average["table"] == 5 else {}
        place = named(**{k: average[k] for k in ("table", "dataset", "extractor")}, **rate, defense=average["defense"])
        found.append(
            Finding(
                AVERAGES.get(key, f"A{fresh}"),
                f"{place}: average {average['metric'].upper()}",
                f"{average['value']:.1f}",
                f"{mean:.2f}",
                f"off by {average['value'] - mean:+.2f} over {len(column)} rows; use the recomputed mean",
            )
        )
    return sorted(found, key=lambda f: int(f.id[1:])), checked


def sums(printed: pd.DataFrame) -> list[Finding]:
    """B1: cells whose ASR + RA exceeds 100 %: by Section 2.3 a poisoned image cannot count in both."""
    cells = rows(printed)
    total = cells["asr"] + cells["ra"]
    return [
        Finding(
            "B1",
            named(**cell[["table", "dataset", "attack", "defense"]]),
            f"ASR {cell['asr']:.1f}, RA {cell['ra']:.1f}",
            f"sum {total[i]:.1f}",
            "near 110: RA seems to count the target class" if 102 < total[i] < 110.5 else "impossible by Section 2.3",
        )
        for i, cell in cells[total > 100 + SUM_TOLERANCE].iterrows()
    ]


def _rate(cell: pd.Series) -> list[str]:
    """Table 5 prints every attack at several poison rates."""
    return ["poison_rate"] if cell["table"] == 5 else []


def above_accuracy(printed: pd.DataFrame) -> list[Finding]:
    """B2: cells with RA above ACC; possible, since the populations differ, but hardly by several points."""
    cells = rows(printed)
    gap = cells["ra"] - cells["acc"]
    return [
        Finding(
            "B2",
            named(**cell[["table", "dataset", "extractor", *_rate(cell), "attack", "defense"]]),
            f"ACC {cell['acc']:.1f}, RA {cell['ra']:.1f}",
            f"RA − ACC = {gap[i]:.1f}",
            "not plausible" if gap[i] >= 4 else "possible, the populations differ",
        )
        for i, cell in cells[gap > 0.001].iterrows()
    ]


NOT_COMPUTED = {
    "B3": "names of the metrics in the text (ACC is also CA, RA also RC)",
    "D7": "a reference to the wrong table number",
    "D9": "damage of the scan in Table 4: ABL on GTSRB is lost",
    "D10": "Figure 12's caption and Appendix A.7 disagree about ACC; its numbers are not printed (claims.md)",
    "D12": "a claim of priority",
    "E1, E2": "eight defenses announced, seven listed; captions that name the wrong defenses",
    "E5 to E8": "rounds, thresholds, epochs and symbols of the method, given in words",
    "F1 to F5": "descriptions of attacks against the cited attacks; Table 9's lost check marks",
    "G1 to G8, G10": "the proof, the loss and the settings; claims.md tests what follows for the ranking",
}
"""What cannot be computed from printed numbers, and why."""

GROUPS = {
    "A": "Printed averages that do not follow from the rows",
    "B": "Cells that contradict the definitions of the metrics (Section 2.3)",
    "C": "One quantity printed twice, or two that look copied",
    "D": "Claims of the text against the tables",
    "E": "Lists and poison rates",
    "G": "Method against results",
}


def findings(printed: pd.DataFrame, runtimes: pd.DataFrame) -> list[Finding]:
    """Everything that the printed numbers say against each other, group by group."""
    return [
        *averages(printed)[0],
        *sums(printed),
        *above_accuracy(printed),
        *audit_twice.repeated(printed),
        *audit_twice.agreeing(printed),
        *audit_twice.copied(printed),
        *audit_twice.in_the_text(printed),
        *audit_text.pruning(printed),
        *audit_text.outperforms(printed),
        *audit_text.against_repair(printed),
        *audit_text.speed(runtimes),
        *audit_text.lower_rate(printed),
        *audit_text.lists(printed),
        *audit_text.stopping(printed),
    ]


def markdown(found: list[Finding], checked: int) -> str:
    """The audit for a reader who knows neither the paper's errors nor this workflow."""
    wrong = sum(f.id.startswith("A") for f in found)
    out = [
        "# The paper's numbers against each other",
        "",
        "Recomputed from `config/published.csv`, which holds every number that the paper prints; nothing here depends "
        "on what this workflow measures. ACC / ASR / RA in %. Cells that a finding makes doubtful are marked in the "
        "tables with † (`config/doubts.csv`). D also lists claims that hold, so that what was checked can be seen.",
        "",
        f"{checked} printed averages have all their rows; {checked - wrong} agree with them within {AVERAGE_TOLERANCE} "
        f"points, {wrong} do not.",
    ]
    for group, title in GROUPS.items():
        own = [f for f in found if f.id.startswith(group)]
        out += ["", f"## {group}. {title}", ""]
        if not own:
            out.append("Nothing found.")
            continue
        out += ["| | where | printed | recomputed | verdict |", "|---|---|---|---|---|"]
        out += [f"| {' | '.join(f)} |" for f in own]
    out += ["", "## Not computed", "", *(f"- {ids}: {why}." for ids, why in NOT_COMPUTED.items())]
    return "\n".join(out) + "\n"
