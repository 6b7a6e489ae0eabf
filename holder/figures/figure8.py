"""Figure 8: Hölder Pruning on the features of Figure 7, before and after HID."""

from holder.figures.points import accuracies
from holder.figures.style import STYLE, WIDTH, plt
from holder.names import ATTACKS, DATASETS


def draw(cells: list[dict]) -> plt.Figure:
    """cells: two, as for Figure 7; a fresh classifier on either encoder, pruned neuron by neuron."""
    with plt.rc_context(STYLE):
        size = (0.75 * WIDTH, 1.9)
        figure, axes = plt.subplots(1, len(cells), figsize=size, sharey=True, squeeze=False, layout="constrained")
        for axis, cell, title in zip(axes[0], cells, ("(a) before HID", "(b) after HID"), strict=True):
            accuracies(axis, cell)
            axis.set_title(title, loc="left")
        axes[0, 0].set_ylabel("%")
        first = cells[0]
        where = f"{ATTACKS.get(first['attack'], first['attack'])}, {DATASETS.get(first['dataset'], first['dataset'])}"
        figure.supxlabel(f"pruned hidden neurons (dashed: HID's number); {where}, seed {first['seed']}", fontsize=7)
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure
