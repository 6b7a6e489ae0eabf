"""Extract the features of one images file; its other arrays (labels, index) come along."""

import torch

from holder import contract, job, registry, store
from holder.extraction import Stream, extract


def main(snakemake):
    device = job.device(snakemake)
    arrays = store.load(snakemake.input.images)
    state = {k: torch.from_numpy(v) for k, v in store.load(snakemake.input.weights).items()}
    weights = store.info(snakemake.input.weights)
    extractor = registry.module("extractors", snakemake.wildcards.extractor)
    settings = dict(snakemake.params.settings)
    batch = settings.pop("batch", 250)
    config = registry.accepted(
        extractor.build, {"config": weights.pop("config", None)}
    )  # the hub's, where there is one
    stream = Stream(snakemake.output.features, job.key(snakemake))
    images = arrays.pop("images")
    features = extract(extractor.build(state, **config, **settings), images, device, batch, stream)
    contract.features(snakemake.wildcards.extractor, features, len(images))
    info = {**store.info(snakemake.input.images), "weights": weights, "extractor_settings": settings}
    store.save(snakemake.output.features, {"features": features, **arrays}, **info)
    stream.clear()


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
