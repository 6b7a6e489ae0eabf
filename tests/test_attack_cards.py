"""Measures on triggers whose properties are known."""

import numpy as np
import pandas as pd
import pytest

from holder import attack_cards, registry

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(40, 200, (12, 32, 32, 3), dtype=np.uint8)


def card(name, fitted=None):
    return attack_cards.measure(IMAGES, registry.module("attacks", name).apply(IMAGES, fitted or {}))


def test_a_patch_is_local_visible_and_the_same_everywhere():
    found = card("badnets")
    assert found["changed_pixels"] == pytest.approx(9 / 1024)
    assert found["same_trigger"] == 1
    assert found["contrast"] == pytest.approx(np.abs(255.0 - IMAGES[:, 29:, 29:]).mean())
    assert found["linf"] == np.abs(255 - IMAGES[:, 29:, 29:].astype(int)).max()


def test_psnr_is_that_of_the_mean_squared_error():
    off = IMAGES + np.uint8(5)
    assert attack_cards.measure(IMAGES, off)["psnr"] == pytest.approx(10 * np.log10(255**2 / 25))


def test_quantisation_is_the_images_own_and_global():
    found = card("bpp")
    assert found["same_trigger"] < 0.5
    assert found["changed_pixels"] > 0.9


def test_feature_shift_is_relative_to_the_distance_between_images():
    clean = RNG.random((50, 4))
    index = np.arange(10, 30)
    assert attack_cards.feature_shift(clean, clean[index], index) == 0
    small, large = (attack_cards.feature_shift(clean, clean[index] + d, index) for d in (0.01, 0.1))
    assert large == pytest.approx(10 * small)


def test_table9_compares_what_is_printed_and_nothing_else():
    attacks = pd.DataFrame([{"attack": "badnets", "labels_changed": 0.9, **card("badnets")}])
    printed = pd.DataFrame(
        [{"attack": "badnets", **dict.fromkeys(attack_cards.CRITERIA, np.nan), "patch": 1, "blend": 1}]
    )
    table = attack_cards.table9(attacks, printed).set_index("criterion")
    assert [bool(table.loc[c, "agrees"]) for c in ("patch", "blend")] == [True, False]
    assert table.loc["visible", "printed"] == ""
    assert table.loc["visible", "derived"] == 1
    assert table.loc["clean_label", "derived"] == 0
