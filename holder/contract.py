"""What a module has to be, checked before anything runs, and what its functions return, checked where it is received.

The documentation of each kind is docs/extending.md. Every refusal is a HolderError of one sentence.
"""

from holder import registry
from holder.errors import HolderError

CONSTANTS = {
    "attacks": {"CLEAN_LABEL": bool},
    "defenses": {},
    "network_defenses": {"NEEDS": tuple},
    "extractors": {"WIDTH": int},
    "datasets": {"CLASSES": int, "TRAIN": int, "TEST": int, "TRAIN_PER_CLASS": (int, list, tuple)},
}
NAMES = {
    "attacks": ["apply"],
    "defenses": ["prune"],
    "network_defenses": ["defend"],
    "extractors": ["build"],
    "datasets": ["SOURCES", "SHA256"],
}
NEEDS = ("network", "simclr", "split", "clean_data")


def module(kind: str, name: str) -> None:
    """Refuse a module that lacks what its kind has to define; its source is read, nothing is imported."""
    facts, there = registry.facts(kind, name), registry.defined(kind, name)
    for constant, types in CONSTANTS[kind].items():
        allowed = " or ".join(t.__name__ for t in (types if isinstance(types, tuple) else (types,)))
        if constant not in facts:
            _refuse(kind, name, f"{constant} is missing", f"a literal {allowed} on a line of its own")
        if not isinstance(facts[constant], types):
            _refuse(kind, name, f"{constant} is {facts[constant]!r}", f"a literal {allowed}")
    wanted = [*NAMES[kind], *([] if kind != "extractors" or "TRAINED_ON" in facts else ["WEIGHTS"])]
    for missing in [n for n in wanted if n not in there]:
        _refuse(kind, name, f"'{missing}' is missing", f"a module that defines {', '.join(wanted)}")
    for word in facts.get("NEEDS", ()) if kind == "network_defenses" else ():
        if word not in NEEDS:
            _refuse(kind, name, f"NEEDS names '{word}'", ", ".join(NEEDS))
    if kind == "attacks" and "cover" in there and "COVER_RATIO" not in facts:
        _refuse(kind, name, "'cover' is there and COVER_RATIO is not", "both or neither")


def settings(kind: str, name: str, given: dict, defaults: dict) -> None:
    """Refuse a word where a setting's default is a number, and the other way round; None allows anything."""
    for key, value in given.items():
        number = isinstance(defaults.get(key), int | float)
        if value is not None and defaults.get(key) is not None and number != isinstance(value, int | float):
            _refuse(kind, f"{name}.{key}", f"found {value!r}", f"{'a number' if number else 'no number'}")


def pruning(name: str, returned: object, hidden: int) -> tuple:
    """(scores, count) of a pruning defense: a score per hidden neuron, and 0 to all of them, None for a control."""
    if not isinstance(returned, tuple) or len(returned) != 2:
        _refuse("defenses", name, f"prune returned {type(returned).__name__}", "a tuple of scores and a count")
    scores, count = returned
    if tuple(scores.shape) != (hidden,) or bool(scores.isnan().any()):
        _refuse("defenses", name, f"scores have shape {tuple(scores.shape)} or NaN in them", f"({hidden},) and no NaN")
    control = registry.facts("defenses", name).get("CONTROL", False)
    if count is None and control:
        return scores, None
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= hidden:
        also = ", or None with CONTROL = True" if count is None else ""
        _refuse("defenses", name, f"the count is {count!r}", f"an int from 0 to {hidden}{also}")
    return scores, count


def defended(name: str, returned: object) -> tuple:
    """(network, facts) of a defense on a whole network."""
    if not isinstance(returned, tuple) or len(returned) != 2 or not isinstance(returned[1], dict):
        _refuse("network_defenses", name, f"defend returned {type(returned).__name__}", "a tuple of network and dict")
    return returned


def images(name: str, made, before) -> None:
    """Triggered images: uint8 and of the shape of those that were given."""
    if str(made.dtype) != "uint8" or made.shape != before.shape:
        _refuse("attacks", name, f"images of {made.dtype} {made.shape} were made", f"uint8 {before.shape}")


def features(name: str, rows, count: int) -> None:
    """Features: one finite row per image. Their width may differ from WIDTH, which a setting may change."""
    if rows.ndim != 2 or len(rows) != count:
        _refuse("extractors", name, f"features have shape {rows.shape}", f"({count}, width)")
    if not abs(rows).max() < float("inf"):
        _refuse("extractors", name, "features that are not finite were made", "finite ones")


def dataset(name: str, arrays: dict, classes: int, per_class: int | list[int]) -> None:
    """Canonical arrays: uint8 images (n, 32, 32, 3), labels below CLASSES, as many of each class as TRAIN_PER_CLASS."""
    for split in ("train", "test"):
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        if str(images.dtype) != "uint8" or images.shape[1:] != (32, 32, 3):
            _refuse("datasets", name, f"{split} images are {images.dtype} {images.shape}", "uint8 (n, 32, 32, 3)")
        if str(labels.dtype) != "uint8" or labels.ndim != 1 or labels.max() >= classes:
            said = f"{split} labels are {labels.dtype} up to {labels.max()}"
            _refuse("datasets", name, said, f"uint8 below CLASSES, {classes}")
    found = [int((arrays["train_labels"] == c).sum()) for c in range(classes)]
    if found != ([per_class] * classes if isinstance(per_class, int) else list(per_class)):
        _refuse("datasets", name, f"the classes have {found} training images", f"TRAIN_PER_CLASS, {per_class}")


def _refuse(kind: str, name: str, found: str, allowed: str) -> None:
    raise HolderError(f"{kind}.{name}: {found}; allowed is {allowed}.")
