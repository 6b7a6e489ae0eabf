"""Figure 14: HP on an extractor trained on poisoned images, with the mean in place of the maximum, and as it is."""

import numpy as np

from holder.figures.style import SERIES, STYLE, WIDTH, plt
from holder.names import ATTACKS, DATASETS, EXTRACTORS

BARS = ["poisoned extractor", "clean extractor, mean", "clean extractor, HP"]
HATCHES = ["///", "...", ""]


def draw(cells: list[dict]) -> plt.Figure:
    """cells: metrics of HP and of the undefended classifier, on the poisoned and on a clean extractor.

    A bar is the mean over seeds, the black line above or in it the same classifier without HP.
    """
    groups = list(dict.fromkeys(cell["attack"] for cell in cells))
    runs = {}
    for cell in cells:
        poisoned = cell["extractor"] == "backdoored"
        if cell["defense"] == "none":
            bars = [0] if poisoned else [1, 2]
            kind = "before"
        else:
            bars = [0 if poisoned else 1 if cell["settings"]["statistic"] == "mean" else 2]
            kind = "hp"
        for bar in bars:
            runs.setdefault((cell["attack"], bar, kind), []).append(cell)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.3), layout="constrained")
        for axis, metric in zip(axes, ("acc", "asr"), strict=True):
            for bar, name in enumerate(BARS):
                x = np.arange(len(groups)) + 0.27 * (bar - 1)
                heights = [np.mean([c[metric] for c in runs[g, bar, "hp"]]) for g in groups]
                style = {"color": SERIES[(4, 2, 0)[bar]], "hatch": HATCHES[bar], "edgecolor": "white", "linewidth": 0}
                axis.bar(x, heights, 0.25, label=name, **style)
                for place, group in zip(x, groups, strict=True):
                    before = np.mean([c[metric] for c in runs[group, bar, "before"]])
                    axis.hlines(before, place - 0.125, place + 0.125, color="black", linewidth=0.9)
                    if metric == "acc":
                        pruned = np.mean([c["pruned"] for c in runs[group, bar, "hp"]])
                        style = {"ha": "center", "fontsize": 5.5, "rotation": 90}
                        style["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
                        axis.text(place, 3, f"{pruned:.0f} pruned", **style)
            axis.set_xticks(range(len(groups)), [ATTACKS.get(g, g) for g in groups])
            axis.set(ylim=(0, 103), yticks=range(0, 101, 25), ylabel=f"{metric.upper()} (%)")
        clean = next(c for c in cells if c["extractor"] != "backdoored")
        axes[0].set_title(
            f"{DATASETS.get(clean['dataset'], clean['dataset'])}, clean: "
            f"{EXTRACTORS.get(clean['extractor'], clean['extractor'])}",
            loc="left",
        )
        axes[1].set_title("black lines: before HP", loc="right")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure
