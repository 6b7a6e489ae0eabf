"""A wrong configuration is one sentence: the key, what was found, what is allowed."""

import copy
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from holder import config as checking
from holder import registry
from holder.errors import HolderError

ROOT = Path(__file__).parent.parent
PAPER = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
SCHEMA = yaml.safe_load((ROOT / "config" / "schema.yaml").read_text())


def changed(path, value):
    config = copy.deepcopy(PAPER)
    *parents, last = path.split(".")
    place = config
    for key in parents:
        place = place[int(key) if isinstance(place, list) else key]
    place[last] = value
    return config


def resolved(schema):
    return {**SCHEMA["$defs"].get(schema.get("$ref", "").rpartition("/")[2], {}), **schema}


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("tagret_label", 1, "config: unknown key 'tagret_label'; allowed are allow_cpu, attacks"),
        ("defenses.hp.epsilon", 0, "defenses.hp.epsilon: found 0, allowed is greater than 0"),
        ("defenses.hp.alpha", 0, "defenses.hp.alpha: found 0, allowed is greater than 0"),
        ("defenses.hp.alpha", 1.5, "defenses.hp.alpha: found 1.5, allowed is at most 1"),
        ("defenses.hp.epsilon", "6e-1", "defenses.hp.epsilon: found '6e-1', allowed is a value of type number"),
        ("defenses.hp.select", "count", "defenses.hp.select: found 'count', allowed is text like"),
        ("defenses.hp.alpah", 0.5, "defenses.hp: unknown key 'alpah'; allowed are alpha, direction, epsilon"),
        ("defenses.hpp", {}, "defenses: 'hpp' is not known; there are anp, clp, fmp, fp, hp"),
        ("attacks.sig.dleta", 40, "attacks.sig: unknown key 'dleta'; allowed are delta, frequency"),
        ("attacks.badnet", {}, "attacks: 'badnet' is not known; there are badnets,"),
        ("tables.table1.grid.0.attacks", ["foo"], r"tables.table1.grid\[0\].attacks: 'foo' is not known"),
        ("tables.table1.grid.0.dataset", "mnist", r"tables.table1.grid\[0\].dataset: 'mnist' is not known"),
        ("tables.table1.extractors", ["clipp"], "tables.table1.extractors: 'clipp' is not known; there are align"),
        ("tables.table6.grid.1.poison_rate", 0.05, "is 2500 images for lc, allowed is 1 to the target class's 500"),
        ("figures.figure6.epsilons", [2], "figures.figure6.epsilons.0: found 2, allowed is at most 1"),
        ("figures.figure14.extractors", ["clipp"], "figures.figure14.extractors: 'clipp' is not known"),
        ("extractors.simclr.weights", "x", "extractors.simclr: unknown key 'weights'; allowed are batch"),
        ("simclr.epoch", 1, "simclr: unknown key 'epoch'; allowed are batch, chunk, epochs"),
        ("tables.table1.defenses", ["abc"], "tables.table1.defenses: 'abc' is not known"),
        ("tables.table1.defenses", ["random"], "tables.table1.defenses: 'random' belongs under controls"),
        ("tables.table1.controls", ["fp"], "tables.table1.controls: 'fp' belongs under defenses"),
        ("tables.table1.grid.0.poison_rate", 0, "tables.table1.grid.0.poison_rate: found 0, allowed is greater than 0"),
        ("tables.table1.grid.0.poison_rate", 1, "tables.table1.grid.0.poison_rate: found 1, allowed is less than 1"),
        ("tables.table1.grid.0.poison_rate", 0.2, "is 10000 images for lc, allowed is 1 to the target class's 5000"),
        ("tables.table1.grid.2.poison_rate", 0.05, "is 1960 images for lc, allowed is 1 to the target class's 210"),
        ("tables.table1.grid.1.dataset", "cifar10", r"grid\[1\]: badnets stands twice for cifar10 at this rate"),
        ("tables.table2.defenses", ["fp"], "tables.table2.defenses: 'fp' is not known; there are abl, clp"),
        ("network_defenses.abl.flood", 1, "network_defenses.abl: unknown key 'flood'; allowed are batch, finetune"),
        ("hid.pruned", [], "hid.pruned: found"),
        ("attacks.wanet.cover_ratio", 19.5, "attacks.wanet.cover_ratio: 2500 poisoned and 48750 cover images"),
        ("target_label", 43, "target_label: found 43, cifar10 has labels 0 to 9"),
        ("datasets.cifar10.train", 60000, "datasets.cifar10.train: found 60000, allowed is at most 50000"),
        ("datasets.mnist", {}, "datasets: 'mnist' is not known; there are cifar10, cifar100, gtsrb"),
        (
            "extractors.clip.hub",
            "a/b",
            "extractors.clip.(revision|sha256): found None, allowed is a value of type string",
        ),
        ("seeds", [], "seeds: found \\[\\], allowed is at least 1 entries"),
        ("device", "gpu", "device: found 'gpu', allowed is one of cuda or cpu"),
        ("classifier.epochs", "many", "classifier.epochs: found 'many', allowed is a value of type integer"),
        ("tables.table1.grid.0.rate", 1, "tables.table1.grid.0: unknown key 'rate'"),
    ],
)
def test_wrong_configurations(path, value, sentence):
    with pytest.raises(HolderError, match=sentence) as caught:
        checking.check(changed(path, value))
    assert "\n" not in str(caught.value)


