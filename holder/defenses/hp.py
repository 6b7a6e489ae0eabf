"""Hölder Pruning (paper, Section 3.1, Algorithms 1 and 2): the most locally sensitive neurons first.

For a hidden unit f(z) = relu(a), a = w·z + b, the gradient of Algorithm 1's loss at the perturbed
point z′ is 2·(f(z′) − f(z))·f′(z′)·w. So its sign is +sign(w) or −sign(w) everywhere, or zero
where z′ leaves the unit inactive: the random start decides the direction and nothing else. With
z in [0, 1]^d the two ends of the step are therefore known without a gradient,

    a⁺ = w·clip(z + ε·sign(w), 0, 1) + b = X + Y,     a⁻ = w·clip(z − ε·sign(w), 0, 1) + b = X − Y,
    X = w·(hi + lo)/2 + b,     Y = |w|·(hi − lo)/2,     hi = min(z + ε, 1), lo = max(z − ε, 0),

and all samples × neurons constants are three matrix products: for a, X and Y.
"""

import torch
from scipy.signal import argrelmax, argrelmin
from scipy.stats import gaussian_kde
from torch import Tensor

from holder.errors import HolderError
from holder.head import Head
from holder.pruning import curve, most_within, order_of

TILE = 2**21
"""Samples × neurons held at once: a few MB per intermediate, so that it stays near the cache."""

START_SD = 1e-3
"""Standard deviation of Algorithm 1's random start, which the paper leaves open."""


def prune(
    head: Head,
    z: Tensor,
    y: Tensor,
    *,
    generator: torch.Generator,
    epsilon: float = 0.1,
    alpha: float = 0.5,
    norm: str = "inf",
    statistic: str = "max",
    direction: str = "worst",
    select: str = "density",
) -> tuple[Tensor, int]:
    """Score = Hölder constant over the training set; how many are pruned is up to `select`.

    select: "density" (A.8, see `density_threshold`), "count-P" (Algorithm 2: the P largest) or
    "drop-D" (as many as cost at most the share D of the accuracy on the training set as given).
    """
    scores = holder_constants(
        head.w1,
        head.b1,
        z,
        epsilon=epsilon,
        alpha=alpha,
        norm=norm,
        statistic=statistic,
        start=generator if direction == "sampled" else None,
    )
    rule, _, value = select.partition("-")
    if rule == "density":
        count = int((scores > density_threshold(scores)).sum())
    elif rule == "count":
        count = int(value)
        if count > len(scores):
            raise HolderError(f"hp.select: {select} prunes more than the {len(scores)} hidden neurons there are.")
    else:
        (correct,) = curve(head, order_of(scores), z, y)
        count = most_within(correct, float(value))
    return scores, count


