"""What the rules share: the checked configuration, the wildcards' values, code fingerprints."""

import hashlib
import shutil
import sys
from pathlib import Path

from holder import plan, registry
from holder.codehash import code_hash
from holder.config import check, settings
from holder.errors import HolderError

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


def content_hash(path):
    """SHA-256 of a file of the checkout: what it says, whenever it was touched."""
    return hashlib.sha256((Path(workflow.basedir) / path).read_bytes()).hexdigest()


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


def output_patterns():
    """Regular expressions of every rule's output files, by the rule's name."""
    return {rule.name: [path.regex().pattern for path in rule.output] for rule in workflow.rules}


def gpu_rules():
    """Rules that ask for a GPU with this config."""
    return sorted(rule.name for rule in workflow.rules if GPU and "gpu" in rule.resources)
