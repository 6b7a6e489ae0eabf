"""HP over ε × α × norm × statistic × pruned count on one classifier."""

import pandas as pd
import torch

from holder import evaluation, job, store
from holder.head import Head
from holder.seeds import torch_generator
from holder.sensitivity import sheet


def main(snakemake):
    w = snakemake.wildcards
    device = job.device(snakemake)
    head = Head(**{k: torch.from_numpy(v).to(device) for k, v in store.load(snakemake.input.head).items()})
    files = {k: store.load(snakemake.input[k]) for k in ("train", "poisoned", "test", "triggered")}
    train = evaluation.split(head, files["train"], files["poisoned"])
    test, triggered = (evaluation.split(head, files[k]) for k in ("test", "triggered"))
    generator = torch_generator("random", w.extractor, w.dataset, w.attack, w.poison_rate, w.seed)
    rows = sheet(head, train, test, triggered, snakemake.params.target_label, generator, **snakemake.params.settings)
    cell = {key: w[key] for key in ("dataset", "extractor", "attack", "poison_rate", "seed")}
    table = pd.DataFrame([{**cell, **row} for row in rows])
    store.save_text(snakemake.output.csv, table.to_csv(index=False, float_format="%.6g"))


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
