"""Choose the training images to poison and write the overlay."""

import logging

from holder import job, poisoning, registry, store
from holder.seeds import generator


def main(snakemake):
    w, target_label = snakemake.wildcards, snakemake.params.target_label
    attack = registry.module("attacks", w.attack)
    train = store.load(snakemake.input.train, "images", "labels")
    rng = generator("poison", w.dataset, w.attack, w.poison_rate, w.seed)
    index = poisoning.choose(train["labels"], float(w.poison_rate), target_label, attack.CLEAN_LABEL, rng)
    settings = registry.accepted(getattr(attack, "poison", attack.apply), snakemake.params.settings)
    fitted = store.load(snakemake.input.fitted)
    overlay = poisoning.poison(attack, train["images"], train["labels"], fitted, index, target_label, settings)
    store.save(snakemake.output.images, overlay, **store.info(snakemake.input.train))
    logging.info("%d of %d training images poisoned", len(index), len(train["labels"]))


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
