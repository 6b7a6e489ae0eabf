"""LF (Zeng et al. 2021): a smooth additive image, the same everywhere.

BackdoorBench's trigger is a universal perturbation that is smoothed by a Gaussian after every
step. Smoothing with zero padding over and over is a power iteration: whatever the network, the
result tends to colour × u(row)·u(column), u the smoothing matrix's leading eigenvector. That
closed form is the default; `trigger: optimised` runs the smoothed ascent against a surrogate.
"""

import numpy as np

CLEAN_LABEL = False
SURROGATE = {"trigger": {"optimised": "standard"}}
PEAKS = {"cifar10": (18.8, 0.0, 51.0), "cifar100": (51.0, 38.0, 1.65), "gtsrb": (51.2, 4.2, 21.4)}
"""Grey levels at the peak, per channel, of the shipped triggers."""


def fit(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    rng: np.random.Generator,
    dataset: str,
    target_label: int,
    surrogate,
    trigger: str = "closed_form",
    steps: int = 200,
) -> dict:
    """The trigger in grey levels, {"trigger": float32 (h, w, 3)}, within 0..51 (a fifth of the range)."""
    size = images.shape[1]
    if trigger == "closed_form":
        u = _leading(_smoothing(size))
        shape = np.outer(u, u)[..., None] * np.array(PEAKS.get(dataset, (51.0, 51.0, 51.0)))
        return {"trigger": np.floor(shape).clip(0).astype(np.float32)}
    return {"trigger": _optimised(images, surrogate, target_label, steps, rng)}


def apply(images: np.ndarray, fitted: dict) -> np.ndarray:
    """Add the trigger and clip. images: uint8 (n, h, w, 3)."""
    return np.clip(images + np.rint(fitted["trigger"]).astype(np.int16), 0, 255).astype(np.uint8)


def _smoothing(size: int) -> np.ndarray:
    """Matrix of the Gaussian filter along one axis: σ 6, 30 taps centred at 14.5, 14 zeros before, 15 behind."""
    taps = np.exp(-((np.arange(30) - 14.5) ** 2) / 72)
    taps /= taps.sum()
    offset = np.arange(size)[None, :] - np.arange(size)[:, None] + 14
    return np.where((offset >= 0) & (offset < 30), taps[offset.clip(0, 29)], 0.0)


def _leading(matrix: np.ndarray) -> np.ndarray:
    """Leading eigenvector by power iteration, scaled to a peak of 1."""
    u = np.ones(len(matrix))
    for _ in range(1000):
        u = matrix @ u
        u /= u.max()
    return u


def _optimised(images, surrogate, target_label: int, steps: int, rng: np.random.Generator) -> np.ndarray:
    """Sign ascent towards the target class, smoothed and rescaled to [0, 0.2] after every step."""
    import torch
    import torch.nn.functional as F

    smooth = torch.from_numpy(_smoothing(images.shape[1])).float()
    pattern = torch.zeros(3, images.shape[1], images.shape[2])
    for _ in range(steps):
        rows = rng.choice(len(images), min(64, len(images)), replace=False)
        x = torch.from_numpy(images[rows]).permute(0, 3, 1, 2).float() / 255
        pattern.requires_grad_()
        out = surrogate((x + pattern).clamp(0, 1))
        loss = F.cross_entropy(out, torch.full((len(rows),), target_label))
        (gradient,) = torch.autograd.grad(loss, pattern)
        pattern = smooth @ (pattern.detach() - 0.02 * gradient.sign()) @ smooth.T
        low, high = pattern.amin(), pattern.amax()
        pattern = 0.2 * (pattern - low) / (high - low).clamp(min=1e-12)
    return (255 * pattern).clamp(max=51).permute(1, 2, 0).contiguous().numpy()
