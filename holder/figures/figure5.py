"""Figure 5: ACC and ASR against the share of pruned neurons, a row per attack, bands over seeds."""

from collections import defaultdict

import numpy as np

from holder.figures.style import COLOURS, STYLE, WIDTH, plt
from holder.names import ATTACKS, DATASETS, DEFENSES, EXTRACTORS

DASHES = {"hp": "-", "fp": (0, (5, 1.5)), "clp": (0, (1, 1.2)), "fmp": (0, (4, 1.5, 1, 1.5)), "anp": "-"}


def draw(cells: list[dict]) -> plt.Figure:
    """cells: metrics with their curve under "curve"; the band is one standard deviation over seeds on each side."""
    rows = defaultdict(lambda: defaultdict(list))
    for cell in cells:
        rows[cell["attack"], cell["dataset"], cell["extractor"]][cell["defense"]].append(cell)
    seeds = len({cell["seed"] for cell in cells})
    with plt.rc_context(STYLE):
        size = (WIDTH, 0.55 + 1.45 * len(rows))
        figure, axes = plt.subplots(len(rows), 2, figsize=size, sharex=True, squeeze=False, layout="constrained")
        for pair, ((attack, dataset, extractor), methods) in zip(axes, rows.items(), strict=True):
            for axis, metric, count, total in zip(
                pair, ("ACC", "ASR"), ("correct", "hits"), ("clean", "triggered"), strict=True
            ):
                for name, runs in methods.items():
                    rates = np.stack([100 * run["curve"][count] / run["counts"][total] for run in runs])
                    x = np.linspace(0, 1, rates.shape[1])
                    mean, label = rates.mean(0), DEFENSES.get(name, name)
                    style = {"color": COLOURS.get(name, "#000000"), "linestyle": DASHES.get(name, "-")}
                    axis.plot(x, mean, **style, label=label, zorder=3 if name == "hp" else 2)
                    if len(rates) > 1:
                        sd = rates.std(0, ddof=1)
                        axis.fill_between(x, mean - sd, mean + sd, color=style["color"], alpha=0.2, linewidth=0)
                axis.set(ylim=(-3, 103), xlim=(0, 1), yticks=range(0, 101, 25), ylabel=f"{metric} (%)")
                axis.grid(linewidth=0.3, alpha=0.6)
            pair[0].set_title(
                f"{ATTACKS.get(attack, attack)}, {DATASETS.get(dataset, dataset)}, "
                f"{EXTRACTORS.get(extractor, extractor)} features",
                loc="left",
            )
        band = f"band: ± 1 standard deviation over {seeds} seeds" if seeds > 1 else "1 seed"
        figure.supxlabel(f"share of hidden neurons pruned ({band})", fontsize=7)
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure
