"""Which images are poisoned, and what the overlays hold."""

import numpy as np
import pytest

from holder import poisoning, registry
from holder.errors import HolderError
from holder.seeds import generator

LABELS = np.repeat(np.arange(10), 100).astype(np.uint8)
IMAGES = np.random.default_rng(0).integers(0, 256, (1000, 32, 32, 3), dtype=np.uint8)


def test_dirty_label_draws_from_every_class_and_only_relabels_those():
    index = poisoning.choose(LABELS, 0.05, 0, False, generator(1))
    assert len(index) == 50
    assert (np.diff(index) > 0).all()
    assert len(set(LABELS[index])) > 5
    overlay = poisoning.poison(registry.module("attacks", "badnets"), IMAGES, LABELS, {}, 0.05, 3, generator(1), {})
    assert overlay["index"].tolist() == poisoning.choose(LABELS, 0.05, 3, False, generator(1)).tolist()
    index = overlay["index"]
    assert (overlay["labels"] == 3).all()
    assert (overlay["images"][:, 29:, 29:] == 255).all()
    joined = poisoning.laid_over(LABELS, overlay["index"], overlay["labels"])
    rest = np.setdiff1d(np.arange(1000), index)
    assert (joined[rest] == LABELS[rest]).all()


def test_clean_label_stays_in_the_target_class_and_keeps_its_labels():
    index = poisoning.choose(LABELS, 0.05, 4, True, generator(1))
    assert len(index) == 50
    assert (LABELS[index] == 4).all()
    overlay = poisoning.poison(registry.module("attacks", "sig"), IMAGES, LABELS, {}, 0.05, 4, generator(1), {})
    assert (overlay["labels"] == LABELS[overlay["index"]]).all()


def test_the_poison_rate_is_a_share_of_all_training_images():
    for rate in (0.001, 0.01, 0.1):
        assert len(poisoning.choose(LABELS, rate, 0, False, generator(0))) == round(1000 * rate)


def test_a_rate_that_the_target_class_cannot_give_is_refused():
    with pytest.raises(HolderError, match=r"poison_rate 0.2 of 1000 training images is 200 images, and 100"):
        poisoning.choose(LABELS, 0.2, 0, True, generator(0))
    with pytest.raises(HolderError, match="is 0 images"):
        poisoning.choose(LABELS, 0.0001, 0, False, generator(0))


def test_the_draw_depends_on_the_coordinates_only():
    def draw(*where):
        return poisoning.choose(LABELS, 0.05, 0, False, generator(*where)).tolist()

    assert draw("poison", "cifar10", 0) == draw("poison", "cifar10", 0)
    assert draw("poison", "cifar10", 0) != draw("poison", "cifar10", 1)


def test_triggered_test_images_leave_the_target_class_out_and_keep_true_labels():
    triggered = poisoning.trigger(registry.module("attacks", "badnets"), IMAGES, LABELS, {}, 7, {})
    assert len(triggered["labels"]) == 900
    assert 7 not in triggered["labels"]
    assert (triggered["labels"] == LABELS[triggered["index"]]).all()


def test_an_attack_may_poison_otherwise_than_it_triggers():
    class Attack:
        CLEAN_LABEL = True
        apply = staticmethod(lambda images, fitted: images)
        poison = staticmethod(lambda images, fitted: images // 2 + fitted["offset"])

    overlay = poisoning.poison(Attack, IMAGES, LABELS, {"offset": np.uint8(1)}, 0.02, 0, generator(0), {})
    assert (overlay["images"] == IMAGES[overlay["index"]] // 2 + 1).all()


@pytest.mark.parametrize("name", ["wanet", "bpp"])
def test_cover_images_are_others_keep_their_labels_and_carry_another_change(name):
    attack = registry.module("attacks", name)
    fitted = attack.fit(IMAGES, LABELS, rng=generator(0)) if hasattr(attack, "fit") else {}
    overlay = poisoning.poison(attack, IMAGES, LABELS, fitted, 0.05, 0, generator(1), {}, attack.COVER_RATIO)
    role, index = overlay["role"], overlay["index"]
    assert (role == poisoning.POISON).sum() == 50
    assert (role == poisoning.COVER).sum() == 100
    assert len(np.unique(index)) == 150
    cover = role == poisoning.COVER
    assert (overlay["labels"][cover] == LABELS[index[cover]]).all()
    assert (overlay["images"][cover] != IMAGES[index[cover]]).any(axis=(1, 2, 3)).all()
    assert (overlay["images"][cover] != attack.apply(IMAGES[index[cover]], fitted)).any(axis=(1, 2, 3)).all()
    without = poisoning.poison(attack, IMAGES, LABELS, fitted, 0.05, 0, generator(1), {})
    assert (without["index"] == index[~cover]).all(), "cover images change nothing about the poisoned ones"


def test_more_cover_images_than_there_are_is_refused():
    attack = registry.module("attacks", "bpp")
    with pytest.raises(HolderError, match="cover_ratio 3 asks for 1200 cover images, 600 are left"):
        poisoning.poison(attack, IMAGES, LABELS, {}, 0.4, 0, generator(1), {}, 3)
