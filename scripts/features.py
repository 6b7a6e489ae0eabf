"""Extract the features of one images file; its other arrays (labels, index) come along."""

import torch

from holder import job, registry, store
from holder.extraction import extract


def main(snakemake):
    device = job.device(snakemake)
    arrays = store.load(snakemake.input.images)
    state = {k: torch.from_numpy(v) for k, v in store.load(snakemake.input.weights).items()}
    extractor = registry.module("extractors", snakemake.wildcards.extractor)
    settings = dict(snakemake.params.settings)
    batch = settings.pop("batch", 250)
    features = extract(extractor.build(state, **settings), arrays.pop("images"), device, batch)
    weights = store.info(snakemake.input.weights)
    info = {**store.info(snakemake.input.images), "weights": weights, "extractor_settings": settings}
    store.save(snakemake.output.features, {"features": features, **arrays}, **info)


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
