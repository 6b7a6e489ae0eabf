"""Figure 12: ACC and ASR of HP against ε, beside the undefended classifier."""

from collections import defaultdict

import numpy as np

from holder.figures.style import SERIES, SERIES_MARKERS, STYLE, WIDTH, plt
from holder.names import ATTACKS, DATASETS, EXTRACTORS


def draw(cells: list[dict]) -> plt.Figure:
    """cells: metrics of HP at several ε and of the undefended classifier (dotted lines)."""
    series = defaultdict(lambda: defaultdict(list))
    for cell in cells:
        at = cell["settings"]["epsilon"] if cell["defense"] == "hp" else 0.0
        series[cell["attack"], cell["dataset"], cell["extractor"]][at].append(cell)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.2), sharex=True, layout="constrained")
        for axis, metric in zip(axes, ("acc", "asr"), strict=True):
            for i, ((attack, _, _), points) in enumerate(series.items()):
                means = {at: np.mean([cell[metric] for cell in runs]) for at, runs in sorted(points.items())}
                if 0.0 in means:
                    axis.axhline(means.pop(0.0), color=SERIES[i], linestyle=":", linewidth=0.8)
                name = ATTACKS.get(attack, attack)
                axis.plot(
                    list(means), list(means.values()), marker=SERIES_MARKERS[i], ms=3.5, color=SERIES[i], label=name
                )
            axis.set(xscale="log", ylim=(-3, 103), yticks=range(0, 101, 25), ylabel=f"{metric.upper()} (%)")
            ticks = sorted({e for points in series.values() for e in points if e})
            axis.set_xticks(ticks, [f"{t:g}" for t in ticks], rotation=45)
            axis.minorticks_off()
            axis.grid(linewidth=0.3, alpha=0.6)
        _, dataset, extractor = next(iter(series))
        axes[0].set_title(
            f"{DATASETS.get(dataset, dataset)}, {EXTRACTORS.get(extractor, extractor)} features", loc="left"
        )
        figure.supxlabel("perturbation size ε (dotted: undefended)", fontsize=7)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(series))
    return figure
