"""Write a dataset's training and test images, whole or a stratified subset."""

from pathlib import Path

from holder import data, job, store
from holder.seeds import generator


def main(snakemake):
    name, settings = snakemake.wildcards.dataset, snakemake.params.settings
    arrays = data.canonical(name, settings.get("folder"), Path(snakemake.params.cache))
    for split in ("train", "test"):
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        index = data.subset(labels, settings.get(split), generator("subset", name, split))
        official = {"images": store.sha256(images), "labels": store.sha256(labels)}
        chosen = {"images": images[index], "labels": labels[index], "index": index}
        used = {key: settings.get(key) for key in ("train", "test")}
        store.save(snakemake.output[split], chosen, dataset=name, sha256=official, dataset_settings=used)


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
