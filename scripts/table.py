"""Gather a table's metrics files; write it as tidy CSV, Markdown and LaTeX."""

import json
from pathlib import Path

from holder import job, store, tables
from holder.names import TITLES


def main(snakemake):
    made_of = json.loads(Path(snakemake.input.made_of).read_text(encoding="utf-8"))
    number = int(snakemake.wildcards.table.removeprefix("table"))
    table = tables.aggregate(tables.rows(snakemake.input.metrics, made_of), number)
    title, note = f"Table {number}: {TITLES[number]}", tables.NOTES.get(number, "")
    store.save_text(snakemake.output.csv, table.to_csv(index=False, float_format="%.4f"))
    store.save_text(snakemake.output.md, tables.markdown(table, title, note))
    store.save_text(snakemake.output.tex, tables.latex(table, title, note))


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
