"""Test the paper's claims on its printed numbers and on ours; write the verdicts as CSV and Markdown."""

from holder import claims, evidence, job, printed, store, verdicts


def main(snakemake):
    cells = evidence.read_cells(snakemake.input)
    said = printed.read()
    theirs = verdicts.printed_cells(said, printed.runtimes())
    found = verdicts.judge(claims.load(), cells, theirs, said)
    store.save_text(snakemake.output.csv, found.to_csv(index=False, float_format="%.4f"))
    store.save_text(snakemake.output.md, verdicts.markdown(found))


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
