"""What the rules share: the checked configuration, the wildcards' values, code fingerprints."""

import hashlib
import json
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from holder import registry
from holder.codehash import code_hash
from holder.config import check, settings
from holder.errors import HolderError
from holder.store import save_text

try:
    check(config)
except HolderError as error:
    sys.exit(f"{error}")

TRAINED_IMAGES_PER_SECOND = 50  # PreAct-ResNet18 of width 64, two cores, measured by benchmarks/training.py
SEED = config["seeds"][0]
GPU = 1 if config["device"] == "cuda" else 0
TABLES = config["tables"]
FIGURES = config["figures"]
TABLE1 = TABLES["table1"]
WANTED_EXTRACTORS = sorted({e for grid in [*TABLES.values(), *FIGURES.values()] for e in grid.get("extractors", [])})
HP = settings(config, "defenses", "hp")
HID_ROUNDS = len(config["hid"]["pruned"])
BASELINES = [name for name in registry.names("defenses") if name != "hp"]

ATTACKED = "{dataset}/{attack}/seed={seed}/poison_rate={poison_rate}"
CELL = f"{{extractor}}/{ATTACKED}"
HP_SETTINGS = str(Path(*(f"{key}={{{key}}}" for key in HP)))


wildcard_constraints:
    dataset="|".join(registry.names("datasets")),
    attack="|".join(registry.names("attacks")),
    extractor="|".join(registry.names("extractors")),
    defense="|".join(BASELINES),
    network_defense="|".join(registry.names("network_defenses")),
    variant="paper|no_extractor|no_pruning|no_iteration",
    round="[0-9]+",
    surrogate="standard|robust",
    seed="[0-9]+",
    poison_rate="[0-9.e-]+",
    images="(" + "|".join(registry.names("datasets")) + ")/.+",
    table="|".join(TABLES),


def fingerprint(script, kind=None, name=None):
    """Code hash of a script and, for scripts that look a module up by name, of that module.

    `name` may be a module's name or the wildcard that holds it.
    """
    if kind is None:
        return code_hash(script)
    if name in ("dataset", "attack", "extractor", "defense", "network_defense"):
        return lambda w: code_hash(script, f"holder.{kind}.{w[name]}")
    return code_hash(script, f"holder.{kind}.{name}")


def cells(path, grid):
    """`path` for every extractor × dataset × attack × poison rate × seed of a table's or figure's grid."""
    return [
        path.format(
            dataset=block["dataset"],
            attack=attack,
            poison_rate=f"{block['poison_rate']:g}",
            seed=seed,
            extractor=extractor,
        )
        for extractor in grid.get("extractors") or [None]  # none where whole networks are trained
        for block in grid["grid"]
        for attack in block["attacks"]
        for seed in grid.get("seeds") or config["seeds"]
    ]


def hp_folder(**changed):
    """Where HP's results lie, by its settings; those of the config where none is given."""
    return f"hp/{HP_SETTINGS.format(**{**HP, **changed})}"


def pruned(kind, grid, defenses):
    """Curve or metrics files of a grid, defense by defense."""
    folders = [hp_folder() if defense == "hp" else defense for defense in defenses]
    return [path for folder in folders for path in cells(f"<results>/pruned/{CELL}/{folder}/{kind}", grid)]


def columns(table):
    """The defenses of a table: the undefended column, its own and its controls."""
    return ["none", *table["defenses"], *table.get("controls", [])]


def table_files(kind, name):
    """Metrics (or curve) files of a table, defense by defense; whole networks have no curve."""
    table = TABLES[name]
    if table.get("extractors"):
        return pruned(kind, table, columns(table))
    if kind != "metrics.json":
        return []
    return [path for d in columns(table) for path in cells(f"<results>/defended/{ATTACKED}/{d}/{kind}", table)]


def needed_by_defense(w):
    """What a defense on a whole network begins with, by the NEEDS of its module."""
    places = {
        "network": f"networks/{ATTACKED}",
        "simclr": f"simclr/{ATTACKED}",
        "split": f"splits/{ATTACKED}",
        "clean_data": "clean_data/{dataset}/seed={seed}",
    }
    needs = registry.facts("network_defenses", w.network_defense)["NEEDS"]
    return {name: f"<results>/{places[name].format(**w)}.safetensors" for name in needs}


def before_hid_round(w):
    """The network that a round of HID begins with; without the SSL extractor (Figure 10), the backdoored one."""
    if int(w.round) == 1:
        return f"<results>/{'networks' if w.variant == 'no_extractor' else 'simclr'}/{ATTACKED.format(**w)}.safetensors"
    return f"<results>/hid/{ATTACKED.format(**w)}/variant={w.variant}/round={int(w.round) - 1}.safetensors"


def trained_on(extractor):
    """What the workflow trains an extractor on: "clean" images, one cell's "poisoned" ones, or None."""
    return registry.facts("extractors", extractor).get("TRAINED_ON")


def weights_of(w):
    """An extractor's weights: fetched, or trained by the workflow on the images they are to see."""
    kind = trained_on(w.extractor)
    if kind is None:
        return f"<data>/weights/{w.extractor}.safetensors"
    return f"<results>/simclr/{w.images.split('/')[0]}/clean.safetensors"


