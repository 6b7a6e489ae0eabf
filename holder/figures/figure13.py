"""Figure 13: density of the Hölder constants, with the chosen threshold and which neurons carry the backdoor."""

import numpy as np
from scipy.stats import gaussian_kde

from holder.figures.style import COLOURS, STYLE, WIDTH, plt
from holder.names import ATTACKS, DATASETS, EXTRACTORS

BINS = 40


def draw(cells: list[dict]) -> plt.Figure:
    """cells: metrics of HP with "curve" and "effects" (holder/effects.py).

    A neuron counts as poisoned when its removal alone makes fewer triggered images hit the target. All
    neurons with a constant at or above the line are pruned.
    """
    columns = min(2, len(cells))
    rows = -(-len(cells) // columns)
    with plt.rc_context(STYLE):
        size = (WIDTH, 0.5 + 1.5 * rows)
        figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
        for axis in axes.flat[len(cells) :]:
            axis.set_visible(False)
        for axis, cell in zip(axes.flat, cells, strict=False):
            scores, order = cell["curve"]["scores"], cell["curve"]["order"]
            poisoned = cell["effects"]["hits"] < cell["effects"]["hits_before"]
            edges = np.linspace(scores.min(), scores.max(), BINS + 1)
            share = f"{100 * poisoned.mean():.0f} %"
            axis.hist(
                [scores[~poisoned], scores[poisoned]],
                edges,
                stacked=True,
                color=["#BBBBBB", COLOURS["hp"]],
                label=["removal alone leaves or raises ASR", "removal alone lowers ASR"],
            )
            grid = np.linspace(edges[0], edges[-1], 400)
            axis.plot(grid, gaussian_kde(scores)(grid) * len(scores) * (edges[1] - edges[0]), color="#000000", lw=0.8)
            if 0 < cell["pruned"] <= len(order):
                threshold = scores[order[cell["pruned"] - 1]]
                axis.axvline(threshold, color="#0072B2", linestyle="--", label="threshold")
            axis.set_title(f"{ATTACKS.get(cell['attack'], cell['attack'])}: {cell['pruned']} pruned, {share} poisoned")
            axis.set_ylabel("neurons")
        first = cells[0]
        figure.supxlabel(
            f"Hölder constant; {DATASETS.get(first['dataset'], first['dataset'])}, "
            f"{EXTRACTORS.get(first['extractor'], first['extractor'])} features, seed {first['seed']}",
            fontsize=7,
        )
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure
