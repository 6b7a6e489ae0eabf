"""Split a poisoned training set by feature consistency, for D-ST and D-BR; note how pure the parts are."""

import torch

from holder import cells, job, registry, splitting, store, training
from holder.defending import Given


def main(snakemake):
    w, settings = snakemake.wildcards, dict(snakemake.params.settings)
    facts = registry.facts("datasets", w.dataset)
    device = job.device(snakemake)
    train = cells.poisoned(snakemake.input.train, snakemake.input.poisoned, device)
    checkpoint = training.Checkpoint(snakemake.output.split, job.key(snakemake))
    given = Given(
        images=train.images,
        labels=train.labels,
        classes=facts["CLASSES"],
        flip=facts.get("FLIP", False),
        width=snakemake.params.width,
        coordinates=("split", *w),
        stage=lambda name: checkpoint,
    )
    part, fct, _ = splitting.sample_split(given, **settings)
    poisoned = torch.from_numpy(train.poisoned)
    shares = {
        name: float(poisoned[part.cpu() == value].double().mean())
        for name, value in (("clean", splitting.CLEAN), ("poisoned", splitting.POISONED))
    }
    arrays = {"split": part.cpu().numpy(), "fct": fct.float().cpu().numpy()}
    store.save(snakemake.output.split, arrays, settings={**settings, "width": given.width}, poisoned_share=shares)
    checkpoint.clear()


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
