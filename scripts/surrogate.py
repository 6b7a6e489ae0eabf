"""Train the clean PreAct-ResNet18 that LC (robust) and Trojan (standard) look at."""

import logging

import torch

from holder import job, registry, store, training
from holder.models import preact_resnet18
from holder.seeds import torch_generator


def main(snakemake):
    w, settings = snakemake.wildcards, dict(snakemake.params.settings)
    device = job.device(snakemake)
    train = store.load(snakemake.input.train, "images", "labels")
    images, labels = training.on_device(train["images"], device), torch.from_numpy(train["labels"]).long().to(device)
    classes = registry.facts("datasets", w.dataset)["CLASSES"]
    generator = torch_generator("surrogate", w.dataset, w.surrogate)
    network = preact_resnet18(images.cpu(), classes, settings["width"], generator).to(device)
    checkpoint = training.Checkpoint(snakemake.output.network, job.key(snakemake))
    robust = w.surrogate == "robust"
    network = training.classifier(
        network,
        images,
        labels,
        "surrogate",
        w.dataset,
        w.surrogate,
        epochs_=settings["robust_epochs" if robust else "epochs"],
        batch=settings["batch"],
        learning_rate=settings["learning_rate"],
        flip=registry.facts("datasets", w.dataset).get("FLIP", False),
        checkpoint=checkpoint,
        perturb=training.fast_adversary(settings["robust_epsilon"] / 255) if robust else None,
    )
    test = store.load(snakemake.input.test, "images", "labels")
    predicted = training.predict(network, training.on_device(test["images"], device))
    accuracy = 100 * float((predicted == test["labels"]).mean())
    logging.info("clean test accuracy %.1f %%", accuracy)
    arrays = {k: v.cpu().numpy() for k, v in network.state_dict().items()}
    store.save(snakemake.output.network, arrays, kind=w.surrogate, settings=settings, test_accuracy=accuracy)
    checkpoint.clear()


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
