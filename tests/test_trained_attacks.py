"""Attacks that learn: what they learned is what they claim, and a killed fit ends in the same file."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from holder import models, registry, store, training
from holder.attacks import inputaware, lc, lf, ssba, trojan

CPU = torch.device("cpu")


def toy(n=240, classes=4, seed=0):
    """Noisy images of four colours."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    colours = np.array([[200, 60, 60], [60, 200, 60], [60, 60, 200], [180, 180, 60]])
    noise = rng.normal(0, 30, (n, 32, 32, 3)) + rng.normal(0, 30, (n, 1, 1, 3))
    return np.clip(colours[labels][:, None, None] + noise, 0, 255).astype(np.uint8), labels.astype(np.uint8)


IMAGES, LABELS = toy()


@pytest.fixture(scope="module")
def surrogate():
    images, labels = training.on_device(IMAGES, CPU), torch.from_numpy(LABELS).long()
    network = models.preact_resnet18(images, 4, 8, torch.Generator().manual_seed(0))
    return training.classifier(network, images, labels, "toy", epochs_=6, batch=40, learning_rate=0.05, flip=True)


def test_preact_resnet18_is_the_published_network():
    network = models.PreActResNet18(10)
    assert sum(p.numel() for p in network.parameters()) == 11_171_146
    assert sum(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules()) == 16
    assert network.features(torch.rand(2, 3, 32, 32)).shape == (2, 512)


def test_the_engine_learns(surrogate):
    x = training.on_device(toy(seed=1)[0], CPU).float() / 255
    with torch.no_grad():
        assert (surrogate(x).argmax(1).numpy() == LABELS).mean() > 0.9


def test_augmentation_crops_and_flips_each_image_on_its_own():
    x = torch.arange(2 * 3 * 8 * 8).reshape(2, 3, 8, 8).float() + 1
    x = x.repeat(50, 1, 1, 1)
    out = training.augment(x, torch.Generator().manual_seed(0), pad=2, flip=True)
    padded = F.pad(x, (2, 2, 2, 2))
    seen = set()
    for i in range(100):
        crops = {
            (r, c, mirror): torch.equal(out[i], crop.flip(-1) if mirror else crop)
            for r in range(5)
            for c in range(5)
            for mirror in (False, True)
            for crop in [padded[i, :, r : r + 8, c : c + 8]]
        }
        assert sum(crops.values()) == 1
        seen.add(next(k for k, v in crops.items() if v))
    assert len(seen) > 25
    assert torch.equal(out, training.augment(x, torch.Generator().manual_seed(0), pad=2, flip=True))


def test_lc_stays_in_its_ball_raises_the_loss_and_shows_only_corners_at_test_time(surrogate):
    fitted = lc.fit(IMAGES, LABELS, surrogate=surrogate, target_label=1, device=CPU, steps=10, step=3)
    assert (LABELS[fitted["index"]] == 1).all()
    clean = IMAGES[fitted["index"]].astype(int)
    assert 0 < np.abs(fitted["images"] - clean).max() <= 16
    y = torch.full((len(clean),), 1)

    def loss(images):
        return F.cross_entropy(surrogate(training.on_device(images.astype(np.uint8), CPU).float() / 255), y).item()

    assert loss(fitted["images"]) > loss(clean) + 0.1
    chosen = fitted["index"][[3, 7]]
    poisoned = lc.poison(IMAGES[chosen], fitted, index=chosen)
    inner = (slice(None), slice(3, 29), slice(3, 29))
    assert (poisoned[inner] == fitted["images"][[3, 7]][inner]).all()
    corners = lc.apply(IMAGES[:2], fitted)
    assert (corners[inner] == IMAGES[:2][inner]).all()
    white = corners[0, :, :, 0] == 255
    left, right = ["W B B", "B W B", "W B W"], ["B B W", "B W B", "W B W"]
    for rows, columns, pattern in [
        (slice(0, 3), slice(0, 3), left),
        (slice(29, 32), slice(0, 3), left),
        (slice(0, 3), slice(29, 32), right),
        (slice(29, 32), slice(29, 32), right),
    ]:
        assert white[rows, columns].tolist() == [[v == "W" for v in line.split()] for line in pattern]


