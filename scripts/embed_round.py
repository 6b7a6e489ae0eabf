"""t-SNE of the features that a round of HID begins with, beside what pruning does on them (Figures 7, 8 and 11)."""

import json
from pathlib import Path

import numpy as np

from holder import embedding, evaluation, job, store
from holder.names import END_TO_END
from holder.seeds import seed


def main(snakemake):
    w = snakemake.wildcards
    names = ("shown_clean", "shown_triggered", "shown_clean_labels", "shown_true_labels")
    state = {k: v[: embedding.SHOWN] for k, v in store.load(snakemake.input.state, *names).items()}
    report = json.loads(Path(snakemake.input.report).read_text(encoding="utf-8"))
    points = embedding.tsne(np.concatenate([state["shown_clean"], state["shown_triggered"]]), seed("embed", *w))
    marks = embedding.marks(state["shown_clean_labels"], state["shown_true_labels"])
    curve = store.load(snakemake.input.state, "correct", "hits", "recovered")
    cell = {**evaluation.coordinates(w, "hid", END_TO_END), "target_label": snakemake.params.target_label}
    facts = {"round": report["round"], "pruned": report["pruned"], "counts": report["before"]["counts"]}
    store.save(snakemake.output.embedding, {"points": points, **marks, **curve}, **cell, **facts)


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
