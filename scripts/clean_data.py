"""Draw the clean data of a dataset and seed: training images as they were before any attack, with true labels.

As in BackdoorBench they come from the training set, so the networks that are to be repaired were trained on these
images too, or on their poisoned copies where an attack chose them; a metrics file says how many those are.
"""

import logging

from holder import data, job, store
from holder.errors import HolderError
from holder.seeds import generator


def main(snakemake):
    w, settings = snakemake.wildcards, dict(snakemake.params.settings)
    train = store.load(snakemake.input.train, "images", "labels")
    size = round(settings["share"] * len(train["labels"]))
    if not size:
        raise HolderError(f"clean_data.share: {settings['share']} of {len(train['labels'])} images is none.")
    index = data.subset(train["labels"], size, generator("clean_data", w.dataset, w.seed))
    chosen = {"images": train["images"][index], "labels": train["labels"][index], "index": index}
    origin = "training images in their clean form, the same share of every class"
    store.save(snakemake.output.clean_data, chosen, settings=settings, size=size, origin=origin)
    logging.info("%d of %d training images", size, len(train["labels"]))


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
