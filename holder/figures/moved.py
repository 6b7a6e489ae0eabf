"""What Figures 4 and 15 share: which label is predicted as images are moved further."""

import numpy as np

from holder.figures.style import plt

KINDS = {"clean": "clean images", "triggered": "triggered images"}


def positions(sizes: list[float]) -> np.ndarray:
    """Places of the sizes on an axis whose first is 0 and whose others are evenly spaced."""
    return np.arange(len(sizes))


def labels(axis: plt.Axes, cell: dict, kind: str) -> None:
    """Share of images predicted as each label against the step: the target and the most frequent other stand out."""
    share = 100 * cell[kind] / cell[kind].sum(1, keepdims=True)
    x, target = positions(cell["sizes"]), cell["target_label"]
    others = [label for label in range(share.shape[1]) if label != target]
    most = max(others, key=lambda label: share[-1, label])
    for label in others:
        axis.plot(x, share[:, label], color="#BBBBBB", linewidth=0.7, zorder=1, label="remaining labels")
    axis.plot(x, share[:, most], "s--", ms=3, color="#0072B2", label="most frequent other label (its number beside it)")
    axis.plot(x, share[:, target], "o-", ms=3, color="#D55E00", label=f"target label {target}")
    axis.annotate(f"{most}", (x[-1], share[-1, most]), (4, -2), textcoords="offset points", color="#0072B2", fontsize=6)
    axis.set(ylim=(-3, 103), yticks=range(0, 101, 25))
    axis.set_xticks(x, [f"{size:g}" for size in cell["sizes"]])
    axis.grid(linewidth=0.3, alpha=0.6)


def legend(figure: plt.Figure, axis: plt.Axes) -> None:
    """What the lines of `labels` are, each once, above the figure."""
    handles = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    order = sorted(handles, key=lambda name: "tmr".index(name[0]))
    figure.legend([handles[name] for name in order], order, loc="outside upper center", ncols=3, columnspacing=1.2)
