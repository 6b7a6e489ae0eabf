"""What a benign, a backdoored and an extractor's model predict for images moved by growing steps."""

import torch

from holder import cells, evaluation, job, perturbation, registry, store
from holder.head import Head
from holder.models import load_preact_resnet18
from holder.names import NETWORKS


def main(snakemake):
    w, settings = snakemake.wildcards, snakemake.params.settings
    target_label, device = snakemake.params.target_label, job.device(snakemake)

    def tensors(path):
        return {k: torch.from_numpy(v).to(device) for k, v in store.load(path).items()}

    whole = w.model in NETWORKS
    if whole:
        forward = load_preact_resnet18(tensors(snakemake.input.weights)).to(device).requires_grad_(False)
    else:
        config = store.info(snakemake.input.weights).get("config")
        build = registry.module("extractors", w.model).build
        given = registry.accepted(build, {"config": config, **snakemake.params.extractor})
        encoder = build(tensors(snakemake.input.weights), **given)
        if isinstance(encoder.network, torch.nn.Module):
            encoder.network.eval().to(device).requires_grad_(False)
        forward = perturbation.with_head(encoder, Head(**tensors(snakemake.input.head)))
    tests = cells.tests(snakemake.input.test, snakemake.input.triggered, device)
    arrays = {}
    for name, images in (("clean", tests.clean), ("triggered", tests.triggered)):
        some = images[: settings["images"]]
        arrays[name], arrays[f"{name}_target"] = perturbation.predictions(
            forward, some, settings["sizes"], target_label
        )
    trained = store.info(snakemake.input.weights if whole else snakemake.input.head)["settings"]
    made_by = evaluation.made_by(
        device,
        store.info(snakemake.input.poisoned),
        sha256={} if whole else {"weights": store.info(snakemake.input.weights)},
        **{"network_settings" if whole else "classifier_settings": trained},
        extractor_settings=None if whole else dict(snakemake.params.extractor),
    )
    cell = {**evaluation.coordinates(w, "none", w.model), "target_label": target_label, **settings}
    store.save(snakemake.output.predictions, {k: v.numpy() for k, v in arrays.items()}, **cell, **made_by)


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
