"""Let an attack learn or draw what it needs; an attack that needs nothing leaves an empty file."""

from holder import job, registry, store
from holder.seeds import generator


def main(snakemake):
    w, settings = snakemake.wildcards, snakemake.params.settings
    attack = registry.module("attacks", w.attack)
    fitted = {}
    if hasattr(attack, "fit"):
        train = store.load(snakemake.input.train, "images", "labels")
        rng = generator("fit_attack", w.dataset, w.attack, w.seed)
        fitted = attack.fit(train["images"], train["labels"], rng=rng, **registry.accepted(attack.fit, settings))
    store.save(snakemake.output.fitted, fitted, attack=w.attack)


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
