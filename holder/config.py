"""Checking a configuration before any job: defaults filled in, or one sentence that says what is wrong."""

from pathlib import Path

import jsonschema
import yaml

from holder import contract, registry
from holder.errors import HolderError

SCHEMA = Path(__file__).parent.parent / "config" / "schema.yaml"
FUNCTIONS = {
    "datasets": (),
    "attacks": ("fit", "apply", "poison", "cover"),
    "extractors": ("build",),
    "defenses": ("prune",),
    "network_defenses": ("defend",),
}
"""Functions of a module whose keyword-only parameters may be set in the config."""

EXTRACTOR_KEYS = {"batch": 250, "weights": None, "sha256": None}


def check(config: dict) -> dict:
    """Fill in the schema's defaults, in place, and refuse what the workflow could not run.

    Raises HolderError naming the key, what was found and what is allowed.
    """
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    _fill(config, schema, schema)
    errors = sorted(validator.iter_errors(config), key=lambda e: [str(p) for p in e.absolute_path])
    if errors:
        raise HolderError(_sentence(errors[0]))
    for kind in ("attacks", "extractors", "defenses", "network_defenses"):
        for name, given in config[kind].items():
            allowed = defaults(kind, name)
            shipped = _resolved(schema["properties"][kind]["properties"].get(name, {}), schema).get("properties", {})
            for key in given:
                if key not in allowed and key not in shipped:
                    raise HolderError(
                        f"{kind}.{name}: unknown key '{key}'; allowed are {', '.join(sorted(allowed)) or 'none'}."
                    )
            contract.settings(kind, name, {k: v for k, v in given.items() if k not in shipped}, allowed)
    for name in config["datasets"]:
        registry.facts("datasets", name)
    for kind in ("tables", "figures"):
        for name, grid in config[kind].items():
            _grid(f"{kind}.{name}", config, grid)
    return config


def defaults(kind: str, name: str) -> dict:
    """Every setting of a module with its default: its functions' keyword-only parameters and what the stage adds."""
    own = registry.settings(kind, name, *FUNCTIONS[kind])
    if kind == "extractors":
        trained = "TRAINED_ON" in registry.facts(kind, name)  # by the workflow: no file to name
        own |= {k: v for k, v in EXTRACTOR_KEYS.items() if k == "batch" or not trained}
    if kind == "attacks" and "COVER_RATIO" in registry.facts(kind, name):
        own["cover_ratio"] = registry.facts(kind, name)["COVER_RATIO"]
    return own


def settings(config: dict, kind: str, name: str) -> dict:
    """Settings of a module: its own defaults overlaid with the config's."""
    return {**defaults(kind, name), **config[kind].get(name, {})}


def _fill(value: object, schema: dict, root: dict) -> None:
    """Put a schema's defaults where keys are missing, parents before children."""
    schema = _resolved(schema, root)
    if isinstance(value, dict):
        for key, child in schema.get("properties", {}).items():
            if key not in value and "default" in child:
                value[key] = yaml.safe_load(yaml.safe_dump(child["default"]))
        for key, child in value.items():
            inner = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
            if isinstance(inner, dict):
                _fill(child, inner, root)
    elif isinstance(value, list) and "items" in schema:
        for child in value:
            _fill(child, schema["items"], root)


def _resolved(schema: dict, root: dict) -> dict:
    """A schema with what its $ref names."""
    return {**root["$defs"][schema["$ref"].rsplit("/", 1)[1]], **schema} if "$ref" in schema else schema


def _sentence(error: jsonschema.ValidationError) -> str:
    """One sentence from a schema violation: the key, what was found, what is allowed."""
    where = ".".join(str(p) for p in error.absolute_path) or "config"
    if error.validator == "additionalProperties":
        known = sorted(error.schema["properties"])
        unknown = sorted(set(error.instance) - set(known))
        return f"{where}: unknown key '{unknown[0]}'; allowed are {', '.join(known)}."
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        return f"{where}: key '{missing}' is missing."
    allowed = {
        "type": "a value of type {}",
        "enum": "one of {}",
        "minimum": "at least {}",
        "maximum": "at most {}",
        "exclusiveMinimum": "greater than {}",
        "exclusiveMaximum": "less than {}",
        "pattern": "text like {}",
        "minItems": "at least {} entries",
        "uniqueItems": "no entry twice",
    }.get(error.validator, "{}")
    expected = error.validator_value
    if isinstance(expected, list):
        expected = " or ".join(map(str, expected))
    about = error.schema.get("description", "").rstrip(".")
    return f"{where}: found {error.instance!r}, allowed is {allowed.format(expected)}{f' ({about})' if about else ''}."


