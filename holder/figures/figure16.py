"""Figure 16: one image under every trigger."""

import numpy as np

from holder.figures.style import STYLE, plt
from holder.names import ATTACKS


def draw(benign: np.ndarray, triggered: dict[str, np.ndarray], gain: int = 5) -> plt.Figure:
    """One image under every trigger, and below each the difference times `gain` around mid-grey."""
    names = [a for a in ATTACKS if a in triggered] + sorted(set(triggered) - set(ATTACKS))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            2, len(names) + 1, figsize=(0.72 * (len(names) + 1), 1.75), squeeze=False, layout="constrained"
        )
        for axis in axes.flat:
            axis.axis("off")
        axes[0, 0].imshow(benign)
        axes[0, 0].set_title("benign")
        axes[1, 0].text(
            0.5, 0.5, f"difference\n× {gain}\n(grey: none)", ha="center", va="center", transform=axes[1, 0].transAxes
        )
        for column, name in enumerate(names, start=1):
            difference = triggered[name].astype(int) - benign
            axes[0, column].imshow(triggered[name])
            axes[0, column].set_title(ATTACKS.get(name, name))
            axes[1, column].imshow(np.clip(128 + gain * difference, 0, 255).astype(np.uint8))
    return figure
