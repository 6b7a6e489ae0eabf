"""Rank the hidden neurons with one defense; write the curve and the metrics at its operating point."""

import logging
import time

import numpy as np
import torch

from holder import contract, evaluation, job, pruning, registry, store
from holder.head import Head
from holder.metrics import metrics
from holder.seeds import torch_generator


def main(snakemake):
    w, name, settings = snakemake.wildcards, snakemake.params.defense, dict(snakemake.params.settings)
    device = job.device(snakemake)
    head = Head(**{k: torch.from_numpy(v).to(device) for k, v in store.load(snakemake.input.head).items()})
    files = {k: store.load(snakemake.input[k]) for k in ("train", "poisoned", "test", "triggered")}
    train = evaluation.split(head, files["train"], files["poisoned"])
    test, triggered = (evaluation.split(head, files[k]) for k in ("test", "triggered"))

    generator = torch_generator(name, w.extractor, w.dataset, w.attack, w.poison_rate, w.seed)
    started = time.monotonic()
    own = Head(*(tensor.clone() for tensor in head))  # a defense that alters its head is judged by its scores alone
    returned = registry.module("defenses", name).prune(own, *train, generator=generator, **settings)
    scores, count = contract.pruning(name, returned, len(head.b1))
    seconds = time.monotonic() - started

    order = pruning.order_of(scores)
    counts = evaluation.curves(head, order, train, test, triggered, snakemake.params.target_label)
    arrays = {"order": order.cpu(), "scores": scores.cpu(), **counts}
    store.save(snakemake.output.curve, {k: np.asarray(v) for k, v in arrays.items()})
    populations = {"clean": len(test.y), "triggered": len(triggered.y)}
    result = {"counts": populations}  # all there is for a control: the table reads it off its curve, at HP's count
    if count is not None:
        result = metrics(**{k: int(counts[k][count]) for k in ("correct", "hits", "recovered")}, **populations)
        logging.info("%d pruned: ACC %.1f, ASR %.1f, RA %.1f", count, result["acc"], result["asr"], result["ra"])
    cell = {
        **evaluation.coordinates(w, name, w.extractor),
        "target_label": snakemake.params.target_label,
        "settings": settings,
        "pruned": count,
        "hidden": len(order),
        "train_images": len(train.y),
    }
    features = store.info(snakemake.input.poisoned)
    made_by = evaluation.made_by(
        device,
        features,
        sha256={"weights": features["weights"]},
        extractor_settings=features["extractor_settings"],
        classifier_settings=store.info(snakemake.input.head)["settings"],
    )
    store.save_json(snakemake.output.metrics, {**cell, **result, **made_by, "seconds": seconds})


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