def test_both_shipped_configurations_are_right():
    quick = copy.deepcopy(PAPER)
    update_config(quick, yaml.safe_load((ROOT / "config" / "quick.yaml").read_text()))
    checking.check(quick)
    checking.check(copy.deepcopy(PAPER))


def test_defaults_of_the_schema_are_the_shipped_paper_configuration():
    filled = checking.check({key: copy.deepcopy(PAPER[key]) for key in ("tables", "figures")})
    assert filled == checking.check(copy.deepcopy(PAPER))


@pytest.mark.parametrize("kind", ["attacks", "defenses", "extractors", "network_defenses"])
def test_defaults_of_the_schema_are_those_of_the_functions(kind):
    for name, schema in SCHEMA["properties"][kind]["properties"].items():
        own = checking.defaults(kind, name)
        keys = resolved(schema)["properties"]
        assert set(own) == set(keys) - {"hub", "revision"}
        assert {k: keys[k]["default"] for k in own} == own


def test_every_key_has_a_description_a_type_and_a_default():
    figures = SCHEMA["properties"]["figures"]["properties"].values()
    asked_for = {key for figure in figures for key in figure.get("required", [])}  # by some figures, not by others

    def walk(schema, where):
        schema = resolved(schema)
        assert schema.get("description"), where
        assert "type" in schema or "enum" in schema, where
        for key, child in schema.get("properties", {}).items():
            required = key in schema.get("required", []) or ("figures" in where and key in asked_for)
            assert required or "default" in resolved(child), f"{where}.{key} has no default"
            walk(child, f"{where}.{key}")
        if isinstance(schema.get("items"), dict) and "properties" in schema["items"]:
            walk(schema["items"], f"{where}[]")

    walk(SCHEMA, "config")


def test_a_module_of_ones_own_is_checked_against_its_signature(monkeypatch, tmp_path):
    for kind in ("attacks", "defenses", "extractors", "datasets", "network_defenses"):
        (tmp_path / kind).mkdir()
        for file in (registry.ROOT / kind).glob("*.py"):
            (tmp_path / kind / file.name).write_text(file.read_text())
    (tmp_path / "attacks" / "mine.py").write_text(
        "CLEAN_LABEL = False\ndef apply(images, fitted, *, power=2):\n    ...\n"
    )
    monkeypatch.setattr(registry, "ROOT", tmp_path)
    config = changed("attacks.mine", {"power": 3})
    config["tables"]["table1"]["grid"][0]["attacks"].append("mine")
    assert checking.settings(checking.check(config), "attacks", "mine") == {"power": 3}
    with pytest.raises(HolderError, match="attacks.mine: unknown key 'pover'; allowed are power"):
        checking.check(changed("attacks.mine", {"pover": 3}))
