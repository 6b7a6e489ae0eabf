"""Put verdicts, tables, figures and how they were made on one page."""

from pathlib import Path

from holder import job, registry, start_page, store

TITLE = "Hölder Pruning, reproduced"
WHAT = """
<p>The paper <em>Hölder Pruning: Localized Pruning for Backdoor Removal in Deep Neural Networks</em> proposes to remove
backdoors from image classifiers by pruning the neurons that react most to small changes of their input (HP), and a
longer training scheme built on it (HID). A Snakemake workflow has made every attack, classifier and defense anew and
measured three rates: <b>ACC</b>, the share of clean test images classified right; <b>ASR</b>, the share of triggered
test images classified as the attacker's target; <b>RA</b>, the share of the same images classified as what they show.
A good defense keeps ACC, lowers ASR and raises RA.</p>"""


def main(snakemake):
    def markdown(path):
        return start_page.rendered(Path(path).read_text(encoding="utf-8"))

    files = snakemake.input
    figures = [start_page.figure(path, registry.caption(shown(path))) for path in files.figures]
    parts = [
        ("verdicts", "Verdicts", markdown(files.claims)),
        ("tables", "Tables", "".join(markdown(path) for path in files.tables)),
        ("figures", "Figures", "".join(figures)),
        ("paper", "The paper against itself", markdown(files.audit)),
        ("made", "How it was made", start_page.made_of(files.metrics) + start_page.times(snakemake.params.records)),
    ]
    page = start_page.page(TITLE, WHAT + start_page.notice(files.metrics), parts)
    store.save_text(snakemake.output.html, page)


def shown(path):
    """Module of a figure: the file's name, but for the curves of a table."""
    name = Path(path).stem
    return "curves" if name.endswith("_curves") else name


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