def holder_constants(
    w: Tensor,
    b: Tensor,
    z: Tensor,
    *,
    epsilon: float,
    alpha: float = 0.5,
    norm: str = "inf",
    statistic: str = "max",
    start: torch.Generator | None = None,
) -> Tensor:
    """C_i = max (or mean) over samples of |f_i(z) − f_i(z′)| / ‖z − z′‖^alpha, (l,).

    w (l, d), b (l,): incoming weights and biases; z (n, d) in [0, 1]; norm "inf" or "2".
    With `start`, z′ is Algorithm 1's: one step in the direction that a Gaussian start happens to
    pick, and no step (quotient 0) where the start leaves the unit inactive. Without, both
    directions are tried and the larger quotient counts: the exact maximum over the box for a
    linear unit, without randomness. 0/0 counts as 0. Memory beyond the inputs: TILE floats times ten.
    """
    total = torch.zeros(len(w), dtype=torch.float64, device=z.device)
    best = torch.zeros(len(w), device=z.device)
    spread = START_SD * w.norm(dim=1)
    signs = w.sign()
    for rows in z.split(max(1, TILE // len(w))):
        shift = None
        if start is not None:
            shift = torch.randn(len(rows), len(w), generator=start).to(z.device) * spread
        quotient = quotients(w, b, rows, signs, epsilon, alpha, norm, shift)
        if statistic == "max":
            best = torch.maximum(best, quotient.amax(0))
        else:
            total += quotient.sum(0, dtype=torch.float64)
    return best if statistic == "max" else (total / len(z)).float()


def quotients(
    w: Tensor, b: Tensor, z: Tensor, signs: Tensor, epsilon: float, alpha: float, norm: str, shift: Tensor | None
) -> Tensor:
    """One tile of quotients (n, l). `shift` is w·noise, the start's effect on the pre-activation."""
    hi, lo = (z + epsilon).clamp_(max=1), (z - epsilon).clamp_(min=0)
    a = torch.addmm(b, z, w.T)
    x = torch.addmm(b, (hi + lo).mul_(0.5), w.T)
    y = (hi - lo).mul_(0.5) @ w.abs().T
    up, down = hi.sub_(z), lo.neg_().add_(z)
    f = a.relu()
    plus = torch.add(x, y).relu_().sub_(f)
    minus = f.sub(x.sub_(y).relu_())
    plus_length, minus_length = (lengths(signs, u, v, epsilon, norm) for u, v in ((up, down), (down, up)))
    if shift is None:
        return torch.maximum(_ratio(plus, plus_length, alpha), _ratio(minus, minus_length, alpha))
    started = a + shift
    change = started.relu() - f
    plus.mul_((started > 0) & (change > 0))
    minus.mul_((started > 0) & (change < 0))
    return torch.maximum(_ratio(plus, plus_length, alpha), _ratio(minus, minus_length, alpha))


def lengths(signs: Tensor, up: Tensor, down: Tensor, epsilon: float, norm: str) -> Tensor | float:
    """Length of the step along sign(w), after the clamp: up (n, d) where w > 0, down where w < 0.

    Returns (n, l), or the float epsilon when every step of the tile has that length.
    """
    if norm == "2":
        # up² where sign is +1, down² where it is −1, 0 where it is 0.
        up2, down2 = up.square(), down.square()
        squared = (up2 + down2).mul_(0.5) @ signs.abs().T
        return squared.addmm_((up2 - down2).mul_(0.5), signs.T).clamp_(min=0).sqrt_()
    # In the infinity norm one uncut coordinate is enough for the full length epsilon, and a
    # coordinate that is uncut both ways and has a nonzero weight is uncut for every unit.
    live = signs.any(1)
    common = (signs[live] != 0).all(0)
    certain = (torch.minimum(up, down)[:, common] >= epsilon * (1 - 1e-4)).any(1)
    if certain.all() and live.all():
        return epsilon
    length = epsilon * live.float().repeat(len(up), 1)
    for rows in (~certain).nonzero()[:, 0].split(256):
        length[rows] = torch.maximum(farthest(up[rows], signs > 0), farthest(down[rows], signs < 0))
    return length


def farthest(reach: Tensor, takes: Tensor, looked_at: int = 16) -> Tensor:
    """Largest of reach (n, d), which is not negative, over the coordinates that each of takes (l, d) has; (n, l).

    Among a row's few largest coordinates nearly every neuron takes one; the others are looked at in full.
    """
    top, index = reach.topk(min(looked_at, reach.shape[1]), 1)
    seen = takes.T[index]  # (n, looked_at, l)
    found = (seen * top[:, :, None]).amax(1)
    for part in (~seen.any(1)).nonzero().split(4096):
        row, neuron = part.T
        found[row, neuron] = (reach[row] * takes[neuron]).amax(1)
    return found


def _ratio(change: Tensor, length: Tensor | float, alpha: float) -> Tensor:
    if isinstance(length, float):
        return change.div_(length**alpha)
    return change.div_(length.pow(alpha)).nan_to_num_(nan=0.0, posinf=0.0)


def density_threshold(scores: Tensor) -> float:
    """Threshold inside the second high-frequency range of the constants (A.8), found without labels.

    A.8: the density peaks near zero, declines, then has a second range of relatively high
    frequency; thresholds inside it lower ASR and keep ACC. The rule: a Gaussian kernel density
    (Scott's bandwidth) on 512 points; its first valley from the left; the highest peak to the
    right of that valley is the threshold. A density with one peak has no second range, and half
    the layer is pruned, the size A.13 suggests first for HID.
    """
    values = scores.double().cpu().numpy()
    grid = torch.linspace(values.min(), values.max(), 512).double().numpy()
    if grid[0] == grid[-1]:
        return float(grid[-1])
    density = gaussian_kde(values)(grid)
    valleys, peaks = argrelmin(density)[0], argrelmax(density)[0]
    second = peaks[peaks > valleys[0]] if len(valleys) else []
    if not len(second):
        return float(scores.median())
    return float(grid[second[density[second].argmax()]])
