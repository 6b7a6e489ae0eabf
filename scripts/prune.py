"""Rank the hidden neurons with one defense; write the curve and the metrics at its operating point."""

import logging
import platform
import time

import numpy as np
import torch

from holder import head as heads
from holder import job, pruning, registry, store
from holder.metrics import metrics
from holder.poisoning import laid_over


def main(snakemake):
    w, name, target_label = snakemake.wildcards, snakemake.params.defense, snakemake.params.target_label
    device = job.device(snakemake)
    head = heads.Head(**{k: torch.from_numpy(v).to(device) for k, v in store.load(snakemake.input.head).items()})
    train, poisoned, test, triggered = (
        store.load(snakemake.input[k]) for k in ("train", "poisoned", "test", "triggered")
    )

    def scaled(features):
        return heads.scale(torch.from_numpy(features).to(device), head.lo, head.hi)

    def on_device(labels):
        return torch.from_numpy(labels).long().to(device)

    z = scaled(laid_over(train["features"], poisoned["index"], poisoned["features"]))
    y = on_device(laid_over(train["labels"], poisoned["index"], poisoned["labels"]))
    defense = registry.module("defenses", name)
    cell = [w.extractor, w.dataset, w.attack, w.poison_rate, w.seed]
    started = time.monotonic()
    scores, count = defense.prune(head, z, y, generator=job.torch_generator(name, *cell), **snakemake.params.settings)
    seconds = time.monotonic() - started

    order = pruning.order_of(scores)
    (kept,) = pruning.curve(head, order, z, y)
    (correct,) = pruning.curve(head, order, scaled(test["features"]), on_device(test["labels"]))
    truth = on_device(triggered["labels"])
    hits, recovered = pruning.curve(
        head, order, scaled(triggered["features"]), torch.full_like(truth, target_label), truth
    )
    if count is None:  # a control: the table reads it off its curve, at HP's count
        result = {"counts": {"clean": len(test["labels"]), "triggered": len(truth)}}
    else:
        result = metrics(int(correct[count]), len(test["labels"]), int(hits[count]), int(recovered[count]), len(truth))
        logging.info("%d pruned: ACC %.1f, ASR %.1f, RA %.1f", count, result["acc"], result["asr"], result["ra"])

    counts = {"train": kept, "correct": correct, "hits": hits, "recovered": recovered}
    arrays = {"order": order.cpu(), "scores": scores.cpu(), **counts}
    store.save(snakemake.output.curve, {k: np.asarray(v) for k, v in arrays.items()})
    facts = store.info(snakemake.input.poisoned)
    store.save_json(
        snakemake.output.metrics,
        {
            "dataset": w.dataset,
            "attack": w.attack,
            "extractor": w.extractor,
            "defense": name,
            "poison_rate": float(w.poison_rate),
            "seed": int(w.seed),
            "target_label": target_label,
            "settings": dict(snakemake.params.settings),
            "attack_settings": facts["attack_settings"],
            "extractor_settings": facts["extractor_settings"],
            "classifier_settings": store.info(snakemake.input.head)["settings"],
            "pruned": count,
            "hidden": len(order),
            "train_images": len(y),
            **result,
            "sha256": {"dataset": facts["sha256"], "weights": facts["weights"]},
            "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
            "device": torch.cuda.get_device_name() if device.type == "cuda" else platform.processor() or "cpu",
            "seconds": seconds,
        },
    )


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
