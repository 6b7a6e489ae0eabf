"""One round of HID: classifier, pruning, robustly clean split, semi-supervised training; and a trace of all of it."""

import time

import numpy as np
import torch

from holder import cells, evaluation, hid, job, registry, store, training
from holder.defending import Given, outputs
from holder.head import Head
from holder.metrics import metrics
from holder.models import load_preact_resnet18
from holder.names import END_TO_END

SHOWN = 1000
"""Clean test images, and triggered ones, whose features are kept for pictures."""


def main(snakemake):
    w, settings, params = snakemake.wildcards, dict(snakemake.params.settings), snakemake.params
    facts = registry.facts("datasets", w.dataset)
    device = job.device(snakemake)
    train = cells.poisoned(snakemake.input.train, snakemake.input.poisoned, device)
    tests = cells.tests(snakemake.input.test, snakemake.input.triggered, device)
    checkpoint = training.Checkpoint(snakemake.output.state, job.key(snakemake))
    before = {k: torch.from_numpy(v).to(device) for k, v in store.load(snakemake.input.before).items()}
    number = int(w.round)
    given = Given(
        images=train.images,
        labels=train.labels,
        classes=facts["CLASSES"],
        flip=facts.get("FLIP", False),
        width=0,  # nothing starts from scratch
        coordinates=("hid", w.dataset, w.attack, w.poison_rate, w.seed, w.variant),
        stage=lambda name: checkpoint,
    )
    started = time.monotonic()
    first = not any(k.startswith("encoder.") for k in before)
    encoder = load_preact_resnet18(before if first else hid.part(before, "encoder.")).to(device)
    encoder.to(memory_format=torch.channels_last)
    shown = [outputs(encoder.features, x[:SHOWN]).float() for x in (tests.clean, tests.triggered)]
    count, trace, unpruned = params.pruned, {}, {}
    if first or w.variant != "no_iteration":
        head, z, order, scores = hid.classify(
            given,
            encoder,
            number=number,
            epochs_=settings["classifier_epochs"],
            hidden=settings["hidden"],
            epsilon=settings["epsilon"],
            alpha=settings["alpha"],
        )
        less = hid.pruned(head, order, count)
        clean = hid.robustly_clean(head, less, z)
        seen = [
            evaluation.Split(hid.seen(encoder, head, x), torch.from_numpy(y).long().to(device))
            for x, y in ((tests.clean, tests.clean_labels), (tests.triggered, tests.true_labels))
        ]
        counts = evaluation.curves_on_test(head, order, *seen, params.target_label)
        sizes = {"clean": len(tests.clean), "triggered": len(tests.triggered)}
        unpruned = {"unpruned": metrics(**{k: int(v[0]) for k, v in counts.items()}, **sizes)}
        trace = {"order": order, "scores": scores, **counts}
        network = hid.Composite(encoder, less)
    else:  # the first round's classifier and split, trained on
        kept = {k.removeprefix("head."): v for k, v in before.items() if k.startswith("head.")}
        network, clean = hid.Composite(encoder, Head(**kept)), before["clean"].bool()
    network.to(device)
    report = {
        **unpruned,
        "before": cells.rates(network, tests, params.target_label),
        "clean": int(clean.sum()),
        "clean_poisoned": int(train.poisoned[clean.cpu().numpy()].sum()),
        "poisoned": int(train.poisoned.sum()),
    }
    hid.refine(
        given,
        network,
        clean,
        number=number,
        epochs_=settings["epochs"],
        batch=settings["batch"],
        learning_rate=settings["learning_rate"],
        consistency=settings["consistency"],
    )
    seconds = time.monotonic() - started
    report["after"] = cells.rates(network, tests, params.target_label)
    state = {("" if k.startswith("encoder.") else "head.") + k: v for k, v in network.state_dict().items()}
    arrays = {**state, "clean": clean.to(torch.uint8), "shown_clean": shown[0], "shown_triggered": shown[1]}
    arrays |= {"shown_clean_labels": tests.clean_labels[:SHOWN], "shown_true_labels": tests.true_labels[:SHOWN]}
    arrays = {
        k: np.asarray(v.detach().cpu() if isinstance(v, torch.Tensor) else v) for k, v in (arrays | trace).items()
    }
    origin = store.info(snakemake.input.before)
    origin = origin["settings"] if first else origin["origin"]
    store.save(snakemake.output.state, arrays, settings=settings, origin=origin)
    cell = {**evaluation.coordinates(w, "hid", END_TO_END), "variant": w.variant, "round": number, "pruned": count}
    cell |= {"settings": settings, "hidden": settings["hidden"], "train_images": len(train.labels)}
    begun_with = "network_settings" if w.variant == "no_extractor" else "simclr_settings"
    made_by = evaluation.made_by(device, store.info(snakemake.input.poisoned), **{begun_with: origin})
    store.save_json(snakemake.output.report, {**cell, **report, **made_by, "seconds": seconds})
    checkpoint.clear()


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
