"""HID's metrics: those of the last round's network, with every round's report beside them."""

import json
from pathlib import Path

from holder import evaluation, job, store
from holder.names import END_TO_END


def main(snakemake):
    w, params = snakemake.wildcards, snakemake.params
    device = job.device(snakemake)
    rounds = [json.loads(Path(path).read_text(encoding="utf-8")) for path in snakemake.input.reports]
    last = rounds[-1]
    told = ("round", "pruned", "unpruned", "before", "clean", "clean_poisoned", "poisoned", "after", "seconds")
    cell = {
        **evaluation.coordinates(w, "hid", END_TO_END),
        "target_label": params.target_label,
        "settings": dict(params.settings),
        "pruned": last["pruned"],
        "train_images": last["train_images"],
    }
    info = store.info(snakemake.input.state)
    made_by = evaluation.made_by(device, store.info(snakemake.input.poisoned), simclr_settings=info["origin"])
    seconds = sum(one["seconds"] for one in rounds)
    store.save_json(
        snakemake.output.metrics,
        {
            **cell,
            **last["after"],
            **made_by,
            "facts": {"rounds": [{k: one[k] for k in told} for one in rounds]},
            "seconds": seconds,
        },
    )


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
