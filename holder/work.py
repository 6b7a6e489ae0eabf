"""How much work a job of the workflow is, in units that carry a small run's speed over to a large one.

Passes of an image forward and back through a PreAct-ResNet18 grow with width², features with the area of the resized
image, everything on a classifier with samples × hidden neurons × features. (Checked for the passes: runs of width 16
say 24 a second on one core at width 64, benchmarks/training.py measured 50 at width 64 on two.)
"""

from collections import defaultdict

from holder import registry
from holder.config import settings

NAMED = {
    "fit_attack": "attack",
    "features": "extractor",
    "defend": "network_defense",
    "prune": "defense",
    "surrogate": "surrogate",
}
"""Rules whose speed depends on a module, and the wildcard that names it."""

SAME = {"features_of_cell": "features", "prune_hp": "prune", "simclr_poisoned": "simclr"}
"""Rules that do what another does, on other files."""

PASSES, PRODUCTS, IMAGES = "training passes, width 64", "10⁹ products", "images"
PARAMETERS = 11_170_000
"""Of a PreAct-ResNet18 of width 64."""


def work(rule: str, w: dict, config: dict) -> tuple[str, float]:
    """(unit, how many) of one job; w are its wildcards. Rules that only gather or draw are one "job" of no units."""
    rule = SAME.get(rule, rule)
    dataset = w.get("images", w.get("dataset", "")).split("/")[0]
    if not dataset:
        return "job", 0
    train, test, classes, own_epochs = _sizes(config, dataset)
    net, area = config["network"], (config["network"]["width"] / 64) ** 2
    if rule == "network":
        return PASSES, train * (net["epochs"] or own_epochs) * area
    if rule == "simclr":  # two views of each image
        return PASSES, 2 * train * config["simclr"]["epochs"] * (config["simclr"]["width"] / 64) ** 2
    if rule == "surrogate":
        given = config["surrogate"]  # the adversary takes as long as the step
        passes = given["epochs"] if w["surrogate"] == "standard" else 2 * given["robust_epochs"]
        return PASSES, train * passes * (given["width"] / 64) ** 2
    if rule == "split":  # and two passes forward
        return PASSES, train * (config["split"]["train_epochs"] + config["split"]["intra_epochs"] + 2 / 3) * area
    if rule == "hid_round":  # two views, features forward
        return PASSES, train * (2 * config["hid"]["epochs"] + 1 / 3) * (config["simclr"]["width"] / 64) ** 2
    if rule == "defend":
        return PASSES, area * _passes(w["network_defense"], config, train, test, classes)
    if rule == "fit_attack":
        return _fit(w["attack"], config, train, classes)
    if rule == "features":
        size = settings(config, "extractors", w["extractor"]).get("size", 224) / 224
        if trained := {"simclr": "simclr", "backdoored": "network"}.get(w["extractor"]):
            size = config[trained]["width"] / 64
        return IMAGES, images(w["images"], config) * size**2
    if rule in ("dataset", "trigger_test", "poison"):
        place = f"poison_rate={w['poison_rate']}" if rule == "poison" else "test"
        return IMAGES, train + test if rule == "dataset" else images(f"{dataset}/{w['attack']}/{place}", config)
    if rule in ("head", "prune", "effects", "sensitivity_cell"):
        return PRODUCTS, _products(rule, w, config, train, test, classes)
    return "job", 0


def _sizes(config: dict, dataset: str) -> tuple[int, int, int, int]:
    """Training and test images as configured, classes and BackdoorBench's epochs of a dataset."""
    facts, used = registry.facts("datasets", dataset), config["datasets"].get(dataset, {})
    return (
        used.get("train") or facts["TRAIN"],
        used.get("test") or facts["TEST"],
        facts["CLASSES"],
        facts.get("EPOCHS", 100),
    )


def images(place: str, config: dict) -> float:
    """Images in a file by its place: cifar10/train, cifar10/lc/seed=0/test, cifar10/lc/seed=0/poison_rate=0.05."""
    dataset, *rest = place.split("/")
    train, test, classes, _ = _sizes(config, dataset)
    if rest[-1].startswith("poison_rate="):
        cover = settings(config, "attacks", rest[0]).get("cover_ratio", 0)
        return train * float(rest[-1].removeprefix("poison_rate=")) * (1 + cover)
    if rest[-1] == "train":
        return train
    return test * (1 - 1 / classes) if len(rest) > 1 else test  # triggered: none of the target class


