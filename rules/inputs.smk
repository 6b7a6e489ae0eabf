"""What tables and figures are made of: lists of files, from the grids of the config."""

import json

from holder.names import NETWORKS, TITLES
from holder.store import save_text


def listed(name, content):
    """File that says what a table or figure is made of, rewritten only when that changes.

    Snakemake's own record lies in .snakemake; without it a changed input would go unseen, since a
    missing intermediate file alone makes no job run. This file is an input and survives. While another
    Snakemake holds the folder it stays as that one wrote it.
    """
    path = Path(config["results"]) / f"{name}.made_of.json"
    text = json.dumps(content, indent=1) + "\n"
    held = any(Path(".snakemake/locks").glob("*"))
    if not path.exists() or (path.read_text() != text and not held):
        save_text(path, text)
    return str(path)


def made_of(name):
    """What a table is made of; the table's job refuses metrics that were made otherwise."""
    table = TABLES[name]
    content = {
        "inputs": table_files("metrics.json", name),
        "attack_settings": {a: settings(config, "attacks", a) for _, a, _ in attack_cells(table)},
        "dataset_settings": {
            d: {key: settings(config, "datasets", d).get(key) for key in ("train", "test")}
            for d, _, _ in attack_cells(table)
        },
        "surrogate": config["surrogate"],
        "target_label": config["target_label"],
    }
    if table.get("extractors"):
        extractors = {e: extractor_settings(e, of_weights=False) for e in table["extractors"]}
        for extractor, given in extractors.items():
            given.pop("batch")  # a matter of memory
            if trained_on(extractor):
                given["trained"] = config["simclr" if trained_on(extractor) == "clean" else "network"]
        content |= {
            "settings": {d: settings(config, "defenses", d) for d in columns(table)},
            "extractor_settings": extractors,
            "classifier_settings": config["classifier"],
        }
    else:
        own = {d: settings(config, "network_defenses", d) for d in columns(table) if d != "hid"}
        content |= {
            "settings": {**own, "hid": config["hid"]},
            "width": config["network"]["width"],
            "network_settings": config["network"],
            "simclr_settings": config["simclr"],
            "split_settings": {**config["split"], "width": config["network"]["width"]},
        }
        if any("clean_data" in registry.facts("network_defenses", d)["NEEDS"] for d in own):
            content["clean_data_settings"] = config["clean_data"]
    return listed(name, content)


def title(table):
    """What a table shows, as a caption."""
    number = int(table.removeprefix("table"))
    return f"Table {number}: {TITLES[number]}"


def timed():
    """Table 4's cells, those of Tables 1 and 2: metrics file, and benchmark files by stage of the way to it."""
    results, records = config["results"], f"{config['results']}/benchmarks"
    table1, table2 = ({**TABLES[name], "seeds": config["seeds"]} for name in ("table1", "table2"))
    entries = []
    for defense in table1["defenses"]:
        folder = hp_folder() if defense == "hp" else defense
        paths = {
            "metrics": f"{results}/pruned/{CELL}/{folder}/metrics.json",
            "clean": f"{records}/features/{{extractor}}/{{dataset}}/train.jsonl",
            "overlay": f"{records}/features/{{extractor}}/{ATTACKED}.jsonl",
            "classifier": f"{records}/head/{CELL}.jsonl",
            "prune": f"{records}/prune/{CELL}/{folder}.jsonl",
        }
        for metrics, clean, overlay, head, prune in zip(*(cells(path, table1) for path in paths.values()), strict=True):
            stages = {"features": [clean, overlay], "classifier": [head], "prune": [prune]}
            entries.append({"metrics": metrics, "stages": stages})
    for defense in table2["defenses"]:
        needs = ["simclr"] if defense == "hid" else registry.facts("network_defenses", defense)["NEEDS"]
        stages = {need: [f"{records}/{need}/{ATTACKED}.jsonl"] for need in needs}
        for i, metrics in enumerate(cells(f"{results}/defended/{ATTACKED}/{defense}/metrics.json", table2)):
            here = {stage: [cells(path, table2)[i] for path in paths] for stage, paths in stages.items()}
            entries.append({"metrics": metrics, "stages": here, "own": "rounds" if defense == "hid" else "defend"})
    return entries


def model_of(w):
    """Files of the model that moved images are shown to: a whole network, or an extractor and its classifier."""
    if w.model == "benign":
        return {"weights": f"<results>/surrogates/{w.dataset}/standard.safetensors"}
    if w.model == "network":
        return {"weights": f"<results>/networks/{ATTACKED.format(**w)}.safetensors"}
    weights = (
        f"<results>/simclr/{w.dataset}/clean.safetensors"
        if trained_on(w.model)
        else f"<data>/weights/{w.model}.safetensors"
    )
    return {"weights": weights, "head": f"<results>/heads/{w.model}/{ATTACKED.format(**w)}.safetensors"}


def code_of_model(model):
    """Code hash of the perturbation, an extractor's module included."""
    return (
        fingerprint("scripts/perturb.py")
        if model in NETWORKS
        else fingerprint("scripts/perturb.py", "extractors", model)
    )


def drawn_from(name, shown=(), **files):
    """Inputs of a figure: metrics and curves of (grid, folder of a defense) pairs, other files by kind, the list of all."""
    pruned = {
        kind: [path for grid, folder in shown for path in cells(f"<results>/pruned/{CELL}/{folder}/{kind}", grid)]
        for kind in ("metrics.json", "curve.safetensors")
    }
    return {
        "made_of": listed(f"figures/{name}", {"inputs": [*pruned["metrics.json"], *sum(files.values(), [])]}),
        "metrics": pruned["metrics.json"],
        "curves": pruned["curve.safetensors"],
        **files,
    }


def at_every_epsilon(name):
    return [(FIGURES[name], hp_folder(epsilon=epsilon)) for epsilon in FIGURES[name]["epsilons"]]


def poisoned_first(name):
    """A figure's grid with a poisoned extractor, then with its own: Figures 1, 9 and 14."""
    return [{**FIGURES[name], "extractors": ["backdoored"]}, FIGURES[name]]


def one_seed(grid):
    """The grid with its first seed alone, for figures that show one run."""
    return {**grid, "seeds": [SEED]}


def rounds_of(grid, path, variants=("paper",), rounds=range(1, HID_ROUNDS + 1)):
    """Files of HID's rounds, variant by variant; one round more than HID has is the look at what it ends with."""
    return [
        file for variant in variants for number in rounds for file in cells(path, grid, variant=variant, round=number)
    ]


def attack_cells(grid=TABLE1):
    """(dataset, attack, poison rate) of every cell, seeds aside."""
    return [(b["dataset"], attack, b["poison_rate"]) for b in grid["grid"] for attack in b["attacks"]]


def shown_attacks():
    """Dataset of the table's first block and every attack that the table tries on it, in order."""
    dataset = TABLE1["grid"][0]["dataset"]
    blocks = [block["attacks"] for block in TABLE1["grid"] if block["dataset"] == dataset]
    return dataset, list(dict.fromkeys(attack for attacks in blocks for attack in attacks))


def measured_cells():
    """Metrics files of every table, by the table's name."""
    return {name: table_files("metrics.json", name) for name in TABLES}
