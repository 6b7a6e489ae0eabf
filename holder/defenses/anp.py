"""ANP (Wu & Wang 2021) on the classifier: a mask learned under adversarial neuron perturbations."""

import torch
import torch.nn.functional as F
from torch import Tensor

from holder.head import Head
from holder.pruning import curve, order_of


def prune(
    head: Head,
    z: Tensor,
    y: Tensor,
    *,
    generator: torch.Generator,
    epsilon: float = 0.4,
    clean_weight: float = 0.2,
    iterations: int = 2000,
    batch: int = 256,
    learning_rate: float = 0.01,
    momentum: float = 0.9,
    threshold: float = 0.9,
    threshold_step: float = 0.05,
    accuracy_drop: float = 0.1,
) -> tuple[Tensor, int]:
    """Score 1 − m_i, with m the mask after `iterations` steps; prune by rising thresholds.

    Neuron i computes relu((m_i + δ_i)·w_i·z + (1 + ξ_i)·b_i). Each iteration draws δ and ξ
    uniformly in ±epsilon, moves them one sign step of size epsilon up the loss (kept in ±epsilon)
    and then takes an SGD step on m for clean_weight·CE(clean) + (1 − clean_weight)·CE(perturbed),
    m kept in [0, 1]. Range, weight, iterations and thresholds are A.15's; batch, learning rate
    and momentum BackdoorBench's defaults, from which A.15's values come.

    Neurons with m below 0, threshold_step, … `threshold` are pruned in turn, stopping before the
    step that costs more than `accuracy_drop` of the accuracy on the training set as given.
    BackdoorBench picks the threshold by the test ASR, which no defender has. The data are the
    poisoned training set: the paper's Tables 1 and 6 use no clean data.
    """
    pre = z @ head.w1.T
    mask = torch.ones_like(head.b1)
    velocity = torch.zeros_like(mask)

    def loss(m: Tensor, delta: Tensor, xi: Tensor) -> Tensor:
        active = ((m + delta) * x + (1 + xi) * head.b1).relu()
        return F.cross_entropy(F.linear(active, head.w2, head.b2), labels)

    def noise() -> Tensor:
        return ((torch.rand(len(mask), generator=generator) * 2 - 1) * epsilon).to(z.device)

    zero = torch.zeros_like(mask)
    for _ in range(iterations):
        rows = torch.randint(len(z), (batch,), generator=generator).to(z.device)
        x, labels = pre[rows], y[rows]
        delta, xi = noise().requires_grad_(), noise().requires_grad_()
        up = torch.autograd.grad(loss(mask, delta, xi), (delta, xi))
        delta, xi = (
            (d.detach() + epsilon * g.sign()).clamp(-epsilon, epsilon) for d, g in zip((delta, xi), up, strict=True)
        )
        m = mask.requires_grad_()
        total = clean_weight * loss(m, zero, zero) + (1 - clean_weight) * loss(m, delta, xi)
        (gradient,) = torch.autograd.grad(total, m)
        velocity = momentum * velocity + gradient
        mask = (mask.detach() - learning_rate * velocity).clamp(0, 1)

    scores = 1 - mask
    (correct,) = curve(head, order_of(scores), z, y)
    best = 0
    for i in range(round(threshold / threshold_step) + 1):
        count = int((mask < i * threshold_step).sum())
        if correct[count] < correct[0] * (1 - accuracy_drop):
            break
        best = count
    return scores, best
