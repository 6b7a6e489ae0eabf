"""Fetch an extractor's weights, check their hash and keep them as safetensors."""

import tempfile
from pathlib import Path

from holder import job, store, weights


def main(snakemake):
    name, settings = snakemake.wildcards.extractor, snakemake.params.settings
    sources = snakemake.params.sources
    if settings.get("hub"):
        own = {key: settings[key] for key in ("hub", "revision", "sha256")}
        sources = [{**sources[0], **own}]
    state, origin = {}, {}
    if sources:
        target = Path(snakemake.output.weights)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as scratch:
            state, origin = weights.fetch(name, sources, settings["weights"], settings["sha256"], Path(scratch))
    store.save(snakemake.output.weights, {k: v.numpy() for k, v in state.items()}, **origin)


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
