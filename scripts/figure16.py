"""Draw Figure 16: one test image, benign and under every attack."""

from holder import job, store
from holder.figures import figure16, style


def main(snakemake):
    first = store.load(snakemake.input.triggered[0], "index")["index"]
    benign = store.load(snakemake.input.test, "images")["images"]
    chosen = first[snakemake.params.image % len(first)]
    triggered = {}
    for name, path in zip(snakemake.params.attacks, snakemake.input.triggered, strict=True):
        arrays = store.load(path, "index", "images")
        triggered[name] = arrays["images"][arrays["index"] == chosen][0]
    style.save(figure16.draw(benign[chosen], triggered), *snakemake.output)


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
