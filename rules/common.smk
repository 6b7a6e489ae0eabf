"""What the rules share: the checked configuration, the wildcards' values, code fingerprints."""

import hashlib
import json
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from holder import plan, registry
from holder.codehash import code_hash
from holder.config import check, settings
from holder.errors import HolderError
from holder.names import TITLES
from holder.store import save_text

try:
    check(config)
except HolderError as error:
    sys.exit(f"{error}")

SEED = config["seeds"][0]
GPU = 1 if config["device"] == "cuda" else 0
TABLES = config["tables"]
FIGURES = config["figures"]
SHOWN_TABLES = sorted([*TABLES, "table4"])
SHOWN_FIGURES = [
    "figure1",
    *(f"figure{n}" for n in range(4, 17)),
    "table1_curves",
    "table6_curves",
    "sensitivity",
    "comparison",
]
TABLE1 = TABLES["table1"]
WANTED_EXTRACTORS = sorted({e for grid in [*TABLES.values(), *FIGURES.values()] for e in grid.get("extractors", [])})
HP = settings(config, "defenses", "hp")
HID_ROUNDS = len(config["hid"]["pruned"])
VARIANTS = ("paper", "no_extractor", "no_pruning", "no_iteration")
BASELINES = [name for name in registry.names("defenses") if name != "hp"]

NUMBER = r"[0-9]+(\.[0-9]+)?(e-?[0-9]+)?"
IMAGES = "({})/(train|test|({})/seed=[0-9]+/(test|poison_rate={}))".format(
    "|".join(registry.names("datasets")), "|".join(registry.names("attacks")), NUMBER
)
ATTACKED = "{dataset}/{attack}/seed={seed}/poison_rate={poison_rate}"
CELL = f"{{extractor}}/{ATTACKED}"
HP_SETTINGS = str(Path(*(f"{key}={{{key}}}" for key in HP)))


wildcard_constraints:
    dataset="|".join(registry.names("datasets")),
    attack="|".join(registry.names("attacks")),
    extractor="|".join(registry.names("extractors")),
    defense="|".join(BASELINES),
    network_defense="|".join(registry.names("network_defenses")),
    variant="|".join(VARIANTS),
    model="|".join(["benign", "network", *registry.names("extractors")]),
    round="[0-9]+",
    surrogate="standard|robust",
    seed="[0-9]+",
    poison_rate=NUMBER,
    images=IMAGES,
    epsilon=NUMBER,
    alpha=NUMBER,
    norm="inf|2",
    statistic="max|mean",
    direction="worst|sampled",
    select="density|count-[0-9]+|drop-[0-9.]+",
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


def cells(path, grid, **more):
    """`path` for every extractor × dataset × attack × poison rate × seed of a grid; `more` are other wildcards' values."""
    return [
        path.format(
            **more,
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


def round_settings(number):
    """Settings of a round of HID; one round more than it has looks at what it ends with and trains nothing."""
    given = {k: v for k, v in config["hid"].items() if k != "pruned"}
    return {**given, "epochs": 0} if number > HID_ROUNDS else given


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
        if defense == "hid":
            rounds = [f"{records}/hid/{ATTACKED}/variant=paper/round={r}.jsonl" for r in range(1, HID_ROUNDS + 1)]
            stages = {"simclr": [f"{records}/simclr/{ATTACKED}.jsonl"], "rounds": rounds}
        else:
            needs = registry.facts("network_defenses", defense)["NEEDS"]
            stages = {need: [f"{records}/{need}/{ATTACKED}.jsonl"] for need in needs}
            stages["defend"] = [f"{records}/defend/{ATTACKED}/{defense}.jsonl"]
        for i, metrics in enumerate(cells(f"{results}/defended/{ATTACKED}/{defense}/metrics.json", table2)):
            here = {stage: [cells(path, table2)[i] for path in paths] for stage, paths in stages.items()}
            entries.append({"metrics": metrics, "stages": here})
    return entries


NETWORKS = ("benign", "network")
"""Models without a frozen extractor: a clean and a backdoored PreAct-ResNet18."""


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
    hours = sum(plan.core_seconds(job.rule.name, dict(job.wildcards.items()), config) for job in jobs) / 2 / 3600
    sys.exit(
        f"{len(jobs)} jobs ask for a GPU and this machine has none (no nvidia-smi); on two CPU cores they would "
        f"take about {hours:.0f} hours: run 'snakemake --workflow-profile profiles/quick' for the small version in "
        f"results/quick, or set allow_cpu: true to go on."
    )


def measured_cells():
    """Metrics files of every table, by the table's name."""
    return {name: table_files("metrics.json", name) for name in TABLES}


def output_patterns():
    """Regular expressions of every rule's output files, by the rule's name."""
    return {rule.name: [path.regex().pattern for path in rule.output] for rule in workflow.rules}


def gpu_rules():
    """Rules that ask for a GPU with this config."""
    return sorted(rule.name for rule in workflow.rules if GPU and "gpu" in rule.resources)
