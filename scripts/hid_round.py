"""One round of HID: classifier, pruning, robustly clean split, semi-supervised training; and a trace of all of it."""

import time

import torch

from holder import cells, evaluation, hid, job, registry, rounds, store, training
from holder.defending import Given
from holder.names import END_TO_END


def main(snakemake):
    w, settings, params, files = snakemake.wildcards, dict(snakemake.params.settings), snakemake.params, snakemake.input
    facts, device = registry.facts("datasets", w.dataset), job.device(snakemake)
    train = cells.poisoned(files.train, files.poisoned, device)
    tests = cells.tests(files.test, files.triggered, device)
    checkpoint = training.Checkpoint(snakemake.output.state, job.key(snakemake))
    before = {k: torch.from_numpy(v).to(device) for k, v in store.load(files.before).items()}
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
    encoder = rounds.opened(before, device)
    pictures = rounds.shown(encoder, tests)
    if rounds.is_round(before) and w.variant == "no_iteration":
        one = rounds.resumed(before, encoder)
    else:
        fresh = {k: settings[k] for k in ("hidden", "epsilon", "alpha")} | {"epochs_": settings["classifier_epochs"]}
        one = rounds.begun(given, encoder, tests, params.target_label, count=params.pruned, number=number, **fresh)
    report = rounds.report(one, train, tests, params.target_label)
    trained = {k: settings[k] for k in ("batch", "learning_rate", "consistency")} | {"epochs_": settings["epochs"]}
    hid.refine(given, one.network, one.clean, number=number, **trained)
    seconds = time.monotonic() - started
    report["after"] = cells.rates(one.network, tests, params.target_label)

    origin = store.info(files.before)["origin" if rounds.is_round(before) else "settings"]
    store.save(snakemake.output.state, rounds.kept(one, pictures), settings=settings, origin=origin)
    cell = {**evaluation.coordinates(w, "hid", END_TO_END), "variant": w.variant, "round": number}
    cell |= {"pruned": params.pruned, "settings": settings, "train_images": len(train.labels)}
    begun_with = "network_settings" if w.variant == "no_extractor" else "simclr_settings"
    made_by = evaluation.made_by(device, store.info(files.poisoned), **{begun_with: origin})
    store.save_json(snakemake.output.report, {**cell, **report, **made_by, "seconds": seconds})
    checkpoint.clear()


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
