"""Figure 15: labels that a backdoored model without and with a clean extractor predicts for images that are moved."""

from holder.figures.moved import labels, legend, positions
from holder.figures.style import STYLE, WIDTH, plt
from holder.names import ATTACKS, DATASETS, EXTRACTORS


def draw(cells: list[dict]) -> plt.Figure:
    """cells: from scripts/perturb.py, the whole network first; the last panel is the target's mean probability."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, len(cells) + 1, figsize=(WIDTH, 2.3), layout="constrained")
        names = []
        for axis, cell, letter in zip(axes, cells, "abcdef", strict=False):
            whole = cell["extractor"] == "network"
            names.append("none" if whole else EXTRACTORS.get(cell["extractor"], cell["extractor"]))
            labels(axis, cell, "clean")
            axis.set_title(f"({letter}) clean extractor: {names[-1]}", loc="left", fontsize=6.5)
        axes[0].set_ylabel("clean images (%)")
        for i, (cell, name) in enumerate(zip(cells, names, strict=True)):
            x = positions(cell["sizes"])
            style = {
                "color": ("#000000", "#009E73", "#CC79A7", "#888888")[i],
                "marker": "os^D"[i],
                "ms": 3,
                "linestyle": ("--", "-", ":", "-.")[i],
            }
            axes[-1].plot(x, 100 * cell["clean_target"], label=name, **style)
        axes[-1].set_xticks(x, [f"{size:g}" for size in cells[0]["sizes"]])
        axes[-1].set(ylim=(-3, 103), yticks=range(0, 101, 25), ylabel="probability of the target (%)")
        axes[-1].grid(linewidth=0.3, alpha=0.6)
        axes[-1].legend(loc="best", fontsize=6, title="clean extractor", title_fontsize=6)
        axes[-1].set_title("(c) the target", loc="left")
        first = cells[0]
        where = f"{ATTACKS.get(first['attack'], first['attack'])}, {DATASETS.get(first['dataset'], first['dataset'])}"
        figure.supxlabel(f"FGSM step away from the prediction, grey levels; {where}, seed {first['seed']}", fontsize=7)
        legend(figure, axes.flat[0])
    return figure
