"""Train a PreAct-ResNet18 end to end on a poisoned training set; note its ACC, ASR and RA."""

import logging

from holder import cells, job, registry, store, training
from holder.models import preact_resnet18
from holder.seeds import torch_generator


def main(snakemake):
    w, settings = snakemake.wildcards, dict(snakemake.params.settings)
    facts = registry.facts("datasets", w.dataset)
    device = job.device(snakemake)
    train = cells.poisoned(snakemake.input.train, snakemake.input.poisoned, device)
    cell = ("network", w.dataset, w.attack, w.poison_rate, w.seed)
    network = preact_resnet18(train.images.cpu(), facts["CLASSES"], settings["width"], torch_generator(*cell))
    checkpoint = training.Checkpoint(snakemake.output.network, job.key(snakemake))
    network = training.classifier(
        network.to(device),
        train.images,
        train.labels,
        *cell,
        epochs_=settings["epochs"] or facts.get("EPOCHS", 100),
        batch=settings["batch"],
        learning_rate=settings["learning_rate"],
        flip=facts.get("FLIP", False),
        checkpoint=checkpoint,
    )
    tests = cells.tests(snakemake.input.test, snakemake.input.triggered, device)
    result = cells.rates(network, tests, snakemake.params.target_label)
    logging.info("ACC %.1f, ASR %.1f, RA %.1f", result["acc"], result["asr"], result["ra"])
    arrays = {k: v.cpu().numpy() for k, v in network.state_dict().items()}
    store.save(snakemake.output.network, arrays, settings=settings, metrics=result)
    checkpoint.clear()


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
