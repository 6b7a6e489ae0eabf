"""Draw a figure from metrics with their curves and effects, from stored arrays or from the reports of HID's rounds."""

import json
from pathlib import Path

from holder import job, registry, store
from holder.figures import style


def main(snakemake):
    cells = []
    for metrics, curve in zip(snakemake.input.metrics, snakemake.input.curves, strict=True):
        cells.append({**json.loads(Path(metrics).read_text(encoding="utf-8")), "curve": store.load(curve)})
    for cell, effects in zip(cells, snakemake.input.get("effects", []), strict=False):
        cell["effects"] = store.load(effects)
    cells += [{**store.info(path), **store.load(path)} for path in snakemake.input.get("arrays", [])]
    cells += [json.loads(Path(path).read_text(encoding="utf-8")) for path in snakemake.input.get("reports", [])]
    style.save(registry.module("figures", snakemake.params.figure).draw(cells), *snakemake.output)


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
