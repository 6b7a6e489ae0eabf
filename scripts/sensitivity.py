"""Gather the cells' sensitivity sheets into one table and draw it."""

import pandas as pd

from holder import job, store
from holder.figures import sensitivity, style


def main(snakemake):
    sheet = pd.concat([pd.read_csv(path, dtype={"norm": str}) for path in snakemake.input.cells], ignore_index=True)
    store.save_text(snakemake.output.csv, sheet.to_csv(index=False, float_format="%.6g"))
    style.save(sensitivity.draw(sheet), snakemake.output.pdf, snakemake.output.png)


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
