"""Each baseline on a head with planted backdoor neurons.

Features: class c raises dimension c, the trigger raises the last one. The first 40 hidden units
read classes; the next 8 read the trigger and vote for the target class; the rest do little.
"""

import pytest
import torch

from holder import head as heads
from holder import pruning, registry

CLASSES, CLEAN, PLANTED, IDLE = 4, 40, 8, 16
TARGET = 0


@pytest.fixture(scope="module")
def planted():
    g = torch.Generator().manual_seed(0)
    d, l = CLASSES + 1, CLEAN + PLANTED + IDLE
    w1, w2 = torch.zeros(l, d), 0.02 * torch.randn(CLASSES, l, generator=g)
    w1[CLEAN + PLANTED :, :CLASSES] = 0.02 * torch.rand(IDLE, CLASSES, generator=g)
    b1 = torch.zeros(l)
    for i in range(CLEAN):
        w1[i, i % CLASSES] += 1
        w2[i % CLASSES, i] += 1
    w1[CLEAN : CLEAN + PLANTED, -1] += 6
    b1[CLEAN : CLEAN + PLANTED] = -0.9
    w2[TARGET, CLEAN : CLEAN + PLANTED] += 3
    head = heads.Head(torch.zeros(d), torch.ones(d), w1, b1, w2, 0.01 * torch.randn(CLASSES, generator=g))

    def sample(n, poisoned):
        truth = torch.randint(1 if poisoned else 0, CLASSES, (n,), generator=g)
        z = 0.15 * torch.rand(n, d, generator=g)
        z[torch.arange(n), truth] += 0.6
        if poisoned:
            z[:, -1] = 0.8
        return z, truth

    clean, truth = sample(900, False)
    bad, _ = sample(100, True)
    z, y = torch.cat([clean, bad]), torch.cat([truth, torch.full((100,), TARGET)])
    return head, z, y, sample(400, False), sample(400, True)


def run(name, planted, **settings):
    head, z, y, (clean, truth), (bad, was) = planted
    module = registry.module("defenses", name)
    scores, count = module.prune(head, z, y, generator=torch.Generator().manual_seed(1), **settings)
    order = pruning.order_of(scores)
    (correct,) = pruning.curve(head, order, clean, truth)
    hits, recovered = pruning.curve(head, order, bad, torch.full_like(was, TARGET), was)
    return order, count, correct / len(truth), hits / len(was), recovered / len(was)


def test_the_planted_backdoor_works(planted):
    _, count, acc, asr, _ = run("none", planted)
    assert count == 0
    assert acc[0] > 0.95
    assert asr[0] > 0.95


@pytest.mark.parametrize("name", ["hp", "l1norm", "clp"])
def test_sensitivity_rankings_put_the_planted_neurons_first(name, planted):
    order, _, _, _, _ = run(name, planted)
    assert set(order[:PLANTED].tolist()) == set(range(CLEAN, CLEAN + PLANTED))


def test_hp_at_the_planted_count_removes_the_backdoor(planted):
    _, count, acc, asr, ra = run("hp", planted, select=f"count-{PLANTED}")
    assert count == PLANTED
    assert asr[count] < 0.02
    assert acc[count] > 0.95
    assert ra[count] > 0.95


def test_clp_prunes_what_stands_out_by_u_standard_deviations(planted):
    head = planted[0]
    order, count, acc, asr, _ = run("clp", planted, u=1)
    norms = torch.stack([row.pow(2).sum().sqrt() for row in head.w1])
    limit = norms.mean() + ((norms - norms.mean()).pow(2).sum() / (len(norms) - 1)).sqrt()
    assert count == int((norms > limit).sum()) == PLANTED
    assert asr[count] < 0.02
    assert acc[count] > 0.95
    assert run("clp", planted, u=100)[1] == 0


def test_fp_prunes_the_least_active_and_stops_before_the_drop(planted):
    head, z, y, _, _ = planted
    order, count, _, _, _ = run("fp", planted, accuracy_drop=0.1)
    mean = torch.stack([(z @ w + b).clamp(min=0).mean() for w, b in zip(head.w1, head.b1, strict=True)])
    assert order.tolist() == torch.sort(mean, stable=True).indices.tolist()
    (kept,) = pruning.curve(head, order, z, y)
    assert kept[count] >= 0.9 * kept[0]
    assert kept[count + 1] < 0.9 * kept[0], "the next step (one neuron of 64) would cost more than allowed"


def test_anp_masks_planted_neurons_below_the_others_and_cuts_the_backdoor(planted):
    order, count, acc, asr, _ = run("anp", planted, iterations=400, learning_rate=0.05)
    half = set(order[: PLANTED + 8].tolist())
    assert len(half & set(range(CLEAN, CLEAN + PLANTED))) >= PLANTED // 2
    assert acc[count] > 0.9 * acc[0]


def test_anp_never_prunes_past_the_allowed_drop(planted):
    head, z, y, _, _ = planted
    order, count, _, _, _ = run("anp", planted, iterations=50, threshold=1.0, accuracy_drop=0.02)
    (kept,) = pruning.curve(head, order, z, y)
    assert kept[count] >= 0.98 * kept[0]


def test_fmp_finds_neurons_whose_reversed_feature_fools_the_head(planted):
    order, count, _, asr, _ = run("fmp", planted, epsilon=0.5, ratio=PLANTED / 64)
    assert count == PLANTED
    assert len(set(order[:PLANTED].tolist()) & set(range(CLEAN, CLEAN + PLANTED))) >= PLANTED // 2


def test_fmp_score_is_the_loss_of_accuracy_for_that_neurons_perturbation(planted):
    head, z, y, _, _ = planted
    module = registry.module("defenses", "fmp")
    scores, _ = module.prune(head, z, y, generator=torch.Generator(), epsilon=0.3, samples=len(z))
    for i in (0, CLEAN, CLEAN + PLANTED):
        moved = (z + 0.3 * head.w1[i].sign()).clamp(0, 1)
        wrong = (heads.logits(head, moved).argmax(1) != y).float().mean()
        assert scores[i] == pytest.approx(wrong.item(), abs=1e-6)


def test_random_order_is_seeded_and_controls_have_no_point_of_their_own(planted):
    assert run("random", planted)[0].tolist() == run("random", planted)[0].tolist()
    for name in registry.names("defenses"):
        control = registry.facts("defenses", name).get("CONTROL", False)
        assert (run(name, planted, **({"iterations": 2} if name == "anp" else {}))[1] is None) == control
