"""End-to-end defenses on planted backdoors of a size that trains in seconds, and their formulas on worked examples."""

import math

import pytest
import torch
import torch.nn.functional as F

from holder import contract, splitting, training
from holder.defending import Given
from holder.models import preact_resnet18
from holder.network_defenses import abl, clp, dbd, dst, none
from holder.seeds import torch_generator
from tests.workflow import ROOT

N, POISONED, TARGET = 240, 24, 0


def planted(learnable):
    """Noise images, a tenth with a white corner and label 0; the others' labels follow their colour, or nothing."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 4, (N,), generator=generator)
    images = torch.randint(60, 140, (N, 3, 32, 32), generator=generator)
    if learnable:
        tint = torch.tensor([[90, 0, 0], [0, 90, 0], [0, 0, 90], [70, 70, 0]])
        images += tint[labels][:, :, None, None] // 2
    poisoned = torch.zeros(N, dtype=torch.bool)
    poisoned[:POISONED] = True
    images[poisoned, :, -6:, -6:] = 255
    labels[poisoned] = TARGET
    return images.to(torch.uint8), labels, poisoned


def given(learnable=True, stage=lambda name: None, **more):
    images, labels, _ = planted(learnable)
    return Given(
        images=images, labels=labels, classes=4, flip=False, width=4, coordinates=("toy",), stage=stage, **more
    )


@pytest.fixture(scope="module")
def state():
    images, labels, _ = planted(True)
    network = preact_resnet18(images, 4, 4, torch_generator("toy"))
    training.classifier(network, images, labels, "toy", epochs_=8, batch=32, learning_rate=0.1, flip=False)
    return network.state_dict()


def test_no_defense_is_the_network_itself(state):
    network, facts = none.defend(given(network=state))
    assert facts == {}
    assert all(torch.equal(v, state[k]) for k, v in network.state_dict().items())


def test_flooding_and_lga_descend_above_and_ascend_below():
    for start, sign in ((0.8, 1), (0.3, -1)):
        for shape in (abl.flooded, abl.lga):
            loss = torch.tensor(start, requires_grad=True)
            shape(loss, 0.5).backward()
            assert loss.grad == sign
    assert abl.flooded(torch.tensor(0.3), 0.5) == pytest.approx(0.7)


def test_abl_isolates_mostly_poisoned_images_and_unlearns_them():
    _, _, poisoned = planted(False)
    short = {"pretrain_epochs": 5, "finetune_epochs": 1, "batch": 32, "learning_rate": 0.05, "isolation": 0.05}
    kept, facts = abl.defend(given(False), unlearn_epochs=0, **short)
    index = facts["isolated_index"]
    assert facts["isolated"] == len(index) == 12
    assert poisoned[index].sum() >= 10, "by chance it would be one"
    unlearned, again = abl.defend(given(False), unlearn_epochs=3, unlearn_rate=0.01, **short)
    assert again["isolated_index"] == index
    images, labels, _ = planted(False)
    with torch.inference_mode():
        before, after = (F.cross_entropy(m(images[index].float() / 255), labels[index]) for m in (kept, unlearned))
    assert after > before


def test_a_killed_abl_goes_on_and_ends_in_the_same_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVE_SECONDS", 0)
    short = {"pretrain_epochs": 2, "finetune_epochs": 2, "unlearn_epochs": 1, "batch": 32}
    whole, facts = abl.defend(given(False), **short)

    class Killed(Exception):
        pass

    step, steps = abl.step, []

    def dies(optimizer, loss):
        steps.append(1)
        if len(steps) > 20:  # in the fine-tuning: eight batches an epoch
            raise Killed
        step(optimizer, loss)

    def stage(name):
        return training.Checkpoint(tmp_path / name, "key")

    monkeypatch.setattr(abl, "step", dies)
    with pytest.raises(Killed):
        abl.defend(given(False, stage), **short)
    assert stage("abl").load()[0] == 2
    steps.clear()
    monkeypatch.setattr(abl, "step", lambda *a: steps.append(1) or step(*a))
    resumed, again = abl.defend(given(False, stage), **short)
    assert len(steps) < 20, "finished epochs are not repeated"
    assert again == facts
    assert all(torch.equal(v, resumed.state_dict()[k]) for k, v in whole.state_dict().items())


def test_clps_bound_is_the_normalised_spectral_norm_and_a_planted_channel_goes(state):
    network, facts = clp.defend(given(network=state), u=1000.0)
    assert facts == {"channels": 0}
    convolution, norm = list(clp.pairs(network))[1]
    kernel = convolution.weight[2].flatten(1).detach()
    scale = (norm.weight[2] / norm.running_var[2].sqrt()).abs()
    torch.testing.assert_close(clp.bounds(convolution, norm)[2], scale * torch.linalg.svdvals(kernel)[0])
    wide = preact_resnet18(planted(True)[0], 4, 16, torch_generator("wide"))
    convolution, norm = list(clp.pairs(wide))[5]
    with torch.no_grad():
        norm.weight[7] *= 50
    assert clp.prune(wide, 3.0) >= 1
    assert norm.weight[7] == norm.bias[7] == 0
    assert (norm.weight != 0).sum() == len(norm.weight) - 1


def test_every_normalisation_of_the_network_is_looked_at_but_no_convolution_twice(state):
    pairs = list(clp.pairs(none.defend(given(network=state))[0]))
    assert len(pairs) == 16
    assert len({id(c) for c, _ in pairs}) == len({id(n) for _, n in pairs}) == 16
    assert all(c.out_channels == n.num_features for c, n in pairs)


def test_the_sweep_prunes_less_and_less(state):
    counts = [said["channels"] for said, _ in clp.sweep(given(network=state))]
    assert len(counts) == 21
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 0


def test_feature_consistency_splits_better_than_chance():
    """Colours survive a turn by 180°, a corner does not stay one."""
    _, _, poisoned = planted(True)
    split, fct, _ = splitting.sample_split(
        given(), train_epochs=12, intra_epochs=4, batch=32, learning_rate=0.05, clean_ratio=0.2, poison_ratio=0.1
    )
    assert ((split == splitting.CLEAN).sum(), (split == splitting.POISONED).sum()) == (48, 24)
    assert fct[split == splitting.CLEAN].max() <= fct[split == splitting.POISONED].min()
    assert poisoned[split == splitting.POISONED].float().mean() > 2 * POISONED / N
    assert poisoned[split == splitting.CLEAN].float().mean() < POISONED / N


def test_a_turn_is_a_turn_by_180_degrees():
    x = torch.rand(2, 3, 8, 8)
    turned = splitting.turned(x, torch.Generator().manual_seed(0), shift=0.0)
    torch.testing.assert_close(turned, x.flip(2, 3), atol=1e-5, rtol=0)
    assert not torch.allclose(splitting.turned(x, torch.Generator().manual_seed(0)), x.flip(2, 3))


def test_intra_class_loss_is_the_spread_around_the_class_means():
    z = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]])
    assert splitting.intra_class(z, torch.tensor([0, 0, 1])) == pytest.approx((0.5 + 0.5 + 0) / 3)


def test_contrastive_loss_on_three_vectors():
    z = torch.tensor([[1.0, 0.0], [0.0, 3.0], [2.0, 0.0], [0.0, 1.0]])
    one = math.exp(1 / 0.5)
    # anchor 0 has positive 2 (similarity 1) among similarities 0, 1, 0
    expected = -math.log(one / (one + 2))
    assert dst.contrastive(z, torch.tensor([0, 1, 0, 1]), 0.5) == pytest.approx(expected, rel=1e-5)


def test_d_st_learns_from_the_clean_part_and_not_the_trigger():
    images, labels, poisoned = planted(True)
    split = torch.zeros(N, dtype=torch.int8)
    split[POISONED : POISONED + 60], split[:12] = splitting.CLEAN, splitting.POISONED
    network, facts = dst.defend(
        given(split=split), contrastive_epochs=6, classifier_epochs=10, batch=64, learning_rate=0.1, classifier_rate=1.0
    )
    assert facts == {"clean": 60, "poisoned": 12}
    with torch.inference_mode():
        predicted = network(images.float() / 255).argmax(1)
    assert (predicted[~poisoned] == labels[~poisoned]).float().mean() > 0.5, "by chance a quarter"


def test_symmetric_cross_entropy_on_an_example():
    logits, y = torch.tensor([[2.0, 0.0]]), torch.tensor([0])
    p = math.exp(2) / (math.exp(2) + 1)
    expected = 0.1 * -math.log(p) - (p * math.log(1) + (1 - p) * math.log(1e-4))
    assert dbd.symmetric(logits, y).item() == pytest.approx(expected, rel=1e-4)


def test_mixmatch_without_mixing_is_cross_entropy_and_distance_to_the_sharpened_guess(monkeypatch):
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 2)
    x, first, second = torch.randn(2, 3), torch.randn(4, 3), torch.randn(4, 3)
    targets = torch.eye(2)
    monkeypatch.setattr(torch, "_sample_dirichlet", lambda *a: torch.tensor([[1.0, 0.0]]))
    supervised, consistency = dbd.mixmatch(
        network, x, targets, first, second, torch.Generator(), sharpening=0.5, beta=0.75
    )
    assert supervised.item() == pytest.approx(F.cross_entropy(network(x), torch.tensor([0, 1])).item(), rel=1e-5)
    guess = (network(first).softmax(1) + network(second).softmax(1)) / 2
    guess = guess.square() / guess.square().sum(1, keepdim=True)
    both = torch.cat([network(first), network(second)]).softmax(1)
    assert consistency.item() == pytest.approx(((both - guess.repeat(2, 1)) ** 2).mean().item(), rel=1e-4)


def test_dbd_trusts_fewer_poisoned_images_than_chance(state):
    """A backbone that knows the classes but never saw the trigger's label: what SimCLR hopes to be."""
    images, labels, poisoned = planted(True)
    clean = preact_resnet18(images, 4, 4, torch_generator("clean"))
    training.classifier(
        clean, images[~poisoned], labels[~poisoned], "c", epochs_=8, batch=32, learning_rate=0.1, flip=False
    )
    _, facts = dbd.defend(given(simclr=clean.state_dict()), warm_up=20, semi_epochs=1, iterations=8, batch=32)
    assert facts["trusted"] == N // 2
    share = poisoned[facts["trusted_index"]].float().mean()
    assert share <= 0.5 * POISONED / N, "what is left are those whose colour is the target's anyway"


def test_the_example_in_the_documentation_runs_and_keeps_its_contract(state):
    text = (ROOT / "docs/extending.md").read_text(encoding="utf-8").partition("## A defense on a whole network")[2]
    module = {}
    exec(text.partition("```python\n")[2].partition("```")[0], module)
    clean = {"clean_images": planted(True)[0][POISONED:], "clean_labels": planted(True)[1][POISONED:]}
    returned = module["defend"](given(network=state, **clean), rounds=1)
    network, facts = contract.defended("mine", returned)
    assert set(facts) == {"found", "found_index"}
    assert not torch.equal(network.state_dict()["stem.weight"], state["stem.weight"]), "it was trained"
    assert module["NEEDS"] == ("network", "clean_data")
