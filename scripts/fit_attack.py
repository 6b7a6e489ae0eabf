"""Let an attack learn or draw what it needs; an attack that needs nothing leaves an empty file."""

import numpy as np

from holder import job, registry, store
from holder.errors import HolderError
from holder.seeds import generator


def main(snakemake):
    w, settings = snakemake.wildcards, snakemake.params.settings
    attack = registry.module("attacks", w.attack)
    fitted = {}
    checkpoint, info = None, {"settings": dict(settings)}
    if hasattr(attack, "fit"):
        from holder.training import Checkpoint

        train = store.load(snakemake.input.train, "images", "labels")
        checkpoint = Checkpoint(snakemake.output.fitted, job.key(snakemake))
        offered = {
            "rng": generator("fit_attack", w.dataset, w.attack, w.seed),
            "dataset": w.dataset,
            "classes": snakemake.params.facts["CLASSES"],
            "flip": snakemake.params.facts["FLIP"],
            "target_label": snakemake.params.target_label,
            "device": job.device(snakemake),
            "checkpoint": checkpoint,
            "surrogate": None,
        }
        if snakemake.input.get("surrogate"):
            offered["surrogate"] = load_surrogate(snakemake.input.surrogate).to(offered["device"])
            info["surrogate"] = store.info(snakemake.input.surrogate)
        offered = registry.accepted(attack.fit, {**settings, **offered})
        fitted = attack.fit(train["images"], train["labels"], **offered)
    for name, array in fitted.items():
        if not np.isfinite(array).all():
            raise HolderError(
                f"{w.attack}: fitting ended in values that are not finite ({name}); lower its learning rate."
            )
    store.save(snakemake.output.fitted, fitted, attack=w.attack, **info)
    if checkpoint:
        checkpoint.clear()


def load_surrogate(path):
    import torch

    from holder.models import load_preact_resnet18

    return load_preact_resnet18({k: torch.from_numpy(v) for k, v in store.load(path).items()})


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
