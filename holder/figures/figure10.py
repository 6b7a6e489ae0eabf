"""Figure 10: HID and HID without its clean extractor, its pruning and its iteration, round by round.

Without part 1 the first round begins with the backdoored network instead of SimCLR's; without part 2 nothing is
pruned, so that every image counts as robustly clean; without part 3 classifier and split of the first round are kept.
"""

from collections import defaultdict

import numpy as np

from holder.figures.style import SERIES, SERIES_MARKERS, STYLE, WIDTH, plt
from holder.names import ATTACKS, DATASETS

NAMES = {
    "paper": "HID",
    "no_extractor": "without part 1 (clean extractor)",
    "no_pruning": "without part 2 (Hölder Pruning)",
    "no_iteration": "without part 3 (iteration)",
}


def draw(cells: list[dict]) -> plt.Figure:
    """cells: reports of rounds (scripts/hid_round.py); a row per attack and poison rate, means over seeds."""
    rows = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for cell in cells:
        rows[cell["attack"], cell["dataset"], cell["poison_rate"]][cell["variant"]][cell["round"]].append(cell["after"])
    with plt.rc_context(STYLE):
        size = (WIDTH, 0.7 + 1.6 * len(rows))
        figure, axes = plt.subplots(len(rows), 2, figsize=size, sharex=True, squeeze=False, layout="constrained")
        for pair, ((attack, dataset, rate), variants) in zip(axes, rows.items(), strict=True):
            for axis, metric in zip(pair, ("acc", "asr"), strict=True):
                for i, (variant, rounds) in enumerate(variants.items()):
                    means = [np.mean([run[metric] for run in rounds[number]]) for number in sorted(rounds)]
                    style = {"marker": SERIES_MARKERS[i], "ms": 3.5, "color": SERIES[(1, 0, 2, 3)[i]]}
                    axis.plot(sorted(rounds), means, label=NAMES[variant], **style, zorder=3 - i / 10)
                axis.set(ylim=(-3, 103), yticks=range(0, 101, 25), ylabel=f"{metric.upper()} (%)")
                axis.set_xticks(sorted(next(iter(variants.values()))))
                axis.grid(linewidth=0.3, alpha=0.6)
            where = f"{ATTACKS.get(attack, attack)}, {DATASETS.get(dataset, dataset)}"
            pair[0].set_title(f"{where}, {100 * rate:g} %", loc="left")
        seeds = len({cell["seed"] for cell in cells})
        figure.supxlabel(f"round, after its training; {seeds} seed{'s' * (seeds > 1)}", fontsize=7)
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure
