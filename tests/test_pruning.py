"""Metrics, curves and operating points, against the naive way to get them."""

import numpy as np
import pytest
import torch

from holder import head as heads
from holder import pruning
from holder.errors import HolderError
from holder.metrics import metrics


def some_head(l=70, d=8, classes=5, seed=0):
    g = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=g)

    return heads.Head(torch.zeros(d), torch.ones(d), draw(l, d), draw(l), draw(classes, l), draw(classes))


def test_curve_equals_masking_the_neurons_one_count_at_a_time(monkeypatch):
    monkeypatch.setattr(pruning, "TILE", 64 * 5 * 7)  # several row tiles, blocks that do not divide the layer
    head = some_head()
    z = torch.rand(23, 8)
    y, other = torch.randint(0, 5, (2, 23))
    order = torch.randperm(70)
    found = pruning.curve(head, order, z, y, other)
    assert found.shape == (2, 71)
    h = heads.hidden(head, z)
    for k in range(71):
        keep = torch.ones(70)
        keep[order[:k]] = 0
        predicted = ((h * keep) @ head.w2.T + head.b2).argmax(1)
        assert found[0, k] == (predicted == y).sum()
        assert found[1, k] == (predicted == other).sum()


def test_a_tie_is_one_prediction_not_two():
    head = some_head()
    head = head._replace(w2=torch.zeros_like(head.w2), b2=torch.tensor([1.0, 1.0, 0.0, 0.0, 0.0]))
    hits, recovered = pruning.curve(head, torch.arange(70), torch.rand(9, 8), *torch.tensor([[0], [1]]).expand(2, 9))
    assert (hits == 9).all()
    assert (recovered == 0).all()


def test_order_is_highest_score_first_and_ties_by_index():
    assert pruning.order_of(torch.tensor([1.0, 3.0, 1.0, 3.0, 2.0])).tolist() == [1, 3, 4, 0, 2]


@pytest.mark.parametrize(("step", "expected"), [(1, 3), (2, 2)])
def test_most_within_stops_before_the_step_that_costs_too_much(step, expected):
    correct = torch.tensor([100, 99, 95, 91, 89, 95, 20])  # comes back at 5: the rule does not jump over 4
    assert pruning.most_within(correct, 0.1, step) == expected


def test_most_within_can_reach_the_end():
    assert pruning.most_within(torch.tensor([10, 10, 10, 10]), 0.1) == 3


def test_metrics_are_shares_of_their_own_population():
    result = metrics(correct=150, clean=200, hits=30, recovered=60, triggered=120)
    assert (result["acc"], result["asr"], result["ra"]) == (75, 25, 50)


@pytest.mark.parametrize("wrong", [{"hits": 70, "recovered": 60}, {"correct": 201}, {"hits": -1}])
def test_counts_that_cannot_be_are_refused(wrong):
    with pytest.raises(HolderError, match="cannot be counts"):
        metrics(**{"correct": 1, "clean": 200, "hits": 1, "recovered": 1, "triggered": 120, **wrong})


def test_scaling_uses_the_training_bounds_and_clamps():
    lo, hi = torch.tensor([0.0, 2.0, 5.0]), torch.tensor([1.0, 4.0, 5.0])
    z = torch.tensor([[0.5, 3.0, 5.0], [-1.0, 9.0, 7.0]])
    assert heads.scale(z, lo, hi)[0].tolist() == [0.5, 0.5, 0.0]
    assert heads.scale(z, lo, hi)[1].tolist() == [0.0, 1.0, 1.0]


def test_training_learns_and_repeats_itself():
    rng = np.random.default_rng(0)
    y = torch.from_numpy(rng.integers(0, 3, 300))
    z = torch.from_numpy(rng.normal(size=(300, 6)).astype(np.float32)) + 3 * torch.eye(3, 6)[y]

    def train():
        return heads.train(z, y, 3, generator=torch.Generator().manual_seed(5), hidden=32, epochs=200)

    head = train()
    assert (heads.logits(head, heads.scale(z, head.lo, head.hi)).argmax(1) == y).float().mean() > 0.95
    assert all(torch.equal(a, b) for a, b in zip(head, train(), strict=True))
