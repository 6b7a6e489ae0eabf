"""Figure 11: what each round of HID begins with: the features, and Hölder Pruning of a fresh classifier on them."""

from holder.figures.points import accuracies, legend, scatter
from holder.figures.style import STYLE, plt
from holder.names import ATTACKS, DATASETS


def draw(cells: list[dict]) -> plt.Figure:
    """cells: one per round, from scripts/embed_round.py; the first is SimCLR's encoder."""
    with plt.rc_context(STYLE):
        columns = {"nrows": 2, "ncols": len(cells), "squeeze": False, "layout": "constrained"}
        figure, axes = plt.subplots(figsize=(0.3 + 1.6 * max(2, len(cells)), 3.5), **columns)
        letters = iter("abcdefghijklmnop")
        for axis, cell in zip(axes[0], cells, strict=True):
            scatter(axis, cell["points"], cell["labels"], cell["triggered"], cell["target_label"])
            before = cell["round"] - 1
            name = f"after round {before}" if before else "SimCLR"
            axis.set_title(f"({next(letters)}) {name}", loc="left")
        for axis, cell in zip(axes[1], cells, strict=True):
            accuracies(axis, cell)
            axis.set_title(f"({next(letters)}) {cell['pruned']} pruned", loc="left")
            axis.set_yticklabels([] if axis is not axes[1, 0] else [f"{v}" for v in range(0, 101, 25)])
        axes[1, 0].set_ylabel("%")
        first = cells[0]
        where = f"{ATTACKS.get(first['attack'], first['attack'])}, {DATASETS.get(first['dataset'], first['dataset'])}"
        figure.supxlabel(f"pruned hidden neurons (dashed: HID's number); {where}, seed {first['seed']}", fontsize=7)
        legend(figure, axes[0, 0])
        axes[1, 0].legend(loc="upper left", fontsize=5.5)
    return figure
