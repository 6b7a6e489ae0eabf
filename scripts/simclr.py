"""Train a PreAct-ResNet18 with SimCLR on a dataset's clean images or on a cell's poisoned ones; labels are not read."""

from holder import cells, job, registry, simclr, store, training


def main(snakemake):
    w, settings = snakemake.wildcards, dict(snakemake.params.settings)
    device = job.device(snakemake)
    if snakemake.input.get("poisoned"):
        images = cells.poisoned(snakemake.input.train, snakemake.input.poisoned, device).images
    else:
        images = training.on_device(store.load(snakemake.input.train, "images")["images"], device)
    checkpoint = training.Checkpoint(snakemake.output.network, job.key(snakemake))
    flip = registry.facts("datasets", w.dataset).get("FLIP", False)
    given = {("epochs_" if key == "epochs" else key): value for key, value in settings.items()}
    network = simclr.pretrain(images, "simclr", *w, flip=flip, checkpoint=checkpoint, **given)
    arrays = {k: v.cpu().numpy() for k, v in network.state_dict().items()}
    store.save(snakemake.output.network, arrays, settings=settings)
    checkpoint.clear()


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
