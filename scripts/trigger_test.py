"""Write every test image whose class is not the target, triggered."""

from holder import contract, job, poisoning, registry, store


def main(snakemake):
    attack = registry.module("attacks", snakemake.wildcards.attack)
    test = store.load(snakemake.input.test, "images", "labels")
    fitted = store.load(snakemake.input.fitted)
    settings = registry.accepted(attack.apply, snakemake.params.settings)
    triggered = poisoning.trigger(
        attack, test["images"], test["labels"], fitted, snakemake.params.target_label, settings
    )
    contract.images(snakemake.wildcards.attack, triggered["images"], test["images"][triggered["index"]])
    store.save(snakemake.output.images, triggered, **store.info(snakemake.input.test))


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
