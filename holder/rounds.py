"""A round of HID as a job makes it: begun with a network, reported, and kept for the next round and for pictures."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from holder import cells, evaluation, hid
from holder import head as heads
from holder.cells import Poisoned, Tests
from holder.defending import Given, outputs
from holder.head import Head
from holder.metrics import metrics
from holder.models import PreActResNet18, load_preact_resnet18

SHOWN = 1000
"""Clean test images, and triggered ones, whose features are kept for pictures."""


class Round(NamedTuple):
    """What a round trains, encoder and pruned classifier, and which training images (n,) it calls robustly clean.

    unpruned: ACC, ASR and RA of its fresh classifier before pruning; trace: that classifier's `order`, `scores` and the
    counts of `evaluation.curves_on_test`. Both are empty where the first round's classifier is kept.
    """

    network: hid.Composite
    clean: Tensor
    unpruned: dict
    trace: dict[str, Tensor]


def opened(before: dict[str, Tensor], device: torch.device) -> PreActResNet18:
    """The encoder that a round begins with: of the round before, or a backbone that was trained without HID."""
    encoder = load_preact_resnet18(hid.part(before, "encoder.") if is_round(before) else before).to(device)
    return encoder.to(memory_format=torch.channels_last)


def is_round(state: dict[str, Tensor]) -> bool:
    """Whether a state is one that `kept` made."""
    return any(key.startswith("encoder.") for key in state)


def begun(
    given: Given, encoder: PreActResNet18, tests: Tests, target_label: int, *, count: int, **settings: float
) -> Round:
    """A round with a fresh classifier, `count` of its neurons pruned; settings are those of `classify`."""
    head, z, order, scores = hid.classify(given, encoder, **settings)
    less = hid.pruned(head, order, count)
    populations = ((tests.clean, tests.clean_labels), (tests.triggered, tests.true_labels))
    seen = [
        evaluation.Split(
            heads.scale(outputs(encoder.features, images).float().clone(), head.lo, head.hi),
            torch.from_numpy(labels).long().to(z.device),
        )
        for images, labels in populations
    ]
    counts = evaluation.curves_on_test(head, order, *seen, target_label)
    sizes = {"clean": len(tests.clean), "triggered": len(tests.triggered)}
    unpruned = metrics(**{k: int(v[0]) for k, v in counts.items()}, **sizes)
    trace = {"order": order, "scores": scores, **counts}
    return Round(hid.Composite(encoder, less).to(z.device), hid.robustly_clean(head, less, z), unpruned, trace)


def resumed(before: dict[str, Tensor], encoder: PreActResNet18) -> Round:
    """A round that trains on with the classifier and the split of the one before (Figure 10, without part 3)."""
    network = hid.Composite(encoder, Head(**hid.part(before, "head.")))
    return Round(network.to(before["clean"].device), before["clean"].bool(), {}, {})


def report(one: Round, train: Poisoned, tests: Tests, target_label: int) -> dict:
    """What a round is before it trains: its rates, and how many images, and poisoned ones, are robustly clean."""
    return {
        **({"unpruned": one.unpruned} if one.unpruned else {}),
        "before": cells.rates(one.network, tests, target_label),
        "clean": int(one.clean.sum()),
        "clean_poisoned": int(train.poisoned[one.clean.cpu().numpy()].sum()),
        "poisoned": int(train.poisoned.sum()),
    }


def shown(encoder: PreActResNet18, tests: Tests) -> dict[str, Tensor | np.ndarray]:
    """Features (SHOWN, d) of the first clean and triggered test images, and their labels."""
    labels = {"shown_clean_labels": tests.clean_labels[:SHOWN], "shown_true_labels": tests.true_labels[:SHOWN]}
    images = {"shown_clean": tests.clean[:SHOWN], "shown_triggered": tests.triggered[:SHOWN]}
    return {**{k: outputs(encoder.features, x).float() for k, x in images.items()}, **labels}


def kept(one: Round, pictures: dict[str, Tensor | np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays of a round for its file: network, split, trace and what pictures show; `opened` and `resumed` read it."""
    state = {("" if k.startswith("encoder.") else "head.") + k: v for k, v in one.network.state_dict().items()}
    arrays = {**state, "clean": one.clean.to(torch.uint8), **pictures, **one.trace}
    return {k: np.asarray(v.detach().cpu() if isinstance(v, Tensor) else v) for k, v in arrays.items()}