def features_of(images):
    """Input function: features of an images file; an extractor trained on poisoned images has its own per cell."""

    def path(w):
        cell = f"of/{ATTACKED.format(**w)}/" if trained_on(w.extractor) == "poisoned" else ""
        return f"<results>/features/{w.extractor}/{cell}{images.format(**w)}.safetensors"

    return path


def surrogate_of(wildcards):
    """The clean network that an attack looks at while it is fitted, if it does."""
    kind = registry.facts("attacks", wildcards.attack).get("SURROGATE", {})
    if isinstance(kind, dict):  # {setting: {value: kind of surrogate}}
        given = settings(config, "attacks", wildcards.attack)
        kind = next((values.get(given[key]) for key, values in kind.items()), None)
    return f"<results>/surrogates/{wildcards.dataset}/{kind}.safetensors" if kind else []


def attack_settings(name, *functions):
    """The settings that some functions of an attack take: changing how covers are made refits nothing."""
    keys = {*registry.settings("attacks", name, *functions), *(["cover_ratio"] if "cover" in functions else [])}
    return {k: v for k, v in settings(config, "attacks", name).items() if k in keys}


def extractor_settings(name, of_weights):
    """An extractor's settings: where its weights come from, or how it is built and run."""
    keys = ("weights", "sha256", "hub", "revision")
    return {k: v for k, v in settings(config, "extractors", name).items() if (k in keys) == of_weights}


def listed(name, content):
    """File that says what a table or figure is made of, rewritten only when that changes.

    Snakemake's own record lies in .snakemake; without it a changed input would go unseen, since a
    missing intermediate file alone makes no job run. This file is an input and survives.
    """
    path = Path(config["results"]) / f"{name}.made_of.json"
    text = json.dumps(content, indent=1) + "\n"
    if not path.exists() or path.read_text() != text:
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


def drawn_from(name, *shown):
    """Inputs of a figure: metrics and curves of (grid, folder of a defense) pairs, and the list of them."""
    files = {
        kind: [path for grid, folder in shown for path in cells(f"<results>/pruned/{CELL}/{folder}/{kind}", grid)]
        for kind in ("metrics.json", "curve.safetensors")
    }
    return {
        "made_of": listed(f"figures/{name}", {"inputs": files["metrics.json"]}),
        "metrics": files["metrics.json"],
        "curves": files["curve.safetensors"],
    }


def at_every_epsilon(name):
    return [(FIGURES[name], hp_folder(epsilon=epsilon)) for epsilon in FIGURES[name]["epsilons"]]


def attack_cells(grid=TABLE1):
    """(dataset, attack, poison rate) of every cell, seeds aside."""
    return [(b["dataset"], attack, b["poison_rate"]) for b in grid["grid"] for attack in b["attacks"]]


def content_hash(path):
    """SHA-256 of a file of the checkout: what it says, whenever it was touched."""
    return hashlib.sha256((Path(workflow.basedir) / path).read_bytes()).hexdigest()


def shown_attacks():
    """Dataset of the table's first block and every attack that the table tries on it, in order."""
    dataset = TABLE1["grid"][0]["dataset"]
    blocks = [block["attacks"] for block in TABLE1["grid"] if block["dataset"] == dataset]
    return dataset, list(dict.fromkeys(attack for attacks in blocks for attack in attacks))


def refuse_without_gpu():
    """Stop before GPU jobs start on a machine without a GPU, and say how long they would take."""
    jobs = [job for job in workflow.dag.needrun_jobs() if job.resources.get("gpu", 0)]
    if not jobs or config["allow_cpu"] or not workflow.local_exec or shutil.which("nvidia-smi"):
        return
    hours = sum(cpu_seconds(job) for job in jobs) / 3600
    sys.exit(
        f"{len(jobs)} jobs ask for a GPU and this machine has none (no nvidia-smi); on two CPU cores they would "
        f"take about {hours:.0f} hours: run 'snakemake --workflow-profile profiles/quick' for the small version in "
        f"results/quick, or set allow_cpu: true to go on."
    )


def cpu_seconds(job):
    """Rough time of a GPU job on two CPU cores, from speeds measured on such cores."""
    w = job.wildcards
    if job.rule.name in ("head", "prune", "prune_hp"):
        return 150
    dataset, *place = w.get("images", w.get("dataset")).split("/")
    facts = registry.facts("datasets", dataset)
    if job.rule.name == "features":
        images = facts["TEST"] if place[-1] == "test" else facts["TRAIN"]
        if place[-1].startswith("poison_rate="):
            cover = settings(config, "attacks", place[0]).get("cover_ratio", 0)
            images *= float(place[-1].removeprefix("poison_rate=")) * (1 + cover)
        return images / registry.facts("extractors", w.extractor)["CPU_IMAGES_PER_SECOND"]
    if job.rule.name == "surrogate":
        passes = (
            config["surrogate"]["epochs"] if w.surrogate == "standard" else 2 * config["surrogate"]["robust_epochs"]
        )
    else:  # fit_attack: passes over the training set, in those of a PreAct-ResNet18
        given = settings(config, "attacks", w.attack)
        passes = {
            "lc": given.get("steps", 0) / facts["CLASSES"],
            "inputaware": given.get("mask_epochs", 0) + 2 * given.get("epochs", 0),
            "ssba": given.get("epochs", 0) / 2,
        }.get(w.attack, 0)
    return facts["TRAIN"] * passes / TRAINED_IMAGES_PER_SECOND