def _grid(where: str, config: dict, grid: dict) -> None:
    """Refuse names that there are not, and cells that cannot be made, in a table's or figure's grid."""
    if "extractors" not in grid:  # whole networks; HID is made of several rules
        named = grid.get("defenses", [])
        _known(f"{where}.defenses", "network_defenses", [name for name in named if name != "hid"])
        if "none" in named:
            raise HolderError(f"{where}.defenses: 'none' is always a column and is not named.")
    else:
        _known(f"{where}.extractors", "extractors", grid["extractors"])
    for key, control in (("defenses", False), ("controls", True)):
        for name in grid.get(key, []) if "extractors" in grid else []:
            _known(f"{where}.{key}", "defenses", [name])
            if registry.facts("defenses", name).get("CONTROL", False) != control or name == "none":
                raise HolderError(f"{where}.{key}: '{name}' belongs under {'defenses' if control else 'controls'}.")
    seen = set()
    for i, block in enumerate(grid["grid"]):
        here = f"{where}.grid[{i}]"
        for attack in block["attacks"]:
            cell = (block["dataset"], attack, block["poison_rate"])
            if cell in seen:
                raise HolderError(
                    f"{here}: {attack} stands twice for {block['dataset']} at this rate, allowed is once."
                )
            seen.add(cell)
        _known(f"{here}.dataset", "datasets", [block["dataset"]])
        _known(f"{here}.attacks", "attacks", block["attacks"])
        for attack in block["attacks"]:
            _rate(here, config, block, attack)


def _known(where: str, kind: str, wanted: list[str]) -> None:
    for name in wanted:
        if name not in registry.names(kind):
            raise HolderError(f"{where}: '{name}' is not known; there are {', '.join(registry.names(kind))}.")
        contract.module(kind, name)


def _rate(where: str, config: dict, block: dict, attack: str) -> None:
    """Refuse a poison rate that the dataset, or its target class for a clean-label attack, cannot give."""
    dataset = registry.facts("datasets", block["dataset"])
    if config["target_label"] >= dataset["CLASSES"]:
        raise HolderError(
            f"target_label: found {config['target_label']}, "
            f"{block['dataset']} has labels 0 to {dataset['CLASSES'] - 1}."
        )
    total, per_class = dataset["TRAIN"], dataset["TRAIN_PER_CLASS"]
    used = config["datasets"].get(block["dataset"], {})
    for split in ("train", "test"):
        if (used.get(split) or 0) > dataset[split.upper()]:
            raise HolderError(
                f"datasets.{block['dataset']}.{split}: found {used[split]}, "
                f"allowed is at most {dataset[split.upper()]}."
            )
    size = used.get("train") or total
    target = per_class if isinstance(per_class, int) else per_class[config["target_label"]]
    clean_label = registry.facts("attacks", attack)["CLEAN_LABEL"]
    pool = target * size // total if clean_label else size
    count = round(block["poison_rate"] * size)
    if not 0 < count <= pool:
        kind = f"the target class's {pool}" if clean_label else f"{pool}"
        raise HolderError(
            f"{where}.poison_rate: {block['poison_rate']:g} of {block['dataset']}'s {size} training images is "
            f"{count} images for {attack}, allowed is 1 to {kind}."
        )
    cover = round(settings(config, "attacks", attack).get("cover_ratio", 0) * count)
    if count + cover > size:
        raise HolderError(
            f"attacks.{attack}.cover_ratio: {count} poisoned and {cover} cover images were asked of "
            f"{block['dataset']}'s {size} training images."
        )
