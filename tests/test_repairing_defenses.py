"""NC, i-BAU, D-BR and SAU on a planted backdoor that trains in seconds, and their formulas on worked examples."""

import math

import pytest
import torch
import torch.nn.functional as F

from holder import training
from holder.defending import Given, pixels
from holder.models import load_preact_resnet18, preact_resnet18
from holder.network_defenses import dbr, ibau, nc, sau
from holder.seeds import torch_generator
from holder.splitting import CLEAN, POISONED

CLASSES, N, POISONS, TARGET = 6, 600, 80, 2
PATCH = (slice(20, 26), slice(20, 26))


def drawn(n, seed):
    """Noise images whose tint is their label."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, CLASSES, (n,), generator=generator)
    tint = torch.tensor([[90, 0, 0], [0, 90, 0], [0, 0, 90], [70, 70, 0], [0, 70, 70], [70, 0, 70]])
    images = torch.randint(40, 120, (n, 3, 32, 32), generator=generator) + tint[labels][:, :, None, None]
    return images.to(torch.uint8), labels


def triggered(images):
    out = images.clone()
    out[:, :, *PATCH] = 255
    return out


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def poisoned_set():
    images, labels = drawn(N, 0)
    images[:POISONS], labels[:POISONS] = triggered(images[:POISONS]), TARGET
    return images, labels


@pytest.fixture(scope="module")
def state():
    images, labels = poisoned_set()
    network = preact_resnet18(images, CLASSES, 8, torch_generator("toy"))
    training.classifier(network, images, labels, "toy", epochs_=7, batch=32, learning_rate=0.02, flip=False)
    return network.state_dict()


@pytest.fixture
def given(state):
    """What a defense is given; the clean data are 60 other images of the same kind."""
    images, labels = poisoned_set()
    split = torch.zeros(N, dtype=torch.int8)
    split[: POISONS // 2], split[POISONS : POISONS + 120] = POISONED, CLEAN
    clean_images, clean_labels = drawn(60, 1)
    return Given(
        images=images,
        labels=labels,
        classes=CLASSES,
        flip=False,
        width=8,
        coordinates=("toy",),
        stage=lambda name: None,
        network=state,
        split=split,
        clean_images=clean_images,
        clean_labels=clean_labels,
    )


@torch.inference_mode()
def rates(network):
    """ACC and ASR on fresh images, in %."""
    images, labels = drawn(300, 2)
    others = images[labels != TARGET]
    correct = network(pixels(images)).argmax(1) == labels
    hits = network(pixels(triggered(others))).argmax(1) == TARGET
    return 100 * float(correct.float().mean()), 100 * float(hits.float().mean())


def test_the_backdoor_is_there(state):
    acc, asr = rates(load_preact_resnet18(state))
    assert acc > 90
    assert asr > 90


SEARCH = {"search_epochs": 40, "batch": 30, "patience": 2}


def test_nc_flags_the_planted_label_finds_its_patch_and_unlearns_it(given, monkeypatch):
    reverse, triggers = nc.reverse, []
    monkeypatch.setattr(nc, "reverse", lambda *a, **settings: triggers.append(reverse(*a, **settings)) or triggers[0])
    network, facts = nc.defend(given, **SEARCH, unlearn_epochs=10)
    assert facts["flagged"] == [TARGET]
    assert len(facts["mask_norms"]) == len(facts["pattern_norms"]) == len(facts["anomaly"]) == CLASSES
    assert facts["mask_norms"][TARGET] == min(facts["mask_norms"])
    assert facts["anomaly"][TARGET] > 2
    acc, asr = rates(network)
    assert acc > 85
    assert asr < 30
    mask, _ = triggers[0].found()
    inside = mask[TARGET, 0, *PATCH].sum()
    assert inside / mask[TARGET].sum() > 4 * 6**2 / 32**2, "four times what a mask without a place would have"


def test_nc_leaves_a_network_alone_when_nothing_stands_out(given, state, monkeypatch):
    monkeypatch.setattr(nc, "flag", lambda norms: torch.zeros(0, dtype=torch.long))
    network, facts = nc.defend(given, search_epochs=1, batch=30)
    assert facts["flagged"] == []
    assert all(torch.equal(v, state[k]) for k, v in network.state_dict().items())


def test_the_anomaly_index_on_an_example():
    norms = torch.tensor([10.0, 11.0, 12.0, 13.0, 2.0, 30.0, 12.0])
    # median 12, absolute deviations 2 1 0 1 10 18 0 with median 1
    expected = torch.tensor([2.0, 1.0, 0.0, 1.0, 10.0, 18.0, 0.0]) / 1.4826
    torch.testing.assert_close(nc.anomaly(norms), expected)
    assert nc.flag(norms).tolist() == [4], "30 stands out above the median, which no backdoor explains"
    assert nc.flag(torch.tensor([1.0, 1.5, 50.0, 51.0, 52.0, 53.0, 54.0])).tolist() == [0, 1]
    assert nc.flag(torch.full((5,), 7.0)).tolist() == []


def test_labels_in_one_batch_take_the_steps_that_each_takes_alone(given, state, monkeypatch):
    monkeypatch.setattr(nc, "bfloat16", lambda device: False)
    network = load_preact_resnet18(state)
    given = given._replace(clean_images=given.clean_images[:12])
    together = nc.reverse(given, network, epochs_=3, batch=6)
    in_parts = nc.reverse(given, network, epochs_=3, batch=6, chunk=13)
    alone = nc.Triggers(CLASSES, (3, 32, 32), 0.001, torch_generator("toy", "start"))
    alone.active[:] = torch.arange(CLASSES) == 4
    monkeypatch.setattr(nc, "Triggers", lambda *a: alone)
    nc.reverse(given, network, epochs_=3, batch=6)
    torch.testing.assert_close(in_parts.mask, together.mask, atol=2e-3, rtol=0)
    torch.testing.assert_close(alone.mask[4], together.mask[4], atol=2e-3, rtol=0)
    assert (together.mask[4] - together.mask[3]).abs().max() > 0.05, "labels do not share a mask"


def test_costs_rise_and_fall_label_by_label_and_a_label_is_done_after_both():
    triggers = nc.Triggers(3, (3, 4, 4), 1.0, torch.Generator().manual_seed(0))
    rules = {"threshold": 0.98, "patience": 2, "stop_patience": 2, "stop_ratio": 0.99}
    for success in ([1.0, 0.5, 0.5], [1.0, 0.5, 1.0]):
        triggers.adapt(torch.tensor(success), **rules)
    assert triggers.cost.tolist() == pytest.approx([2, 2**-1.5, 1])
    assert triggers.best_norm.isinf().tolist() == [False, True, False]
    assert triggers.active.all()
    for _ in range(2):
        triggers.adapt(torch.tensor([0.0, 0.0, 0.0]), **rules)
    assert triggers.cost.tolist() == pytest.approx([2 * 2**-1.5, 2**-3, 2**-1.5])
    assert triggers.active.tolist() == [False, True, True], "the second never rose, nor did the third"
    mask, _ = triggers.found()
    torch.testing.assert_close(mask, triggers.shown(torch.arange(3))[0].detach())


def test_the_hypergradient_of_a_quadratic_is_the_analytic_one():
    """h = δᵀHδ/2 − δᵀAθ has its minimum at H⁻¹Aθ; F = |δ − b|²/2 + |θ|²/2."""
    generator = torch.Generator().manual_seed(0)
    a, b, theta = (torch.randn(s, generator=generator, dtype=torch.double) for s in ((4, 3), (4,), (3,)))
    root = torch.randn(4, 4, generator=generator, dtype=torch.double)
    h = root @ root.T / 4 + torch.eye(4, dtype=torch.double)
    theta.requires_grad_()
    delta = torch.linalg.solve(h, a @ theta.detach())

    def inner(d):
        return d @ h @ d / 2 - d @ a @ theta

    def outer(d):
        return (d - b).square().sum() / 2 + theta.square().sum() / 2

    def found(iterations):
        return ibau.hypergradient(inner, outer, delta, [theta], step=0.2, iterations=iterations)

    exact = theta.detach() + a.T @ torch.linalg.solve(h, delta - b)
    value, (gradient,) = found(400)
    torch.testing.assert_close(gradient, exact)
    torch.testing.assert_close(value, outer(delta).detach())
    contraction, neumann = torch.eye(4, dtype=torch.double) - 0.2 * h, torch.zeros(4, 4, dtype=torch.double)
    for power in range(6):  # five iterations: six terms of the series of H⁻¹
        neumann += 0.2 * torch.linalg.matrix_power(contraction, power)
    torch.testing.assert_close(found(5)[1][0], theta.detach() + a.T @ neumann @ (delta - b))


def test_ibau_weakens_the_backdoor_and_keeps_the_classes(given, state):
    before = rates(load_preact_resnet18(state))
    network, facts = ibau.defend(given, rounds=4, batch=20, learning_rate=0.001, perturbed_share=0.5)
    assert len(facts["perturbation_norms"]) == 4
    assert 0 < max(facts["perturbation_norms"]) <= 10.001
    acc, asr = rates(network)
    assert acc > 80
    assert asr < before[1] - 30


@torch.no_grad()
def loss_on(network, given, part):
    rows = given.split == part
    return float(F.cross_entropy(network(pixels(given.images[rows])), given.labels[rows]))


def test_dbr_unlearning_raises_the_poisoned_loss_and_relearning_lowers_the_clean_one(given, state):
    at = {"epochs_": 1, "batch": 32, "learning_rate": 0.01, "clip": 1.0}
    start, network = load_preact_resnet18(state), load_preact_resnet18(state)
    dbr.alternate(given, network, {"unlearn": given.split == POISONED}, **at)
    assert loss_on(network, given, POISONED) > loss_on(start, given, POISONED)
    unlearned = loss_on(network.eval(), given, CLEAN)
    dbr.alternate(given, network, {"relearn": given.split == CLEAN}, **at)
    assert loss_on(network.eval(), given, CLEAN) < unlearned


def test_dbr_as_a_whole_does_not_collapse(given, state):
    network, facts = dbr.defend(given, epochs=10, batch=32, learning_rate=0.02)
    assert facts == {"clean": 120, "poisoned": POISONS // 2}
    acc, asr = rates(network)
    assert acc > 80
    assert asr < 50


def test_sau_s_shared_examples_fool_both_models(given, state):
    network, reference = load_preact_resnet18(state), load_preact_resnet18(state)
    images, labels = given.clean_images, given.clean_labels
    training.classifier(network, images, labels, "x", epochs_=2, batch=20, learning_rate=0.001, flip=False)
    x = pixels(images)
    moved = sau.shared_examples(network, reference, x, labels)
    assert (moved - x).abs().max() <= 0.2 + 1e-6
    assert 0 <= moved.min() <= moved.max() <= 1
    with torch.inference_mode():
        before, after = ([m(z).argmax(1) for m in (network, reference)] for z in (x, moved))
    for clean, fooled in zip(before, after, strict=True):
        assert (clean == labels).float().mean() > 0.8
        assert (fooled == labels).float().mean() < 0.2
    assert (after[0] == after[1]).float().mean() > 0.9, "and they agree on what they see"


def test_divergence_and_shared_risk_on_examples():
    a, b = torch.tensor([[0.0, 0.0]]), torch.tensor([[math.log(3), 0.0]])
    p, q, m = (0.5, 0.5), (0.75, 0.25), (0.625, 0.375)
    expected = sum(x * math.log(x / z) + y * math.log(y / z) for x, y, z in zip(p, q, m, strict=True)) / 2
    assert sau.divergence(a, b).item() == pytest.approx(expected, rel=1e-5)
    assert sau.divergence(a, a).item() == pytest.approx(0, abs=1e-6)
    logits = torch.tensor([[math.log(3), 0.0, 0.0], [0.0, 0.0, 0.0]])
    reference = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    risk = sau.shared_risk(logits, reference, torch.tensor([1, 0]))
    assert risk.item() == pytest.approx(-math.log(1 - 3 / 5) / 2, rel=1e-5), "the second is not misled"


def test_sau_weakens_the_backdoor_and_keeps_the_classes(given, state):
    before = rates(load_preact_resnet18(state))
    network, _ = sau.defend(given, rounds=6, batch=20, learning_rate=0.001)
    acc, asr = rates(network)
    assert acc > 80
    assert asr < before[1] - 30


@pytest.mark.parametrize(
    ("defense", "short"),
    [
        (nc, {"search_epochs": 3, "batch": 30}),
        (ibau, {"rounds": 2, "batch": 30}),
        (dbr, {"epochs": 2, "batch": 64}),
        (sau, {"rounds": 2, "batch": 30}),
    ],
)
def test_a_killed_defense_goes_on_and_ends_in_the_same_weights(given, defense, short, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVE_SECONDS", 0)
    if defense is nc:  # so that the fine-tuning is reached
        monkeypatch.setattr(nc, "flag", lambda norms: torch.tensor([TARGET]))
        short = {**short, "unlearn_epochs": 2}
    whole, facts = defense.defend(given, **short)

    class Killed(Exception):
        pass

    class Dying(training.Checkpoint):
        def save(self, epoch, tensors):
            super().save(epoch, tensors)
            if self.path.name.startswith(("unlearn", "ibau", "dbr", "sau")):
                raise Killed

    with pytest.raises(Killed):
        defense.defend(given._replace(stage=lambda name: Dying(tmp_path / name, "key")), **short)
    resumed, again = defense.defend(
        given._replace(stage=lambda name: training.Checkpoint(tmp_path / name, "key")), **short
    )
    assert again == facts
    assert all(torch.equal(v, resumed.state_dict()[k]) for k, v in whole.state_dict().items())
