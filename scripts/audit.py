"""Check the paper's printed numbers against each other."""

from holder import audit, job, printed, store


def main(snakemake):
    cells = printed.read(snakemake.input.published)
    found = audit.findings(cells, printed.runtimes(snakemake.input.published))
    _, checked = audit.averages(cells)
    store.save_text(snakemake.output.md, audit.markdown(found, checked))


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
