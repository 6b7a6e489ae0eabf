"""Panels that several figures share: points in two dimensions, and accuracies against pruned neurons."""

import numpy as np

from holder.figures.style import plt

CLASS_COLOURS = [
    "#332288",
    "#88CCEE",
    "#44AA99",
    "#117733",
    "#999933",
    "#DDCC77",
    "#CC6677",
    "#882255",
    "#AA4499",
    "#777777",
]
"""Paul Tol's muted palette; more classes than that repeat it."""


def scatter(axis: plt.Axes, points: np.ndarray, labels: np.ndarray, triggered: np.ndarray, target_label: int) -> None:
    """Points (m, 2) in the colour of their true label (m,): clean images, those of the target class, triggered ones."""
    colours = np.array(CLASS_COLOURS)[labels % len(CLASS_COLOURS)]
    target, poisoned = labels == target_label, triggered.astype(bool)
    for rows, marker, size, edge, name in (
        (~poisoned & ~target, "o", 5, "none", "clean"),
        (~poisoned & target, "*", 14, "none", "clean, target class"),
        (poisoned, "^", 8, "black", "triggered"),
    ):
        style = {"c": colours[rows], "s": size, "marker": marker, "edgecolors": edge, "linewidths": 0.3}
        axis.scatter(*points[rows].T, **style, label=name, zorder=3 if marker == "^" else 2)
    axis.set(xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set(visible=True, linewidth=0.5, color="#999999")


def legend(figure: plt.Figure, axis: plt.Axes) -> None:
    """The markers' meaning above a figure, in grey; colours are true classes."""
    handles, names = axis.get_legend_handles_labels()
    grey = [
        plt.Line2D([], [], linestyle="", marker=m, ms=4, mfc="#888888", mec="black" if m == "^" else "none")
        for m in "o*^"
    ]
    style = {"ncols": 3, "columnspacing": 1.2, "handletextpad": 0.1}
    figure.legend(grey[: len(handles)], names, loc="outside upper center", title="colour: true class", **style)


def accuracies(axis: plt.Axes, cell: dict) -> None:
    """ACC, ASR and RA against pruned neurons; the dashed line is how many HID prunes."""
    for name, count, total, colour, dash in (
        ("ACC", "correct", "clean", "#0072B2", "-"),
        ("ASR", "hits", "triggered", "#D55E00", "--"),
        ("RA", "recovered", "triggered", "#009E73", ":"),
    ):
        axis.plot(100 * cell[count] / cell["counts"][total], dash, color=colour, label=name)
    axis.axvline(cell["pruned"], color="#777777", linestyle="--", linewidth=0.7)
    axis.set(ylim=(-3, 103), yticks=range(0, 101, 25), xlim=(0, len(cell["correct"]) - 1))
    axis.grid(linewidth=0.3, alpha=0.6)
