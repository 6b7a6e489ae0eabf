"""Trojan (Liu et al. 2018b, TrojanNN): a patch optimised to excite two units of a clean model.

Ours: a disc of radius 6 around row and column 22.5, at the size and place of BackdoorBench's
picture, which is not ours to ship.
"""

import numpy as np

CLEAN_LABEL = False
TRAINED = True
SURROGATE = "standard"


def fit(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    surrogate,
    target_activation: float = 100,
    iterations: int = 1000,
    start: float = 0.7,
    reach: float = 0.3,
    step: float = 0.1,
) -> dict:
    """Sign steps on Σ(activation − target_activation)² of two penultimate units, the patch alone on black.

    Units: the two with the largest Σ|w| over classes in the linear layer (A.14, with the head that
    belongs to the model). Pixels (0..1) stay within `reach` of `start`; stops at a loss below 1e-3.
    Returns {"trigger": uint8 (h, w, 3), "units": int64 (2,), "activation": float32 (2,)}.
    """
    import torch

    size = images.shape[1]
    grid = torch.arange(size) * 32 / size
    mask = ((grid[:, None] - 22.5) ** 2 + (grid[None, :] - 22.5) ** 2 <= 36).float()
    surrogate = surrogate.cpu().eval()
    units = surrogate.linear.weight.abs().sum(0).topk(2).indices
    begin = start * mask.expand(1, 3, size, size)
    best, trigger, lowest = begin, begin.clone(), float("inf")
    for _ in range(iterations):
        trigger.requires_grad_()
        loss = (surrogate.features(trigger)[0, units] - target_activation).square().sum()
        if loss.item() < lowest:
            best, lowest = trigger.detach(), loss.item()
        if lowest < 1e-3:
            break
        (gradient,) = torch.autograd.grad(loss, trigger)
        moved = (trigger.detach() - step * gradient.sign()).clamp(min=begin - reach, max=begin + reach)
        trigger = moved.clamp(0, 1) * mask
    with torch.no_grad():
        activation = surrogate.features(best)[0, units]
    pixels = (255 * best[0]).round().byte().permute(1, 2, 0)
    return {"trigger": pixels.contiguous().numpy(), "units": units.numpy(), "activation": activation.numpy()}


def apply(images: np.ndarray, fitted: dict, *, overflow: str = "wrap") -> np.ndarray:
    """Add the patch. Sums over 255 wrap around, as BackdoorBench's cast does, or `clip`.

    images: uint8 (n, h, w, 3).
    """
    if overflow == "wrap":
        return images + fitted["trigger"]
    return np.minimum(images.astype(np.int16) + fitted["trigger"], 255).astype(np.uint8)
