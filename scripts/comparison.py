"""Set the printed numbers beside ours: one long table and one figure."""

import logging
from pathlib import Path

import pandas as pd

from holder import comparison, evidence, job, store
from holder.figures import comparison as figure
from holder.figures import style


def main(snakemake):
    sheets = {int(Path(path).stem.removeprefix("table")): pd.read_csv(path) for path in snakemake.input.tables}
    seconds = pd.read_csv(snakemake.input.runtime) if snakemake.input.get("runtime") else None
    found, alone = comparison.build(sheets, evidence.read_cells(snakemake.input), seconds)
    for line in comparison.summary(found, alone):
        logging.info("%s", line)
    store.save_text(snakemake.output.csv, found.to_csv(index=False, float_format="%.4f"))
    style.save(figure.draw(found, alone), snakemake.output.pdf, snakemake.output.png)


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
