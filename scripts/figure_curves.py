"""Draw ACC and ASR against the number of pruned neurons, for every cell of a table."""

import json
from pathlib import Path

from holder import figures, job, store


def main(snakemake):
    cells = []
    for metrics, curve in zip(snakemake.input.metrics, snakemake.input.curves, strict=True):
        cells.append({**json.loads(Path(metrics).read_text(encoding="utf-8")), "curve": store.load(curve)})
    figures.save(figures.curves(cells), *snakemake.output)


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
