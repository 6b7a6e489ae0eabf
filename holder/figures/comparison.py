"""Reproduced against printed values: a panel per metric, a mark per table, doubtful printed values hollow."""

import pandas as pd

from holder.figures.style import SERIES, SERIES_MARKERS, STYLE, WIDTH, plt
from holder.tables import DATASETS, EXTRACTORS, METRICS


def draw(found: pd.DataFrame, alone: int) -> plt.Figure:
    """found: `comparison.build`'s rows; alone: how many of our cells have no printed value."""
    cells = found[(found["attack"] != "average") & found["metric"].isin(METRICS)]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(WIDTH, 2.75), sharex=True, sharey=True, layout="compressed")
        for axis, metric in zip(axes, METRICS, strict=True):
            axis.plot([0, 100], [0, 100], color="#999999", linewidth=0.8, zorder=1)
            for i, (table, own) in enumerate(cells.groupby("table")):
                colour = SERIES[i % len(SERIES)]
                for doubtful, part in own[own["metric"] == metric].groupby(own["doubt"] != ""):
                    axis.plot(
                        part["published"],
                        part["reproduced"],
                        SERIES_MARKERS[i % len(SERIES)],
                        color=colour,
                        mfc="none" if doubtful else colour,
                        ms=3.2,
                        mew=0.7,
                        alpha=0.85,
                        linestyle="none",
                        label="_" if doubtful else f"Table {table}",
                    )
            if not (cells["metric"] == metric).any():
                axis.text(50, 50, "no common cell", ha="center", va="center")
            axis.set(xlim=(-3, 103), ylim=(-3, 103), xticks=range(0, 101, 25), yticks=range(0, 101, 25))
            axis.set(aspect="equal", title=metric.upper(), xlabel="printed (%)")
            axis.grid(linewidth=0.3, alpha=0.6)
        axes[0].set_ylabel("reproduced (%)")
        handles = {}
        for axis in axes:
            handles |= {name: mark for mark, name in zip(*axis.get_legend_handles_labels(), strict=True)}
        if handles:
            figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles))
        figure.suptitle(_title(cells, alone), fontsize=7)
    return figure


def _title(cells: pd.DataFrame, alone: int) -> str:
    """Scale, datasets and features of the cells, and what is not shown."""
    if cells.empty:
        return f"no cell has a printed value; {alone} of ours have none"
    reduced = (cells["scale"] != "paper").sum()
    scale = "partly reduced scale" if 0 < reduced < len(cells) else "reduced scale" if reduced else "paper's scale"
    if reduced:
        sizes = cells["reduced_by"][cells["reduced_by"] != ""].str.split("; ").explode()
        scale += f" (most often {sizes.mode()[0]})"
    names = [
        ", ".join(dict.fromkeys(known.get(v, v) for v in cells[key]))
        for key, known in (("dataset", DATASETS), ("extractor", EXTRACTORS))
    ]
    hollow = (cells["doubt"] != "").sum()
    return (
        f"{scale}\n{names[0]}; {names[1]}\n{len(cells)} numbers, {hollow} doubtful as printed (hollow); "
        f"{alone} of our cells have no printed value"
    )
