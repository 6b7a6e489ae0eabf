"""What the figures share: colours, sizes, saving. Figures are drawn from stored results; nothing is evaluated here."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from holder import store

# Okabe & Ito's colours, told apart with any colour vision; controls are grey.
COLOURS = {"hp": "#D55E00", "fp": "#0072B2", "anp": "#009E73", "clp": "#CC79A7", "fmp": "#E69F00"}
MARKERS = {"hp": "o", "fp": "s", "anp": "^", "clp": "D", "fmp": "v"}
GREYS = {"l1norm": ("#000000", (0, (2, 4))), "random": ("#999999", ":")}
SERIES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
"""For what is neither a defense nor a control, in this order."""
SERIES_MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
WIDTH = 5.5
"""Inches: the text width of a conference page; a figure that stands in a column is half of it."""
STYLE = {
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.1,
    "legend.frameon": False,
    "pdf.fonttype": 42,
}


def save(figure: plt.Figure, *paths: str) -> None:
    """Write a figure to each path, whole or not at all, with nothing in it that changes by the hour."""
    for path in paths:
        with store.replacing(path) as part:
            kind = Path(path).suffix[1:]
            figure.savefig(part, format=kind, dpi=200, metadata={"CreationDate": None} if kind == "pdf" else None)
    plt.close(figure)
