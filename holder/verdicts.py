"""Claims against numbers: the printed ones and this workflow's, per dataset, with seeds, interval and scale."""

import numpy as np
import pandas as pd
from scipy.stats import t

from holder import claims, scale, tables
from holder.claims import LIMITS, ROW, Missing
from holder.evidence import Cells
from holder.printed import rows


def printed_cells(printed: pd.DataFrame, runtimes: pd.DataFrame) -> Cells:
    """The paper's numbers as cells: attack rows only, and Table 4's seconds."""
    out = {f"table{n}": own for n, own in rows(printed).groupby("table")}
    out["table4"] = runtimes
    return {name: own.assign(source=name, extractor_kind="clean") for name, own in out.items()}


TAKEN = 20
"""ASR (%) without a defense below which an attack has not taken, so that its defeat says nothing; the limit is ours."""


def not_taken(used: pd.DataFrame, ours: Cells) -> list[str]:
    """Attacks among the rows of a claim that hardly worked without a defense, with that ASR: "WaNet (12.9)"."""
    known = [cells[cells["defense"] == "none"] for cells in ours.values() if {*ROW, "defense", "asr"} <= set(cells)]
    if not known or not set(ROW) <= set(used):
        return []
    asr = pd.concat(known).groupby(ROW)["asr"].mean()
    rows = used[ROW].drop_duplicates().itertuples(index=False, name=None)
    weak = {row: asr[row] for row in rows if row in asr.index and asr[row] < TAKEN}
    return [f"{tables.ATTACKS.get(attack, attack)} ({value:.1f})" for (_, _, attack, _), value in weak.items()]


def interval(values: list[float]) -> tuple[float, float]:
    """95 % interval of the mean over seeds (Student's t); NaN for one seed."""
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else np.nan
    return interval_of(float(np.mean(values)), sd, len(values))


def interval_of(mean: float, sd: float, n: int) -> tuple[float, float]:
    """The same from mean, standard deviation and number of seeds."""
    half = t.ppf(0.975, n - 1) * sd / np.sqrt(n) if n > 1 else np.nan
    return mean - half, mean + half


def judge(wanted: list[dict], ours: Cells, theirs: Cells, printed: pd.DataFrame) -> pd.DataFrame:
    """One row per claim and dataset.

    Columns: id, statement, place, dataset, rule, limit, printed_value, printed_verdict, value, low, high, seeds,
    verdict, rows (attack × extractor × poison rate that went in), not_taken (those on which the attack hardly worked),
    scale ("paper", "reduced" or empty), reduced_by, missing, note.
    """
    out = []
    for claim in wanted:
        sources = claim["source"] if isinstance(claim["source"], list) else [claim["source"]]
        mine, paper = (
            pd.concat([cells[s] for s in sources if s in cells and len(cells[s])] or [pd.DataFrame()])
            for cells in (ours, theirs)
        )
        names = {*mine.get("dataset", []), *paper.get("dataset", [])}
        order = [*tables.DATASETS, *sorted(names - set(tables.DATASETS))]
        for dataset in [None] if claim.get("together") else [d for d in order if d in names] or [None]:
            own, said = (x if dataset is None or x.empty else x[x["dataset"] == dataset] for x in (mine, paper))
            out.append(
                {
                    **_told(claim, dataset),
                    **_printed(claim, said, bool(len(paper))),
                    **_ours(claim, own, dataset, printed, ours),
                }
            )
    return pd.DataFrame(out)


def _told(claim: dict, dataset: str | None) -> dict:
    return {
        **{k: claim[k] for k in ("id", "statement", "place")},
        "dataset": dataset or "",
        "rule": claims.words(claim),
        "limit": claims.limit(claim)[1],
        "note": claim.get("note", ""),
    }


def _verdict(claim: dict, value: float) -> str:
    key, number = claims.limit(claim)
    return "holds" if LIMITS[key](value, number) else "fails"


def _printed(claim: dict, cells: pd.DataFrame, any_printed: bool) -> dict:
    """The rule on the paper's own numbers, lost cells left out."""
    if not any_printed:
        return {"printed_value": np.nan, "printed_verdict": "no numbers printed"}
    if cells.empty:
        return {"printed_value": np.nan, "printed_verdict": "not in the paper"}
    try:
        value = claims.statistic(claim, cells)
    except Missing as missing:
        return {"printed_value": np.nan, "printed_verdict": f"cannot be told ({missing})"}
    return {"printed_value": value, "printed_verdict": _verdict(claim, value)}


