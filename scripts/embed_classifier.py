"""t-SNE of a classifier's hidden layer, before and after Fine-Pruning (Figure 1)."""

import json
from pathlib import Path

import torch

from holder import embedding, evaluation, job, store
from holder.head import Head
from holder.seeds import seed


def main(snakemake):
    w = snakemake.wildcards
    device = job.device(snakemake)
    head = Head(**{k: torch.from_numpy(v).to(device) for k, v in store.load(snakemake.input.head).items()})
    parts = [evaluation.split(head, store.load(snakemake.input[name])) for name in ("test", "triggered")]
    z = torch.cat([part.z[: embedding.SHOWN] for part in parts])
    order = torch.from_numpy(store.load(snakemake.input.curve, "order")["order"])
    count = json.loads(Path(snakemake.input.metrics).read_text(encoding="utf-8"))["pruned"]
    pictures = {
        name: embedding.tsne(embedding.last_layer(head, z, gone), seed("embed", *w))
        for name, gone in (("before", order[:0]), ("after", order[:count]))
    }
    shown = [part.y[: embedding.SHOWN].cpu().numpy() for part in parts]
    arrays = {**pictures, **embedding.marks(*shown)}
    cell = {
        **evaluation.coordinates(w, "fp", w.extractor),
        "target_label": snakemake.params.target_label,
        "pruned": count,
    }
    store.save(snakemake.output.embedding, arrays, **cell)


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
