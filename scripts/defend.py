"""Run a defense on a whole network; write its ACC, ASR and RA and what it says of itself."""

import logging
import time

from holder import cells, contract, evaluation, job, registry, store, training
from holder.defending import Given, counted, needed
from holder.names import END_TO_END


def main(snakemake):
    w, settings, params = snakemake.wildcards, dict(snakemake.params.settings), snakemake.params
    facts, device = registry.facts("datasets", w.dataset), job.device(snakemake)
    train = cells.poisoned(snakemake.input.train, snakemake.input.poisoned, device)
    key, stages = job.key(snakemake), []

    def stage(name):
        stages.append(training.Checkpoint(f"{snakemake.output.metrics}.{name}", key))
        return stages[-1]

    needs = registry.facts("network_defenses", w.network_defense)["NEEDS"]
    more = {k: v for name in needs for k, v in needed(name, snakemake.input[name], device).items()}
    given = Given(
        images=train.images,
        labels=train.labels,
        classes=facts["CLASSES"],
        flip=facts.get("FLIP", False),
        width=params.width,
        coordinates=(w.network_defense, w.dataset, w.attack, w.poison_rate, w.seed),
        stage=stage,
        **more,
    )
    defense = registry.module("network_defenses", w.network_defense)
    started = time.monotonic()
    network, found = contract.defended(w.network_defense, defense.defend(given, **settings))
    seconds = time.monotonic() - started

    tests = cells.tests(snakemake.input.test, snakemake.input.triggered, device)
    result = cells.rates(network, tests, params.target_label)
    logging.info("ACC %.1f, ASR %.1f, RA %.1f", result["acc"], result["asr"], result["ra"])
    if "clean_data" in needs:
        found["clean_data"] = store.info(snakemake.input.clean_data)
        found["clean_data_index"] = store.load(snakemake.input.clean_data, "index")["index"]
    found = counted(found, train.poisoned)
    if hasattr(defense, "sweep"):
        swept = defense.sweep(given)
        found["sweep"] = [{**said, **cells.rates(one, tests, params.target_label)} for said, one in swept]
    cell = {**evaluation.coordinates(w, w.network_defense, END_TO_END), "target_label": params.target_label}
    cell |= {"settings": settings, "pruned": 0, "train_images": len(train.labels)}
    stages_before = {f"{name}_settings": store.info(snakemake.input[name])["settings"] for name in needs}
    made_by = evaluation.made_by(device, store.info(snakemake.input.poisoned), width=params.width, **stages_before)
    store.save_json(snakemake.output.metrics, {**cell, **result, **made_by, "facts": found, "seconds": seconds})
    for checkpoint in stages:
        checkpoint.clear()


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
