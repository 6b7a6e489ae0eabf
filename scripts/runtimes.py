"""Table 4: run times by stage, from the benchmark records beside the cells of Tables 1 and 2."""

from holder import job, runtimes, store
from holder.errors import HolderError


def main(snakemake):
    per_cell = runtimes.read(snakemake.params.entries)
    if per_cell.empty:
        raise HolderError(f"{snakemake.params.benchmarks}: holds no complete record of a cell of Tables 1 and 2.")
    table = runtimes.table(per_cell)
    store.save_text(snakemake.output.csv, table.to_csv(index=False, float_format="%.2f"))
    store.save_text(snakemake.output.md, runtimes.markdown(table, per_cell))


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
