"""Figure 6: mean Hölder constant against ε, beside the power law that the definition's algebra gives."""

from collections import defaultdict

import numpy as np

from holder.figures.style import SERIES, SERIES_MARKERS, STYLE, WIDTH, plt
from holder.names import ATTACKS, DATASETS, EXTRACTORS


def draw(cells: list[dict]) -> plt.Figure:
    """cells: metrics of HP at several ε with their curve (its "scores" are the constants) under "curve".

    The dashed line is c·ε^(1−α) through the first series' smallest ε: without the clamp to [0, 1] a neuron's
    constant is ε^(1−α)·‖w‖₁, so the slope says nothing about poison (inconsistencies G5).
    """
    series = defaultdict(lambda: defaultdict(list))
    for cell in cells:
        mean = float(np.mean(cell["curve"]["scores"], dtype=np.float64))
        series[cell["attack"], cell["dataset"], cell["extractor"]][cell["settings"]["epsilon"]].append(mean)
    alpha = cells[0]["settings"]["alpha"]
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(0.62 * WIDTH, 2.4), layout="constrained")
        for i, ((attack, dataset, _), points) in enumerate(series.items()):
            epsilons = np.array(sorted(points))
            means = np.array([np.mean(points[e]) for e in epsilons])
            if i == 0:
                law = means[0] * (epsilons / epsilons[0]) ** (1 - alpha)
                axis.plot(
                    epsilons, law, "--", color="#777777", label=rf"$\propto\varepsilon^{{{1 - alpha:g}}}$", zorder=1
                )
            slope = np.polyfit(np.log(epsilons), np.log(means), 1)[0]
            name = f"{ATTACKS.get(attack, attack)}, {DATASETS.get(dataset, dataset)} (slope {slope:.2f})"
            axis.plot(epsilons, means, marker=SERIES_MARKERS[i], ms=3.5, color=SERIES[i], label=name)
        axis.set(xscale="log", yscale="log", xlabel="perturbation size ε", ylabel="mean Hölder constant")
        ticks = sorted({cell["settings"]["epsilon"] for cell in cells})
        axis.set_xticks(ticks, [f"{t:g}" for t in ticks], rotation=45)
        axis.minorticks_off()
        low, high = axis.get_ylim()
        marks = [m * 10.0**e for e in range(-3, 4) for m in (1, 2, 5) if low <= m * 10.0**e <= high]
        axis.set_yticks(marks, [f"{m:g}" for m in marks])
        axis.grid(linewidth=0.3, alpha=0.6)
        axis.legend(loc="lower right")
        extractors = ", ".join(EXTRACTORS.get(e, e) for e in dict.fromkeys(key[2] for key in series))
        axis.set_title(f"{extractors} features, α = {alpha:g}", loc="left")
    return figure
