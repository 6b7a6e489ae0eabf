"""Train a PreAct-ResNet18 with SimCLR on a dataset's clean images; labels are not read."""

from holder import job, registry, simclr, store, training


def main(snakemake):
    w, settings = snakemake.wildcards, dict(snakemake.params.settings)
    training_settings = {("epochs_" if k == "epochs" else k): v for k, v in settings.items()}
    device = job.device(snakemake)
    images = training.on_device(store.load(snakemake.input.train, "images")["images"], device)
    checkpoint = training.Checkpoint(snakemake.output.network, job.key(snakemake))
    flip = registry.facts("datasets", w.dataset).get("FLIP", False)
    network = simclr.pretrain(images, "simclr", w.dataset, flip=flip, checkpoint=checkpoint, **training_settings)
    arrays = {k: v.cpu().numpy() for k, v in network.state_dict().items()}
    store.save(snakemake.output.network, arrays, settings=settings)
    checkpoint.clear()


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