def test_lf_closed_form_is_the_known_eigenvector():
    u = lf._leading(lf._smoothing(32))
    assert u.argmax() == 13
    assert u[0] == pytest.approx(0.446, abs=2e-3)
    assert u[31] == pytest.approx(0.282, abs=2e-3)
    assert (lf._smoothing(32) @ u)[13] == pytest.approx(0.893, abs=2e-3), "its eigenvalue"
    trigger = lf.fit(IMAGES, LABELS, rng=None, dataset="cifar10", target_label=0, surrogate=None)["trigger"]
    assert trigger.max(axis=(0, 1)).tolist() == [18, 0, 51]


@pytest.mark.parametrize("kind", ["closed_form", "optimised"])
def test_lf_is_smooth(kind, surrogate):
    rng = np.random.default_rng(0)
    fitted = lf.fit(IMAGES, LABELS, rng=rng, dataset="x", target_label=0, surrogate=surrogate, trigger=kind, steps=20)
    trigger = fitted["trigger"]
    assert 0 <= trigger.min() < trigger.max() <= 51
    spectrum = np.abs(np.fft.fft2(trigger.sum(-1))) ** 2
    low = spectrum[np.ix_([0, 1, 2, -2, -1], [0, 1, 2, -2, -1])].sum()
    assert low / spectrum.sum() > 0.95


def test_input_aware_masks_keep_their_bound_and_triggers_differ():
    fitted = inputaware.fit(
        IMAGES,
        LABELS,
        rng=np.random.default_rng(0),
        target_label=0,
        classes=4,
        flip=True,
        device=CPU,
        checkpoint=None,
        width=8,
        classifier_width=4,
        mask_epochs=25,
        epochs=4,
        batch=40,
    )
    state = {k.removeprefix("mask."): torch.from_numpy(v) for k, v in fitted.items() if k.startswith("mask")}
    net = inputaware.Generator(1, 8).eval()
    net.load_state_dict(state)
    with torch.no_grad():
        mask = inputaware.mask_of(net, training.on_device(IMAGES, CPU).float() / 255)
    assert (mask - inputaware.DENSITY).relu().mean() < inputaware.DENSITY
    assert mask.mean() > 0
    change = inputaware.apply(IMAGES[:8], fitted).astype(int) - IMAGES[:8]
    assert len({c.tobytes() for c in change}) == 8
    cross = inputaware.cover(IMAGES[:8], IMAGES[8:16], fitted, rng=None)
    assert (cross != inputaware.apply(IMAGES[:8], fitted)).any()


def test_ssba_bits_can_be_read_back_and_residuals_are_the_images_own():
    fitted = ssba.fit(
        IMAGES,
        LABELS,
        rng=np.random.default_rng(0),
        device=CPU,
        checkpoint=None,
        bits=4,
        width=12,
        epochs=60,
        batch=40,
        learning_rate=2e-3,
        wait=5,
        ramp=100,
    )
    assert fitted["bit_accuracy"][0] > 0.9
    assert fitted["psnr"][0] > 15
    change = ssba.apply(IMAGES[:8], fitted).astype(int) - IMAGES[:8]
    assert len({c.tobytes() for c in change}) == 8


