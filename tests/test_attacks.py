"""Triggers pixel by pixel, against the formulas written out naively."""

import numpy as np
import pytest
import torch

from holder import models, registry

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
TINY = {
    "lc": {"steps": 2},
    "inputaware": {"width": 4, "classifier_width": 4, "mask_epochs": 1, "epochs": 1, "batch": 6},
    "ssba": {"width": 4, "epochs": 1},
    "trojan": {"iterations": 3},
}


def attack(name):
    return registry.module("attacks", name)


def fitted(name):
    module = attack(name)
    if not hasattr(module, "fit"):
        return {}
    offered = {
        "rng": np.random.default_rng(1),
        "dataset": "cifar10",
        "classes": 2,
        "flip": False,
        "target_label": 0,
        "device": torch.device("cpu"),
        "checkpoint": None,
        "surrogate": models.PreActResNet18(2, 4).eval(),
        **TINY.get(name, {}),
    }
    labels = np.arange(len(IMAGES)) % 2
    return module.fit(IMAGES, labels, **registry.accepted(module.fit, offered))


@pytest.mark.parametrize("name", registry.names("attacks"))
def test_apply_keeps_shape_input_and_does_not_depend_on_the_batch(name):
    before, state = IMAGES.copy(), fitted(name)
    out = attack(name).apply(IMAGES, state)
    assert out.shape == IMAGES.shape
    assert out.dtype == np.uint8
    assert (before == IMAGES).all(), "the input was changed in place"
    one_by_one = np.concatenate([attack(name).apply(IMAGES[i : i + 1], state) for i in range(len(IMAGES))])
    assert (out == one_by_one).all()
    assert (out != IMAGES).any(axis=(1, 2, 3)).all(), "some image carries no trigger"


def test_badnets_is_a_white_square_bottom_right():
    out = attack("badnets").apply(IMAGES, {})
    assert (out[:, 29:32, 29:32] == 255).all()
    untouched = np.ones((32, 32), bool)
    untouched[29:32, 29:32] = False
    assert (out[:, untouched] == IMAGES[:, untouched]).all()
    assert (attack("badnets").apply(IMAGES, {}, size=5)[:, 27:, 27:] == 255).all()


def test_sig_adds_the_sinusoid_of_its_column():
    out = attack("sig").apply(IMAGES, {}).astype(int)
    grey = np.full((1, 32, 32, 3), 128, np.uint8)
    shift = attack("sig").apply(grey, {})[0, 5, :16, 1].astype(int) - 128
    assert shift.tolist() == [0, 37, 28, -15, -40, -15, 28, 37, 0, -37, -28, 15, 40, 15, -28, -37]
    for n, r, c, k in [(0, 0, 0, 0), (1, 3, 4, 1), (2, 31, 31, 2), (3, 10, 12, 0)]:
        value = IMAGES[n, r, c, k] + 40 * np.sin(2 * np.pi * c * 6 / 32)
        assert out[n, r, c, k] == min(max(round(value), 0), 255)


def test_sig_is_clean_label_and_the_others_are_not():
    assert {name: attack(name).CLEAN_LABEL for name in ("badnets", "sig", "wanet", "bpp")} == {
        "badnets": False,
        "sig": True,
        "wanet": False,
        "bpp": False,
    }


def test_bpp_leaves_eight_levels_each_the_nearest():
    out = attack("bpp").apply(IMAGES, {})
    levels = [round(k / 7 * 255) for k in range(8)]
    assert set(np.unique(out)) <= set(levels)
    for value in range(256):
        image = np.full((1, 2, 2, 3), value, np.uint8)
        assert attack("bpp").apply(image, {})[0, 0, 0, 0] == levels[round(value / 255 * 7)]


def test_wanet_reads_each_pixel_where_the_field_says():
    state = fitted("wanet")
    assert state["grid"].shape == (2, 4, 4)
    assert np.abs(state["grid"]).mean() == pytest.approx(1, abs=1e-6)
    field = np.stack([_bicubic(g, 32) for g in state["grid"]], -1)
    out = attack("wanet").apply(IMAGES, state).astype(int)
    axis = np.linspace(-1, 1, 32)
    for n, r, c in [(0, 0, 0), (1, 7, 20), (2, 31, 31), (3, 16, 3), (4, 30, 1)]:
        x, y = np.clip(np.array([axis[c], axis[r]]) + 0.5 * field[r, c] / 32, -1, 1)
        expected = _bilinear(IMAGES[n].astype(float), (y + 1) / 2 * 31, (x + 1) / 2 * 31)
        assert np.abs(out[n, r, c] - expected).max() <= 0.51


def test_wanet_with_no_strength_changes_nothing():
    assert (attack("wanet").apply(IMAGES, fitted("wanet"), s=0) == IMAGES).all()


def _bilinear(image, y, x):
    y0, x0 = min(int(y), 30), min(int(x), 30)
    fy, fx = y - y0, x - x0
    top = image[y0, x0] * (1 - fx) + image[y0, x0 + 1] * fx
    bottom = image[y0 + 1, x0] * (1 - fx) + image[y0 + 1, x0 + 1] * fx
    return top * (1 - fy) + bottom * fy


def _bicubic(grid, size):
    """Keys' cubic convolution with a = −0.75, corners aligned, border repeated."""

    def weight(t, a=-0.75):
        t = abs(t)
        if t <= 1:
            return (a + 2) * t**3 - (a + 3) * t**2 + 1
        return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0

    k = len(grid)
    matrix = np.zeros((size, k))
    for i in range(size):
        at = i * (k - 1) / (size - 1)
        base = int(np.floor(at))
        for j in range(base - 1, base + 3):
            matrix[i, min(max(j, 0), k - 1)] += weight(at - j)
    return matrix @ grid @ matrix.T