def _passes(name: str, config: dict, train: int, test: int, classes: int) -> float:
    """Training passes of a defense on a whole network; a pass forward alone is a third.

    Of a defense that was added as a module: all settings that end in "epochs", over the whole training set.
    """
    given = {} if name == "none" else settings(config, "network_defenses", name)
    take = defaultdict(int, {k: v for k, v in given.items() if isinstance(v, int | float)})
    clean = train * config.get("clean_data", {}).get("share", 0.05)
    counted = {
        "none": 0,
        "clp": 22 * 2 * test / 3,  # its sweep
        "abl": train * (take["pretrain_epochs"] + take["finetune_epochs"] + take["isolation"] * take["unlearn_epochs"]),
        "dbd": 3 * take["semi_epochs"] * take["iterations"] * take["batch"],
        "dst": train * (2 * take["contrastive_epochs"] + take["classifier_epochs"] / 12),
        "nc": clean * (classes * take["search_epochs"] + take["unlearn_epochs"]),
        "ibau": clean * take["rounds"] * (2 * take["iterations"] + 2),
        "dbr": train * 0.25 * take["epochs"],  # the sure parts of the split
        "sau": clean * take["rounds"] * (take["steps"] + 3),
    }
    unknown = train * sum(v for k, v in take.items() if k.endswith("epochs"))
    return counted.get(name, unknown) + 2 * test / 3


def _fit(name: str, config: dict, train: int, classes: int) -> tuple[str, float]:
    given = settings(config, "attacks", name)
    if name == "lc":
        return PASSES, train / classes * given["steps"] * (config["surrogate"]["width"] / 64) ** 2
    if name == "inputaware":
        passes = given["mask_epochs"] + 2 * given["epochs"]
        return PASSES, train * passes * (given["classifier_width"] / 64) ** 2
    if name == "ssba":
        return "passes of SSBA's networks, width 64", train * given["epochs"] * (given["width"] / 64) ** 2
    if name == "trojan":
        return "iterations", given["iterations"]
    return "job", 0


def _products(rule: str, w: dict, config: dict, train: int, test: int, classes: int) -> float:
    """10⁹ multiplications: samples × hidden × (features + classes), times epochs or settings."""
    each = config["classifier"]["hidden"] * (registry.facts("extractors", w["extractor"]).get("WIDTH", 512) + classes)
    if rule == "head":
        return train * config["classifier"]["epochs"] * each / 1e9
    if w.get("defense") == "anp":
        given = settings(config, "defenses", "anp")
        return given["iterations"] * given["batch"] * each / 1e9
    settings_ = 1
    if rule == "sensitivity_cell":
        sheet = config["figures"]["sensitivity"]
        for key in ("epsilons", "alphas", "norms", "statistics"):
            settings_ *= len(sheet[key])
    return settings_ * (train + test) * each / 1e9


def disk(rule: str, w: dict, config: dict) -> float:
    """Bytes that a job leaves in the results folder (uint8 images, float32 features and networks); 50 kB for others."""
    rule = SAME.get(rule, rule)
    if rule in ("dataset", "trigger_test", "poison"):
        return 3100 * work(rule, w, config)[1]
    if rule == "features":
        return 4 * images(w["images"], config) * registry.facts("extractors", w["extractor"]).get("WIDTH", 512)
    if rule == "head":
        return (
            4 * config["classifier"]["hidden"] * (registry.facts("extractors", w["extractor"]).get("WIDTH", 512) + 10)
        )
    widths = {"network": "network", "simclr": "simclr", "surrogate": "surrogate", "hid_round": "simclr"}
    if rule in widths:
        width = config[widths[rule]]["width"] / 64
        return 4 * PARAMETERS * width**2 + (4 * 2000 * 512 * width if rule == "hid_round" else 0)
    if rule == "fit_attack" and w["attack"] == "lc":
        train, _, classes, _ = _sizes(config, w["dataset"])
        return 3072 * train / classes
    return 50_000
