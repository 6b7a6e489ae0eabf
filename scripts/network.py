"""Train a PreAct-ResNet18 end to end on a poisoned training set; note its ACC, ASR and RA."""

import logging

import torch

from holder import job, registry, store, training
from holder.metrics import metrics
from holder.models import preact_resnet18
from holder.poisoning import laid_over
from holder.seeds import torch_generator


def main(snakemake):
    w, settings = snakemake.wildcards, dict(snakemake.params.settings)
    facts = registry.facts("datasets", w.dataset)
    device = job.device(snakemake)
    train, poisoned, test, triggered = (
        store.load(snakemake.input[k], *(["index"] if k == "poisoned" else []), "images", "labels")
        for k in ("train", "poisoned", "test", "triggered")
    )
    images, labels = (laid_over(train[k], poisoned["index"], poisoned[k]) for k in ("images", "labels"))
    images, labels = training.on_device(images, device), torch.from_numpy(labels).long().to(device)

    cell = ("network", w.dataset, w.attack, w.poison_rate, w.seed)
    network = preact_resnet18(images.cpu(), facts["CLASSES"], settings["width"], torch_generator(*cell)).to(device)
    checkpoint = training.Checkpoint(snakemake.output.network, job.key(snakemake))
    network = training.classifier(
        network,
        images,
        labels,
        *cell,
        epochs_=settings["epochs"] or facts.get("EPOCHS", 100),
        batch=settings["batch"],
        learning_rate=settings["learning_rate"],
        flip=facts.get("FLIP", False),
        checkpoint=checkpoint,
    )
    clean, attacked = (training.predict(network, training.on_device(x["images"], device)) for x in (test, triggered))
    result = metrics(
        correct=int((clean == test["labels"]).sum()),
        clean=len(clean),
        hits=int((attacked == snakemake.params.target_label).sum()),
        recovered=int((attacked == triggered["labels"]).sum()),
        triggered=len(attacked),
    )
    logging.info("ACC %.1f, ASR %.1f, RA %.1f", result["acc"], result["asr"], result["ra"])
    arrays = {k: v.cpu().numpy() for k, v in network.state_dict().items()}
    store.save(snakemake.output.network, arrays, settings=settings, metrics=result)
    checkpoint.clear()


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
