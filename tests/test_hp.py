"""The closed form against the paper's Algorithms 1 and 2, taken literally."""

import pytest
import torch

from holder import head as heads
from holder.defenses import hp
from holder.errors import HolderError

torch.manual_seed(0)


def fgsm_neuron(f, z, epsilon, noise):
    """Algorithm 1: random start, gradient of the squared change with respect to z′, one sign step, clamp."""
    perturbed = (z + noise).requires_grad_()
    ((f(z) - f(perturbed)) ** 2).backward()
    return (z + epsilon * perturbed.grad.sign()).clamp(0, 1)


def literal(w, b, z, epsilon, alpha, norm, noise):
    """Algorithm 2's quotients, one neuron and one sample at a time; 0/0 is 0. Shape (n, l)."""
    out = torch.zeros(len(z), len(w))
    for i in range(len(w)):

        def f(t, i=i):
            return (w[i] @ t + b[i]).relu()

        for j in range(len(z)):
            moved = fgsm_neuron(f, z[j], epsilon, noise[j, i])
            length = (moved - z[j]).norm(p=float(norm))
            if length > 0:
                out[j, i] = (f(z[j]) - f(moved)).abs() / length**alpha
    return out


def case(n=25, d=6, l=14):
    """Features with rows at the 0/1 bounds, an all-zero weight row, partly zero rows, inactive units."""
    z = torch.rand(n, d)
    z[:8] = (z[:8] > 0.5).float()
    w, b = torch.randn(l, d), 0.5 * torch.randn(l)
    w[3], w[4, :3], b[5] = 0, 0, -10
    return w, b, z


@pytest.mark.parametrize("norm", ["inf", "2"])
@pytest.mark.parametrize("epsilon", [0.05, 0.3, 0.9])
@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_sampled_direction_equals_the_literal_algorithm(norm, epsilon, alpha):
    w, b, z = case()
    noise = 1e-3 * torch.randn(len(z), *w.shape)
    shift = torch.einsum("nld,ld->nl", noise, w)
    found = hp.quotients(w, b, z, w.sign(), epsilon, alpha, norm, shift)
    torch.testing.assert_close(found, literal(w, b, z, epsilon, alpha, norm, noise), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("norm", ["inf", "2"])
def test_worst_direction_is_the_better_of_both_ends(norm):
    w, b, z = case()
    found = hp.quotients(w, b, z, w.sign(), 0.2, 0.5, norm, None)
    for j in range(len(z)):
        for i in range(len(w)):
            ends = [(z[j] + s * 0.2 * w[i].sign()).clamp(0, 1) for s in (1, -1)]
            change = [(((w[i] @ e + b[i]).relu() - (w[i] @ z[j] + b[i]).relu()).abs()) for e in ends]
            length = [(e - z[j]).norm(p=float(norm)) ** 0.5 for e in ends]
            expected = max(c / q if q > 0 else torch.tensor(0.0) for c, q in zip(change, length, strict=True))
            assert found[j, i] == pytest.approx(expected.item(), abs=1e-5)


def test_no_point_of_the_box_changes_the_unit_more_than_the_worst_direction():
    w, b, z = case()
    found = hp.quotients(w, b, z, w.sign(), 0.2, 0.5, "inf", None) * 0.2**0.5
    for _ in range(200):
        other = (z + 0.2 * (2 * torch.rand_like(z) - 1)).clamp(0, 1)
        change = ((other @ w.T + b).relu() - (z @ w.T + b).relu()).abs()
        assert (change <= found + 1e-5).all()


def test_dead_units_have_constant_zero():
    w, b, z = case()
    constants = hp.holder_constants(w, b, z, epsilon=0.1)
    assert constants[3] == 0, "all-zero weights"
    assert constants[5] == 0, "never active inside the box"
    assert torch.isfinite(constants).all()


def test_tiles_change_nothing(monkeypatch):
    w, b, z = case(n=50)
    whole = {s: hp.holder_constants(w, b, z, epsilon=0.1, statistic=s) for s in ("max", "mean")}
    monkeypatch.setattr(hp, "TILE", 14 * 7)
    for statistic, expected in whole.items():
        torch.testing.assert_close(hp.holder_constants(w, b, z, epsilon=0.1, statistic=statistic), expected)
    assert (whole["max"] >= whole["mean"]).all()


def test_without_clamping_the_constant_is_the_weights_l1_norm():
    """inconsistencies G5: for always-active units away from the bounds, C = ε^(1−α)·‖w‖₁."""
    w = torch.randn(9, 5)
    z, b = 0.4 + 0.2 * torch.rand(30, 5), torch.full((9,), 50.0)
    for epsilon, alpha in ((0.1, 0.5), (0.3, 0.5), (0.2, 1.0)):
        found = hp.holder_constants(w, b, z, epsilon=epsilon, alpha=alpha)
        torch.testing.assert_close(found, epsilon ** (1 - alpha) * w.abs().sum(1), rtol=1e-4, atol=1e-4)


def test_sampled_direction_repeats_itself_and_never_exceeds_worst():
    w, b, z = case(n=40)

    def sampled():
        return hp.holder_constants(w, b, z, epsilon=0.1, start=torch.Generator().manual_seed(3))

    assert torch.equal(sampled(), sampled())
    assert (sampled() <= hp.holder_constants(w, b, z, epsilon=0.1) + 1e-6).all()


def test_density_threshold_lies_in_the_second_range():
    g = torch.Generator().manual_seed(0)
    near_zero = 0.1 + 0.05 * torch.randn(600, generator=g).abs()
    second = 2 + 0.2 * torch.randn(300, generator=g)
    tail = 2.5 + 2 * torch.rand(20, generator=g)
    threshold = hp.density_threshold(torch.cat([near_zero, second, tail]))
    assert threshold == pytest.approx(2.0, abs=0.1)


def test_density_with_one_peak_prunes_half():
    assert hp.density_threshold(torch.erfinv(torch.linspace(-0.99, 0.99, 1001))) == pytest.approx(0, abs=1e-3)
    assert hp.density_threshold(torch.ones(10)) == 1


def test_select_rules():
    w, b, z = case(n=200, l=40)
    head = heads.Head(torch.zeros(6), torch.ones(6), w, b, torch.randn(4, 40), torch.randn(4))
    y = heads.logits(head, z).argmax(1)

    def count(select):
        return hp.prune(head, z, y, generator=torch.Generator(), epsilon=0.1, select=select)[1]

    assert count("count-7") == 7
    assert 0 < count("density") < 40
    assert 0 <= count("drop-0.01") <= count("drop-0.2") < 40
    with pytest.raises(HolderError, match="prunes more than the 40"):
        count("count-41")


@pytest.mark.parametrize("looked_at", [1, 3, 40])
def test_farthest_is_the_largest_reach_over_a_neurons_own_coordinates(looked_at):
    torch.manual_seed(0)
    reach, takes = torch.rand(7, 40), torch.rand(11, 40) < 0.1
    takes[0], takes[1] = False, True
    expected = torch.where(takes[None], reach[:, None], 0.0).amax(2)
    torch.testing.assert_close(hp.farthest(reach, takes, looked_at), expected)
