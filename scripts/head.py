"""Train the classifier on the poisoned features."""

import logging

import torch

from holder import head as heads
from holder import job, registry, store
from holder.poisoning import laid_over
from holder.seeds import torch_generator


def main(snakemake):
    w = snakemake.wildcards
    device = job.device(snakemake)
    train = store.load(snakemake.input.train, "features", "labels")
    poisoned = store.load(snakemake.input.poisoned)
    z, y = (
        torch.from_numpy(laid_over(train[key], poisoned["index"], poisoned[key])).to(device)
        for key in ("features", "labels")
    )
    generator = torch_generator("head", w.extractor, w.dataset, w.attack, w.poison_rate, w.seed)
    classes = registry.facts("datasets", w.dataset)["CLASSES"]
    head = heads.train(z, y.long(), classes, generator=generator, **snakemake.params.settings)
    predicted = heads.logits(head, heads.scale(z, head.lo, head.hi)).argmax(1)
    logging.info("accuracy on the training set as given: %.2f %%", 100 * (predicted == y).double().mean().item())
    arrays = {k: v.cpu().numpy() for k, v in head._asdict().items()}
    store.save(snakemake.output.head, arrays, settings=dict(snakemake.params.settings))


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
