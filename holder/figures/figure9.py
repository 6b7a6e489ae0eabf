"""Figure 9: Fine-Pruning with a poisoned and with a clean extractor, attack by attack."""

from collections import defaultdict

import numpy as np

from holder.figures.style import SERIES, STYLE, WIDTH, plt
from holder.names import ATTACKS, DATASETS, EXTRACTORS


def draw(cells: list[dict]) -> plt.Figure:
    """cells: metrics of FP with their curve under "curve", for both extractors; markers: where FP stops."""
    rows = defaultdict(lambda: defaultdict(list))
    for cell in cells:
        rows[cell["attack"]][cell["extractor"]].append(cell)
    with plt.rc_context(STYLE):
        size = (WIDTH, 0.55 + 1.45 * len(rows))
        figure, axes = plt.subplots(len(rows), 2, figsize=size, sharex=True, squeeze=False, layout="constrained")
        for pair, (attack, extractors) in zip(axes, rows.items(), strict=True):
            for axis, metric, count, total in (
                (pair[0], "ACC", "correct", "clean"),
                (pair[1], "ASR", "hits", "triggered"),
            ):
                for i, (name, runs) in enumerate(extractors.items()):
                    rates = np.mean([100 * run["curve"][count] / run["counts"][total] for run in runs], 0)
                    style = {"color": SERIES[1 - i], "linestyle": ("--", "-")[i]}
                    axis.plot(np.linspace(0, 1, len(rates)), rates, label=EXTRACTORS.get(name, name), **style)
                    at = round(np.mean([run["pruned"] for run in runs]))
                    axis.plot(at / (len(rates) - 1), rates[at], "so"[i], color=SERIES[1 - i], ms=4, mec="white")
                axis.set(ylim=(-3, 103), xlim=(0, 1), yticks=range(0, 101, 25), ylabel=f"{metric} (%)")
                axis.grid(linewidth=0.3, alpha=0.6)
            first = next(iter(extractors.values()))[0]
            dataset = DATASETS.get(first["dataset"], first["dataset"])
            pair[0].set_title(f"{ATTACKS.get(attack, attack)}, {dataset}", loc="left")
        seeds = len({cell["seed"] for cell in cells})
        figure.supxlabel(
            f"share of hidden neurons pruned by FP (markers: where it stops); {seeds} seed{'s' * (seeds > 1)}",
            fontsize=7,
        )
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure
