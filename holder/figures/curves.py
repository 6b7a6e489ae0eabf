"""ACC and ASR against pruned neurons for every cell of a table."""

from collections import defaultdict

import numpy as np

from holder.figures.style import COLOURS, GREYS, MARKERS, STYLE, plt
from holder.names import ATTACKS, CONTROLS, DATASETS, DEFENSES, EXTRACTORS

COLUMNS = 5


def draw(cells: list[dict]) -> plt.Figure:
    """ACC and ASR against pruned neurons: a column per attack, a pair of rows per dataset.

    cells: one per metrics file, its JSON with the arrays of its curve under "curve". Several
    seeds give their mean and the range between the lowest and the highest. Markers stand at the
    operating points that each defense chose without seeing ASR.
    """
    grid = defaultdict(lambda: defaultdict(list))
    for cell in cells:
        if cell["defense"] != "none":
            grid[cell["dataset"], cell["attack"]][cell["defense"]].append(cell)
    datasets = [d for d in DATASETS if any(k[0] == d for k in grid)]
    datasets += sorted({k[0] for k in grid} - set(datasets))
    order = [*ATTACKS, *sorted({k[1] for k in grid} - set(ATTACKS))]
    lines = []  # one (dataset, up to COLUMNS attacks) per pair of rows
    for dataset in datasets:
        attacks = [a for a in order if (dataset, a) in grid]
        lines += [(dataset, attacks[i : i + COLUMNS]) for i in range(0, len(attacks), COLUMNS)]
    columns = max(len(attacks) for _, attacks in lines)
    known = [*DEFENSES, *CONTROLS]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            2 * len(lines),
            columns,
            figsize=(max(3.5, 0.5 + 1.4 * columns), 0.5 + 2.3 * len(lines)),
            sharex=True,
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        for row, (dataset, attacks) in enumerate(lines):
            for offset, metric in enumerate(("ACC", "ASR")):
                axes[2 * row + offset, 0].set_ylabel(f"{metric} (%)\n{DATASETS.get(dataset, dataset)}")
            for column in range(columns):
                upper, lower = axes[2 * row, column], axes[2 * row + 1, column]
                if column >= len(attacks):
                    upper.set_visible(False)
                    lower.set_visible(False)
                    continue
                methods = grid[dataset, attacks[column]]
                upper.set_title(ATTACKS.get(attacks[column], attacks[column]))
                for name in [n for n in known if n in methods] + sorted(set(methods) - set(known)):
                    _line(upper, name, methods[name], "correct", "clean")
                    _line(lower, name, methods[name], "hits", "triggered")
        for axis in axes.flat:
            axis.set(ylim=(-3, 103), yticks=range(0, 101, 25))
            axis.grid(axis="y", linewidth=0.3, alpha=0.6)
        extractors = ", ".join(EXTRACTORS.get(e, e) for e in sorted({cell["extractor"] for cell in cells}))
        seeds = len({cell["seed"] for cell in cells})
        figure.supxlabel(
            f"pruned hidden neurons (markers: each defense's own choice); {extractors} features, "
            f"{seeds} seed{'s' * (seeds > 1)}",
            fontsize=7,
        )
        drawn = [line for axis in axes.flat for line in axis.get_lines()]
        handles = {line.get_label(): line for line in drawn if line.get_label()[0] != "_"}
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=min(len(handles), 7))
    return figure


def _line(axis: plt.Axes, name: str, cells: list[dict], count: str, total: str) -> None:
    rates = np.stack([100 * cell["curve"][count] / cell["counts"][total] for cell in cells])
    x, mean = np.arange(rates.shape[1]), rates.mean(0)
    colour, dash = GREYS.get(name, (COLOURS.get(name, "#000000"), "-"))
    label = {**DEFENSES, **CONTROLS}.get(name, name)
    # Controls are dashed and on top: where one lies on HP, both can be seen.
    axis.plot(
        x, mean, linestyle=dash, color=colour, label=label, zorder=3.5 if name in GREYS else 3 if name == "hp" else 2
    )
    if len(rates) > 1:
        axis.fill_between(x, rates.min(0), rates.max(0), color=colour, alpha=0.15, linewidth=0)
    for cell, line in zip(cells, rates, strict=True):
        if cell["pruned"] is not None:
            marker = MARKERS.get(name, "o")
            axis.plot(cell["pruned"], line[cell["pruned"]], marker, color=colour, ms=4, mec="white", mew=0.6, zorder=4)
