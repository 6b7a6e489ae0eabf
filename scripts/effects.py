"""Remove every hidden neuron alone and count what becomes of clean and of triggered test images."""

import torch

from holder import evaluation, job, store
from holder.effects import alone
from holder.head import Head


def main(snakemake):
    device = job.device(snakemake)
    head = Head(**{k: torch.from_numpy(v).to(device) for k, v in store.load(snakemake.input.head).items()})
    test, triggered = (evaluation.split(head, store.load(snakemake.input[k])) for k in ("test", "triggered"))
    hits, hits_before = alone(head, triggered.z, torch.full_like(triggered.y, snakemake.params.target_label))
    correct, correct_before = alone(head, test.z, test.y)
    arrays = {"hits": hits, "hits_before": torch.tensor([hits_before])}
    arrays |= {"correct": correct, "correct_before": torch.tensor([correct_before])}
    store.save(snakemake.output.effects, {k: v.numpy() for k, v in arrays.items()})


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
