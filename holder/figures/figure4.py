"""Figure 4: labels that a benign and a backdoored network predict for images moved by growing steps."""

from holder.figures.moved import KINDS, labels, legend
from holder.figures.style import STYLE, WIDTH, plt
from holder.names import ATTACKS, DATASETS

TITLES = {"benign": "(a) benign network", "network": "(b) backdoored network"}


def draw(cells: list[dict]) -> plt.Figure:
    """cells: a column each, from scripts/perturb.py; the paper calls its target class 1, ours is in the legend."""
    with plt.rc_context(STYLE):
        size = (WIDTH, 3.6)
        figure, axes = plt.subplots(2, len(cells), figsize=size, sharex=True, sharey=True, layout="constrained")
        for column, cell in zip(axes.T, cells, strict=True):
            for axis, kind in zip(column, KINDS, strict=True):
                labels(axis, cell, kind)
            column[0].set_title(TITLES[cell["extractor"]], loc="left")
        for axis, name in zip(axes[:, 0], KINDS.values(), strict=True):
            axis.set_ylabel(f"{name} (%)")
        first = cells[0]
        where = f"{ATTACKS.get(first['attack'], first['attack'])}, {DATASETS.get(first['dataset'], first['dataset'])}"
        figure.supxlabel(f"FGSM step away from the prediction, grey levels; {where}, seed {first['seed']}", fontsize=7)
        legend(figure, axes.flat[0])
    return figure
