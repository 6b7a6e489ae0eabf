"""Modules that a reader could write by mistake: each is refused with one sentence."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from holder import contract, registry
from holder.errors import HolderError

GOOD = {
    "attacks": "CLEAN_LABEL = False\ndef apply(images, fitted):\n    return images\n",
    "defenses": "def prune(head, z, y, *, generator, u=1.0):\n    return None, 0\n",
    "network_defenses": 'NEEDS = ("network",)\ndef defend(given):\n    return None, {}\n',
    "extractors": "WIDTH = 4\nWEIGHTS = []\ndef build(state):\n    return None\n",
    "datasets": "CLASSES = 2\nTRAIN = 4\nTEST = 2\nTRAIN_PER_CLASS = 2\nSHA256 = None\nSOURCES = ()\n",
}


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write the source of a module `mine` of a kind into a registry of its own."""
    monkeypatch.setattr(registry, "ROOT", tmp_path)

    def write(kind, source):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "mine.py").write_text(source)
        registry._source.cache_clear()

    yield write
    registry._source.cache_clear()


@pytest.mark.parametrize("kind", GOOD)
def test_the_smallest_module_of_each_kind_is_enough(kind, written):
    written(kind, GOOD[kind])
    contract.module(kind, "mine")


@pytest.mark.parametrize(
    ("kind", "old", "new", "sentence"),
    [
        ("attacks", "CLEAN_LABEL = False", "", "attacks.mine: CLEAN_LABEL is missing; allowed is a literal bool"),
        ("attacks", "False", '"no"', "CLEAN_LABEL is 'no'"),
        ("attacks", "def apply", "def aply", "'apply' is missing"),
        ("attacks", "def apply", "def cover(): pass\ndef apply", "'cover' is there and COVER_RATIO is not"),
        ("attacks", "return", "retrun", "line 3 of its file is no Python"),
        ("defenses", "prune", "score", "'prune' is missing"),
        ("network_defenses", '("network",)', '("netwrok",)', "NEEDS names 'netwrok'; allowed is network, simclr"),
        ("network_defenses", '("network",)', '("network")', "NEEDS is 'network'; allowed is a literal tuple"),
        ("extractors", "WEIGHTS = []", "", "'WEIGHTS' is missing"),
        ("extractors", "WIDTH = 4", "WIDTH = 2 * 2", "WIDTH is missing; allowed is a literal int on a line of its own"),
        ("datasets", "CLASSES = 2\nTRAIN = 4", "CLASSES, TRAIN = 2, 4", "CLASSES is missing"),
        ("datasets", "SOURCES = ()", "", "'SOURCES' is missing"),
    ],
)
def test_what_a_module_lacks_is_said_before_anything_runs(kind, old, new, sentence, written):
    written(kind, GOOD[kind].replace(old, new))
    with pytest.raises(HolderError) as error:
        contract.module(kind, "mine")
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_a_default_that_is_no_literal_is_named(written):
    written("defenses", GOOD["defenses"].replace("u=1.0", "u=[1.0][0]"))
    with pytest.raises(HolderError, match=r"defenses.mine: the default of 'u' is \[1.0\]\[0\]; allowed is a literal"):
        registry.settings("defenses", "mine", "prune")


def test_a_word_for_a_number_is_refused():
    with pytest.raises(HolderError, match="attacks.mine.alpha: found 'high'; allowed is a number"):
        contract.settings("attacks", "mine", {"alpha": "high"}, {"alpha": 0.2})
    contract.settings(
        "attacks", "mine", {"alpha": 1, "kind": "a", "any": "a"}, {"alpha": 0.2, "kind": "b", "any": None}
    )


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (torch.zeros(8), "prune returned Tensor"),
        ((torch.zeros(5), 3), r"scores have shape \(5,\)"),
        ((torch.full((8,), torch.nan), 3), "NaN"),
        ((torch.zeros(8), -3), "the count is -3; allowed is an int from 0 to 8"),
        ((torch.zeros(8), 9), "the count is 9"),
        ((torch.zeros(8), 2.5), "the count is 2.5"),
        ((torch.zeros(8), None), "or None with CONTROL = True"),
    ],
)
def test_a_rankings_mistakes(returned, sentence):
    with pytest.raises(HolderError, match=sentence):
        contract.pruning("fp", returned, 8)


def test_a_control_has_no_count_and_a_defense_has_one():
    assert contract.pruning("random", (torch.zeros(8), None), 8)[1] is None
    assert contract.pruning("fp", (torch.zeros(8), 8), 8)[1] == 8


def test_images_features_and_networks_are_looked_at_when_they_come():
    before = np.zeros((3, 32, 32, 3), np.uint8)
    for made in (before.astype(float), before[:, :16]):
        with pytest.raises(HolderError, match="attacks.badnets: images of"):
            contract.images("badnets", made, before)
    contract.features("resnet18", np.zeros((3, 4), np.float32), 3)
    with pytest.raises(HolderError, match="features have shape"):
        contract.features("resnet18", np.zeros((3, 2, 2), np.float32), 3)
    with pytest.raises(HolderError, match="not finite"):
        contract.features("resnet18", np.full((3, 4), np.nan, np.float32), 3)
    with pytest.raises(HolderError, match="network_defenses.abl: defend returned SimpleNamespace"):
        contract.defended("abl", SimpleNamespace())


def test_a_datasets_arrays_are_held_against_what_it_says():
    arrays = {"train_images": np.zeros((4, 32, 32, 3), np.uint8), "train_labels": np.array([0, 1, 0, 1], np.uint8)}
    arrays |= {"test_images": np.zeros((2, 32, 32, 3), np.uint8), "test_labels": np.array([0, 1], np.uint8)}
    contract.dataset("mine", arrays, 2, 2)
    for key, wrong, sentence in [
        ("train_images", np.zeros((4, 32, 32, 3)), "train images are float64"),
        ("test_images", np.zeros((2, 28, 28, 3), np.uint8), r"uint8 \(2, 28, 28, 3\)"),
        ("test_labels", np.array([0, 2], np.uint8), "up to 2; allowed is uint8 below CLASSES, 2"),
        ("train_labels", np.array([0, 0, 0, 1], np.uint8), r"the classes have \[3, 1\] training images"),
    ]:
        with pytest.raises(HolderError, match=sentence):
            contract.dataset("mine", {**arrays, key: wrong}, 2, [2, 2])
