"""What Figures 4 and 15 share: which label is predicted as images are moved further."""

import numpy as np

from holder.figures.style import plt

KINDS = {"clean": "clean images", "triggered": "triggered images"}


def positions(sizes: list[float]) -> np.ndarray:
    """Places of the sizes on an axis whose first is 0 and whose others are evenly spaced."""
    return np.arange(len(sizes))


def labels(axis: plt.Axes, cell: dict, kind: str) -> None:
    """Share of images predicted as each label against the step: target and most frequent other stand out."""
    share = 100 * cell[kind] / cell[kind].sum(1, keepdims=True)
    x, target = positions(cell["sizes"]), cell["target_label"]
    others = [label for label in range(share.shape[1]) if label != target]
    most = max(others, key=lambda label: share[-1, label])
    for label in others:
        axis.plot(x, share[:, label], color="#BBBBBB", linewidth=0.7, zorder=1, label="_")
    axis.plot(x, share[:, most], "s--", ms=3, color="#0072B2", label=f"label {most}, the most frequent other")
    axis.plot(x, share[:, target], "o-", ms=3, color="#D55E00", label=f"label {target}, the target")
    axis.set(ylim=(-3, 103), yticks=range(0, 101, 25))
    axis.set_xticks(x, [f"{size:g}" for size in cell["sizes"]])
    axis.grid(linewidth=0.3, alpha=0.6)
    axis.legend(loc="upper center", fontsize=5.5)
