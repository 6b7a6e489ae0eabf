"""Figure 1: the classifier's hidden layer before and after Fine-Pruning, on a poisoned and on a clean extractor.

Without a clean extractor the backbone is a PreAct-ResNet18 trained end to end on the poisoned set, with the same
two-layer classifier on top, so that FP prunes the same kind of layer in both.
"""

from holder.figures.points import legend, scatter
from holder.figures.style import STYLE, WIDTH, plt
from holder.names import ATTACKS, DATASETS, EXTRACTORS


def draw(cells: list[dict]) -> plt.Figure:
    """cells: a row each, from scripts/embed_classifier.py; test images the models have not seen."""
    with plt.rc_context(STYLE):
        size = (0.75 * WIDTH, 0.4 + 2.0 * len(cells))
        figure, axes = plt.subplots(len(cells), 2, figsize=size, squeeze=False, layout="constrained")
        letters = iter("abcdefgh")
        for pair, cell in zip(axes, cells, strict=True):
            name = EXTRACTORS.get(cell["extractor"], cell["extractor"])
            for axis, points, title in (
                (pair[0], "before", f"{name} + MLP"),
                (pair[1], "after", f"after FP, {cell['pruned']} neurons pruned"),
            ):
                scatter(axis, cell[points], cell["labels"], cell["triggered"], cell["target_label"])
                axis.set_title(f"({next(letters)}) {title}", loc="left")
        first = cells[0]
        where = f"{ATTACKS.get(first['attack'], first['attack'])}, {DATASETS.get(first['dataset'], first['dataset'])}"
        figure.supxlabel(f"t-SNE of hidden activations; {where}, seed {first['seed']}", fontsize=7)
        legend(figure, axes[0, 0])
    return figure