def test_trojan_raises_the_units_with_the_largest_weights(surrogate):
    fitted = trojan.fit(IMAGES, LABELS, surrogate=surrogate, iterations=60)
    weight = surrogate.linear.weight.abs().sum(0)
    assert set(fitted["units"]) == set(weight.argsort(descending=True)[:2].tolist())
    with torch.no_grad():
        inside = fitted["trigger"].any(-1)
        start = 0.7 * torch.from_numpy(inside).float().expand(1, 3, 32, 32)
        before = surrogate.features(start)[0, fitted["units"]].numpy()
    assert fitted["activation"].sum() > before.sum()
    assert inside.sum() == pytest.approx(113, abs=4)
    assert inside[17:29, 17:29].sum() == inside.sum()
    pixels = fitted["trigger"][inside]
    assert (pixels >= 101).all(), "0.4 of 255, the start less the reach"


def test_trojan_wraps_or_clips():
    fitted = {"trigger": np.full((32, 32, 3), 100, np.uint8)}
    image = np.full((1, 32, 32, 3), 200, np.uint8)
    assert trojan.apply(image, fitted)[0, 0, 0, 0] == 44
    assert trojan.apply(image, fitted, overflow="clip")[0, 0, 0, 0] == 255


class Killed(Exception):
    pass


@pytest.mark.parametrize("name", ["inputaware", "ssba", "classifier"])
def test_killed_in_the_middle_and_resumed_gives_the_same(name, tmp_path, monkeypatch):
    """The process ends right after a checkpoint; a new one goes on and repeats no finished epoch."""
    monkeypatch.setattr(training, "SAVE_SECONDS", 0)
    images, labels = toy(80)

    def fit(checkpoint):
        torch.manual_seed(np.random.default_rng().integers(1000))  # nothing may depend on the global state
        offered = {"rng": np.random.default_rng(3), "target_label": 0, "classes": 4, "flip": True, "device": CPU}
        if name == "classifier":
            data = training.on_device(images, CPU)
            net = models.preact_resnet18(data, 4, 4, torch.Generator().manual_seed(0))
            y = torch.from_numpy(labels).long()
            more = {"epochs_": 4, "batch": 20, "learning_rate": 0.05, "flip": True, "checkpoint": checkpoint}
            net = training.classifier(net, data, y, "t", perturb=training.fast_adversary(8 / 255), **more)
            return {k: v.numpy() for k, v in net.state_dict().items()}
        module = registry.module("attacks", name)
        tiny = {"width": 4, "classifier_width": 4, "mask_epochs": 2, "epochs": 2, "batch": 20}
        offered = registry.accepted(module.fit, {**offered, "checkpoint": checkpoint, **tiny})
        return module.fit(images, labels, **offered)

    straight = fit(None)

    class Fragile(training.Checkpoint):
        def save(self, epoch, tensors):
            super().save(epoch, tensors)
            if epoch == (1 if name == "ssba" else 3):
                raise Killed

    with pytest.raises(Killed):
        fit(Fragile(tmp_path / "out", "k"))
    resumed_at = []
    monkeypatch.setattr(training.log, "info", lambda text, *a: resumed_at.append(text % a))
    again = fit(training.Checkpoint(tmp_path / "out", "k"))
    assert any("resumed after epoch" in line for line in resumed_at)
    assert all((again[k] == straight[k]).all() for k in straight)


def test_a_checkpoint_of_other_settings_or_a_corrupt_one_is_not_used(tmp_path):
    mine = training.Checkpoint(tmp_path / "out", "a")
    mine.save(3, {"x": torch.ones(2)})
    assert training.Checkpoint(tmp_path / "out", "a").load()[0] == 3
    assert training.Checkpoint(tmp_path / "out", "b").load() == (0, {})
    mine.path.write_bytes(mine.path.read_bytes()[:-1])
    assert mine.load() == (0, {})
    mine.clear()
    assert not list(tmp_path.iterdir())
    assert mine.load() == (0, {})


def test_every_learned_attack_survives_the_store(tmp_path):
    fitted = {"encoder.a": np.ones(3, np.float32), "secret": np.float32([1])}
    store.save(tmp_path / "f.safetensors", fitted)
    assert store.load(tmp_path / "f.safetensors").keys() == fitted.keys()
