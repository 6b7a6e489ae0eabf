"""SimCLR: the loss, its chunks, the views, and a killed run."""

import math

import pytest
import torch
from torch import nn

from holder import simclr, training

SETTINGS = {"flip": True, "width": 4, "batch": 16, "learning_rate": 0.1, "temperature": 0.5}


def images(n=64):
    return torch.randint(0, 256, (n, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_the_loss_is_the_papers_nt_xent():
    """A.4's formula with z_i · z_k in the denominator (the printed z_j is a slip), over both views of two images."""
    from lightly.loss import NTXentLoss

    z = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [-0.6, 0.8]])  # unit vectors; 0 and 2 are a pair, 1 and 3
    tau, total = 0.5, 0.0
    for i, j in ((0, 2), (2, 0), (1, 3), (3, 1)):
        others = sum(math.exp(float(z[i] @ z[k]) / tau) for k in range(4) if k != i)
        total -= math.log(math.exp(float(z[i] @ z[j]) / tau) / others)
    assert float(NTXentLoss(tau)(z[:2], z[2:])) == pytest.approx(total / 4, rel=1e-5)


@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_chunks_have_the_gradient_of_the_whole_batch(chunk):
    from lightly.loss import NTXentLoss

    torch.manual_seed(0)
    embed, views = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4)), torch.randn(8, 6)

    def loss_of(z):
        return NTXentLoss(0.5)(*z.chunk(2))

    whole = simclr.backward(embed, loss_of, views, None)
    expected = [p.grad.clone() for p in embed.parameters()]
    embed.zero_grad()
    torch.testing.assert_close(simclr.backward(embed, loss_of, views, chunk), whole)
    for p, gradient in zip(embed.parameters(), expected, strict=True):
        torch.testing.assert_close(p.grad, gradient, atol=1e-6, rtol=1e-5)


def test_views_are_pictures_that_differ_and_repeat_with_the_seed():
    x = images(32).float() / 255
    a, b, c = (simclr.augment(x, torch.Generator().manual_seed(s), flip=True) for s in (1, 2, 1))
    assert a.shape == x.shape
    assert a.min() >= 0
    assert a.max() <= 1
    assert (a - b).abs().flatten(1).mean(1).min() > 0.01
    assert torch.equal(a, c)


def test_hue_turns_leave_grey_alone_and_come_full_circle():
    grey = torch.full((2, 3, 4, 4), 0.5)
    torch.testing.assert_close(simclr.turn_hue(grey, torch.tensor([0.1, -0.3])), grey, atol=2e-3, rtol=0)
    x = torch.rand(2, 3, 4, 4)
    torch.testing.assert_close(simclr.turn_hue(x, torch.tensor([1.0, 0.0])), x, atol=1e-5, rtol=0)


def test_blur_keeps_the_sum_and_is_a_gaussian():
    from torchvision.transforms.v2.functional import gaussian_blur

    x = torch.rand(2, 3, 12, 12)
    found = simclr.blur(x, torch.tensor([0.5, 1.5]))
    for i, sigma in enumerate((0.5, 1.5)):
        torch.testing.assert_close(found[i], gaussian_blur(x[i], [5, 5], [sigma, sigma]), atol=1e-5, rtol=1e-4)


def test_training_lowers_the_loss_below_that_of_chance(caplog):
    torch.manual_seed(0)
    pixels = nn.functional.interpolate(torch.rand(64, 3, 3, 3), size=32)  # nine coloured fields each
    with caplog.at_level("INFO"):
        simclr.pretrain((pixels * 255).byte(), "toy", epochs_=24, **{**SETTINGS, "learning_rate": 0.02})
    losses = [float(line.split("NT-Xent ")[1].split(";")[0]) for line in caplog.messages if "NT-Xent" in line]
    assert len(losses) == 24
    first, last = (sum(part) / 6 for part in (losses[:6], losses[-6:]))  # one epoch is four steps: noisy
    chance = math.log(2 * SETTINGS["batch"] - 1)  # all views alike
    assert last < first - 0.2
    assert last < chance - 0.2


def test_a_killed_run_goes_on_and_ends_in_the_same_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVE_SECONDS", 0)
    whole = simclr.pretrain(images(), "toy", epochs_=4, **SETTINGS).state_dict()

    class Killed(Exception):
        pass

    done = []
    augment = simclr.augment

    def dies(x, generator, flip):
        done.append(1)
        if len(done) > 20:
            raise Killed
        return augment(x, generator, flip=flip)

    monkeypatch.setattr(simclr, "augment", dies)
    checkpoint = training.Checkpoint(tmp_path / "out", "key")
    with pytest.raises(Killed):
        simclr.pretrain(images(), "toy", epochs_=4, checkpoint=checkpoint, **SETTINGS)
    assert checkpoint.load()[0] == 2
    done.clear()
    monkeypatch.setattr(simclr, "augment", lambda *a, **k: done.append(1) or augment(*a, **k))
    resumed = simclr.pretrain(images(), "toy", epochs_=4, checkpoint=checkpoint, **SETTINGS).state_dict()
    assert len(done) == 2 * 2 * 4, "two epochs of four batches, two views each"
    assert all(torch.equal(whole[k], resumed[k]) for k in whole)
