"""HP over its settings: is its ranking another than that of the weights' L1 norm, and does it prune better?"""

import numpy as np
import pandas as pd

from holder.figures.style import SERIES, SERIES_MARKERS, STYLE, WIDTH, plt
from holder.names import CONTROLS

AXES = ["epsilon", "alpha", "norm", "statistic"]


def draw(sheet: pd.DataFrame) -> plt.Figure:
    """sheet: holder.sensitivity's rows of all cells.

    Left: Spearman correlation of each ranking with ‖w‖₁, mean over cells, the range over cells and α as a bar.
    Middle and right: ACC and ASR, mean over cells, against the pruned count; the band spans all settings of HP.
    """
    hp = sheet[sheet["order"] == "hp"]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(1.25 * WIDTH, 2.3), layout="constrained")
        ranks = hp.drop_duplicates(["dataset", "extractor", "attack", "poison_rate", "seed", *AXES])
        epsilons = sorted(ranks["epsilon"].unique())
        kinds = list(ranks.groupby(["statistic", "norm"], sort=True))
        for i, ((statistic, norm), rows) in enumerate(kinds):
            by = rows.groupby("epsilon")["spearman_l1"]
            mean, low, high = by.mean(), by.min(), by.max()
            x = np.arange(len(epsilons)) + 0.12 * (i - (len(kinds) - 1) / 2)
            name = f"{statistic}, {'∞' if norm == 'inf' else norm}-norm"
            marks = {"fmt": SERIES_MARKERS[i], "ms": 3, "color": SERIES[i], "elinewidth": 0.8}
            axes[0].errorbar(x, mean, [mean - low, high - mean], label=name, **marks)
        axes[0].set_xticks(range(len(epsilons)), [f"{e:g}" for e in epsilons])
        axes[0].set(xlabel="ε", ylabel="rank correlation with ‖w‖₁", ylim=(min(0.5, ranks["spearman_l1"].min()), 1.02))
        axes[0].legend(loc="lower left")
        counted = sheet[sheet["select"] == "count"]
        for axis, metric in zip(axes[1:], ("acc", "asr"), strict=True):
            mean = counted.groupby(["order", *AXES, "pruned"], dropna=False)[metric].mean().reset_index()
            spread = mean[mean["order"] == "hp"].groupby("pruned")[metric]
            axis.fill_between(
                spread.min().index,
                spread.min(),
                spread.max(),
                color="#D55E00",
                alpha=0.35,
                lw=0,
                label="HP, all settings",
            )
            for order, dash in (("l1norm", "-"), ("random", ":")):
                line = mean[mean["order"] == order]
                axis.plot(line["pruned"], line[metric], dash, color="#000000", marker=".", ms=3, label=CONTROLS[order])
            axis.set(xlabel="pruned neurons", ylabel=f"{metric.upper()} (%)", ylim=(-3, 103), yticks=range(0, 101, 25))
            axis.grid(linewidth=0.3, alpha=0.6)
        axes[1].legend(loc="lower left")
        cells = sheet[["dataset", "extractor", "attack", "poison_rate", "seed"]].drop_duplicates()
        figure.suptitle(f"mean over {len(cells)} cells; bars: range over cells and α", fontsize=7)
    return figure
