"""HID's steps on a planted backdoor: what pruning does to a classifier, the split it gives, and rounds of both."""

import pytest
import torch
from test_network_defenses import TARGET, N, given, planted
from torch import nn

from holder import head as heads
from holder import hid, training
from holder.models import preact_resnet18
from holder.seeds import torch_generator

CLASSIFY = {"epochs_": 40, "hidden": 64, "epsilon": 0.1, "alpha": 0.5}
REFINE = {"epochs_": 3, "batch": 32, "learning_rate": 0.002, "consistency": 1.0}


@pytest.fixture(scope="module")
def encoder_state():
    """A backbone that knows the colours and has never seen the trigger: what SimCLR hopes to be."""
    images, labels, poisoned = planted(True)
    network = preact_resnet18(images, 4, 4, torch_generator("clean"))
    clean = images[~poisoned], labels[~poisoned]
    training.classifier(network, *clean, "clean", epochs_=8, batch=32, learning_rate=0.1, flip=False)
    return network.state_dict()


def encoder(state):
    network = preact_resnet18(planted(True)[0], 4, 4, torch_generator("clean"))
    network.load_state_dict(state)
    return network.eval()


def test_a_composite_is_the_head_on_scaled_features(encoder_state):
    network = encoder(encoder_state)
    head, z, order, scores = hid.classify(given(), network, number=1, **CLASSIFY)
    less = hid.pruned(head, order, 20)
    with torch.inference_mode():
        whole = hid.Composite(network, less).eval()(planted(True)[0].float() / 255)
    torch.testing.assert_close(whole, heads.logits(less, z), atol=1e-3, rtol=1e-3)
    assert (scores[order[:-1]] >= scores[order[1:]]).all()


def test_pruned_neurons_are_the_first_of_the_order_and_stay_pruned(encoder_state):
    network = encoder(encoder_state)
    head, z, order, _ = hid.classify(given(), network, number=1, **CLASSIFY)
    less = hid.pruned(head, order, 20)
    active = heads.hidden(less, z)
    assert (active[:, order[:20]] == 0).all()
    torch.testing.assert_close(active[:, order[20:]], heads.hidden(head, z)[:, order[20:]])
    composite = hid.Composite(network, less)
    hid.refine(given(), composite, torch.ones(N, dtype=torch.bool), number=1, **{**REFINE, "epochs_": 1})
    assert (composite.w1[order[:20]] == 0).all()
    assert (composite.b1[order[:20]] == 0).all()
    assert not torch.equal(composite.w1[order[20:]], less.w1[order[20:]]), "the others were trained"


def test_robustly_clean_means_the_same_prediction_before_and_after(encoder_state):
    head, z, order, _ = hid.classify(given(), encoder(encoder_state), number=1, **CLASSIFY)
    none, everything = hid.pruned(head, order, 0), hid.pruned(head, order, 64)
    assert hid.robustly_clean(head, none, z).all()
    constant = int(head.b2.argmax())
    expected = heads.logits(head, z).argmax(1) == constant
    assert torch.equal(hid.robustly_clean(head, everything, z), expected)


class Fields(nn.Module):
    """An encoder that sees colours and the corner alike: the means of 8 × 8 fields, free to be mixed."""

    def __init__(self):
        super().__init__()
        self.mix = nn.Linear(192, 192, bias=False)
        nn.init.eye_(self.mix.weight)

    def features(self, x):
        return self.mix(nn.functional.adaptive_avg_pool2d(x, 8).flatten(1))


def test_over_the_rounds_asr_falls_and_the_split_becomes_purer():
    images, labels, poisoned = planted(True)
    clean = ~poisoned & (labels != TARGET)
    triggered = images[clean].clone()
    triggered[:, :, -6:, -6:] = 255
    network, asr, believed = Fields(), [], []
    for number, count in enumerate((32, 24, 16), start=1):
        head, z, order, _ = hid.classify(given(), network, number=number, **{**CLASSIFY, "epochs_": 60})
        less = hid.pruned(head, order, count)
        composite, sure = hid.Composite(network, less), hid.robustly_clean(head, less, z)
        hid.refine(given(), composite, sure, number=number, **REFINE)
        network = composite.encoder
        asr.append((training.predict(composite, triggered) == TARGET).mean())
        believed.append(int(sure[poisoned].sum()))
    assert asr[-1] < asr[0], asr
    assert asr[-1] < 0.1, asr
    assert believed[-1] < believed[0], believed
    assert (training.predict(composite, images[clean]) == labels[clean].numpy()).mean() > 0.9


def test_rounds_draw_differently_and_repeat(encoder_state):
    network = encoder(encoder_state)
    first, again, second = (hid.classify(given(), network, number=n, **CLASSIFY)[0] for n in (1, 1, 2))
    assert torch.equal(first.w1, again.w1)
    assert not torch.equal(first.w1, second.w1)
