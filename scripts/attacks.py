"""Measure every attack of a table on its images and features; compare with the printed criteria."""

import numpy as np
import pandas as pd

from holder import attack_cards, job, registry, store
from holder.poisoning import COVER, POISON

PRINTED = registry.ROOT.parent / "config" / "criteria.csv"


def main(snakemake):
    rows = []
    for i, (dataset, attack, poison_rate) in enumerate(snakemake.params.cells):
        paths = {name: snakemake.input[name][i] for name in ("test", "train", "triggered", "overlay")}
        benign = store.load(paths["test"], "images")["images"]
        triggered = store.load(paths["triggered"], "images", "index")
        overlay = store.load(paths["overlay"], "index", "labels", "role")
        labels = store.load(paths["train"], "labels")["labels"]
        poisoned = overlay["role"] == POISON
        changed = overlay["labels"][poisoned] != labels[overlay["index"][poisoned]]
        clean, moved = (
            store.load(snakemake.input[k][i], "features")["features"] for k in ("features", "triggered_features")
        )
        rows.append(
            {
                "dataset": dataset,
                "attack": attack,
                "poison_rate": poison_rate,
                "poisoned": int(poisoned.sum()),
                "cover": int((overlay["role"] == COVER).sum()),
                "labels_changed": float(np.mean(changed)),
                "label_mode": "dirty" if changed.any() else "clean",
                **attack_cards.measure(benign[triggered["index"]], triggered["images"]),
                "feature_shift": attack_cards.feature_shift(clean, moved, triggered["index"]),
            }
        )
    attacks = pd.DataFrame(rows)
    store.save_text(snakemake.output.attacks, attacks.to_csv(index=False, float_format="%.4f"))
    first = attacks[attacks["dataset"] == attacks["dataset"].iloc[0]].drop_duplicates("attack")
    table = attack_cards.table9(first, pd.read_csv(PRINTED))
    store.save_text(snakemake.output.table9, table.to_csv(index=False, float_format="%.4f"))


if "snakemake" in globals():
    job.run(main, snakemake)  # noqa: F821