def _ours(claim: dict, cells: pd.DataFrame, dataset: str | None, printed: pd.DataFrame, ours: Cells) -> dict:
    """The rule on this workflow's numbers, seed by seed."""
    nothing = {"value": np.nan, "low": np.nan, "high": np.nan, "seeds": 0, "verdict": "not tested"}
    nothing |= {"rows": 0, "not_taken": "", "scale": "", "reduced_by": "", "missing": ""}
    if cells.empty:
        return {
            **nothing,
            "missing": "nothing was run" + (f" on {tables.DATASETS.get(dataset, dataset)}" if dataset else ""),
        }
    values, missing = [], ""
    parts = [own for _, own in cells.groupby("seed")] if "seed" in cells else [cells]
    for own in parts:
        try:
            values.append(claims.statistic(claim, own))
        except Missing as lacking:
            missing = str(lacking)
    if not values:
        return {**nothing, "missing": missing}
    used = claims.picked(cells, claim.get("where", {}))
    groups = [claim["rule"][key] for key in ("of", "minus") if isinstance(claim["rule"].get(key), dict)]
    if groups:
        used = pd.concat([claims.picked(used, group) for group in groups])
    reduced = list(dict.fromkeys(size for sizes in used["reductions"] for size in sizes))
    for source, own in used.groupby("source"):
        for name in own["dataset"].unique():
            if source != "table4":
                attacks = claim.get("where", {}).get("attack")
                reduced += scale.missing_rows(own[own["dataset"] == name], printed, source, name, attacks)
    low, high = interval(values)
    verdict = _verdict(claim, float(np.mean(values))) + (" (reduced scale)" if reduced else "")
    return {
        **{"value": float(np.mean(values)), "low": low, "high": high},
        "seeds": len(values) if "seed" in cells else 0,
        "verdict": verdict,
        "rows": len(used[ROW].drop_duplicates()) if set(ROW) <= set(used) else 0,
        "not_taken": ", ".join(not_taken(used, ours)),
        "scale": "reduced" if reduced else "paper",
        "reduced_by": "; ".join(reduced),
        "missing": "",
    }


def markdown(found: pd.DataFrame) -> str:
    """What was tested, printed beside ours, then what was not, and what makes results smaller than the paper's."""
    full = found[found["scale"] == "paper"]
    counts = {v: int(found["verdict"].str.startswith(v).sum()) for v in ("holds", "fails", "not tested")}
    printed = {v: int((found["printed_verdict"] == v).sum()) for v in ("holds", "fails")}
    tested = found["verdict"] != "not tested"
    out = [
        "# The paper's claims",
        "",
        "Each claim is a rule over numbers (`config/claims.yaml`), tested twice: on the numbers that the paper prints "
        "and on those of this workflow. The interval is 95 % of the mean over seeds. A result at reduced scale says "
        "what happens at that scale and is no evidence about the paper's; the last section says what was reduced. "
        f"An attack whose ASR is below {TAKEN} % without a defense has not taken; claims that rest on one say so.",
        "",
        f"{found['id'].nunique()} claims, {len(found)} tests (a claim is tested on each dataset). **On the paper's own "
        f"numbers** {printed['holds']} hold, {printed['fails']} fail, and {len(found) - sum(printed.values())} cannot "
        f"be told, since their numbers are lost or only drawn. **Here** {len(full)} were tested at the paper's scale "
        f"and {int(tested.sum()) - len(full)} at a reduced one; {counts['holds']} hold and {counts['fails']} fail at "
        f"the scale they were tested at; {counts['not tested']} were not tested.",
        "",
        "| claim | where | dataset | rule | printed | here |",
        "|---|---|---|---|---|---|",
    ]
    marks = {}
    for r in found[tested].itertuples():
        mark = f" [[{marks.setdefault(r.reduced_by, len(marks) + 1)}]](#reduced-{marks[r.reduced_by]})"
        weak = f"; hardly took: {r.not_taken}" if r.not_taken else ""
        out.append(f"{_said(r)} | {r.verdict}: {_value(r)}{weak}{mark * bool(r.reduced_by)} |")
    if not tested.all():
        out += ["", "## Not tested here", "", "| claim | where | dataset | rule | printed | here |", "|---" * 6 + "|"]
        out += [f"{_said(r)} | {r.missing} |" for r in found[~tested].itertuples()]
    if marks:
        out += ["", "## Reduced scale", ""]
        out += [f'- <a id="reduced-{n}"></a>[{n}] {text}' for text, n in marks.items()]
    return "\n".join(out) + "\n"


def _said(r) -> str:
    """The claim's part of a row: statement, place, dataset, rule and what the printed numbers say."""
    said = r.printed_verdict + ("" if np.isnan(r.printed_value) else f": {_number(r.printed_value)}")
    statement = r.statement + (f" *({r.note})*" if r.note else "")
    return f"| {statement} | {r.place} | {tables.DATASETS.get(r.dataset, r.dataset or '–')} | {r.rule} | {said}"


def _number(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 10 else f"{value:,.1f}"


def _value(r) -> str:
    rows = f", {r.rows} row{'s' * (r.rows > 1)}" if r.rows else ""
    if r.seeds < 2:
        return f"{_number(r.value)}{rows}, {'1 seed' if r.seeds else 'one run'}: no interval"
    inside = r.low <= r.limit <= r.high
    ends = f"[{_number(r.low)}, {_number(r.high)}]"
    return f"{_number(r.value)} {ends}{rows}, {r.seeds} seeds{', the interval contains the limit' * inside}"
