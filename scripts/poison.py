"""Choose the training images to poison and write the overlay."""

import logging

from holder import contract, job, poisoning, registry, store
from holder.seeds import generator


def main(snakemake):
    w, target_label = snakemake.wildcards, snakemake.params.target_label
    attack = registry.module("attacks", w.attack)
    train = store.load(snakemake.input.train, "images", "labels")
    rng = generator("poison", w.dataset, w.attack, w.poison_rate, w.seed)
    settings = snakemake.params.settings
    overlay = poisoning.poison(
        attack,
        train["images"],
        train["labels"],
        store.load(snakemake.input.fitted),
        float(w.poison_rate),
        target_label,
        rng,
        settings,
        settings.get("cover_ratio", 0),
    )
    contract.images(w.attack, overlay["images"], train["images"][overlay["index"]])
    fit = store.info(snakemake.input.fitted)
    attack_facts = {"attack_settings": {**fit["settings"], **settings}, "surrogate": fit.get("surrogate")}
    info = {**store.info(snakemake.input.train), **attack_facts}
    store.save(snakemake.output.images, overlay, **info)
    poisoned = int((overlay["role"] == poisoning.POISON).sum())
    logging.info(
        "of %d training images %d poisoned and %d cover",
        len(train["labels"]),
        poisoned,
        len(overlay["role"]) - poisoned,
    )


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
