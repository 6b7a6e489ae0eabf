"""Figure 7: features of clean and triggered images before HID (SimCLR's) and after it."""

from holder.figures.points import legend, scatter
from holder.figures.style import STYLE, WIDTH, plt
from holder.names import ATTACKS, DATASETS


def draw(cells: list[dict]) -> plt.Figure:
    """cells: two, from scripts/embed_round.py: round 1 and the look after the last."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, len(cells), figsize=(0.75 * WIDTH, 2.4), squeeze=False, layout="constrained")
        for axis, cell, title in zip(axes[0], cells, ("(a) before HID", "(b) after HID"), strict=True):
            scatter(axis, cell["points"], cell["labels"], cell["triggered"], cell["target_label"])
            axis.set_title(title, loc="left")
        first = cells[0]
        where = f"{ATTACKS.get(first['attack'], first['attack'])}, {DATASETS.get(first['dataset'], first['dataset'])}"
        figure.supxlabel(f"t-SNE of the encoder's features; {where}, seed {first['seed']}", fontsize=7)
        legend(figure, axes[0, 0])
    return figure
