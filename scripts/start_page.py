"""Put verdicts, tables, figures and how they were made on one page."""

import csv
import logging
from pathlib import Path

from holder import audit, job, printed, registry, start_page, store

TITLE = "Hölder Pruning, reproduced"
WHAT = """
<p>The paper <em>Hölder Pruning: Localized Pruning for Backdoor Removal in Deep Neural Networks</em> proposes to remove
backdoors from image classifiers by pruning the neurons that react most to small changes of their input (HP), and a
longer training scheme built on it (HID). A Snakemake workflow has made every attack, classifier and defense anew and
measured three rates: <b>ACC</b>, the share of clean test images classified right; <b>ASR</b>, the share of triggered
test images classified as the attacker's target; <b>RA</b>, the share of the same images classified as what they show.
A good defense keeps ACC, lowers ASR and raises RA.</p>"""
FILES = ["claims.csv", "audit.md", "comparison.csv", "attacks.csv", "table9.csv", "sensitivity.csv"]


def main(snakemake):
    def markdown(path):
        return start_page.rendered(Path(path).read_text(encoding="utf-8"))

    files = snakemake.input
    with open(files.verdicts, encoding="utf-8", newline="") as table:
        wrong, averages = audit.averages(printed.read())
        short = start_page.in_short(list(csv.DictReader(table)), averages, len(wrong))
    beside = [*(f"{Path(path).stem}.csv" for path in files.tables), *FILES]
    top = WHAT + start_page.notice(files.metrics) + short + start_page.files(beside)
    made = start_page.when() + start_page.made_of(files.metrics) + start_page.times(snakemake.params.records)

    def page(scale):
        figures = (start_page.figure(path, caption(path), scale) for path in files.figures)
        parts = [
            ("verdicts", "Verdicts", start_page.folded(markdown(files.claims), "Not tested here")),
            ("tables", "Tables", "".join(markdown(path) for path in files.tables)),
            ("figures", "Figures", "".join(figures)),
            ("paper", "The paper against itself", markdown(files.audit)),
            ("made", "How it was made", made),
        ]
        return start_page.page(TITLE, top, parts)

    pages = map(page, start_page.SCALES)
    small = next((p for p in pages if len(p.encode()) <= start_page.LARGEST), None)
    if small is None:
        logging.warning("the page is too large for the report; it opens as a file")
    store.save_text(snakemake.output.html, small or page(1.0))


def caption(path):
    """What a figure shows; those of pruning curves share a module and differ in their table."""
    name, _, curves = Path(path).stem.partition("_")
    return f"Table {name[5:]}: {registry.caption(curves)}" if curves else registry.caption(name)


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
