"""LC, label-consistent (Turner et al. 2019): adversarial images of the target class, checkerboards in the corners.

The perturbation weakens the true features so that the classifier has to lean on the corners; the
labels stay right. At test time there are only the corners.
"""

import numpy as np

CLEAN_LABEL = True
TRAINED = True
SURROGATE = "robust"

_CORNER = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 1]], np.uint8) * 255


def fit(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    surrogate,
    target_label: int,
    device,
    epsilon: float = 16,
    step: float = 1.5,
    steps: int = 100,
) -> dict:
    """PGD copies of every image of the target class against an adversarially trained surrogate.

    epsilon and step in grey levels: 16 (A.14), 1.5 and 100 steps (BackdoorBench's generator).
    Returns {"index": int64 (m,), "images": uint8 (m, h, w, 3)}; any poison rate draws from them.
    """
    import torch

    from holder.training import on_device, pgd

    index = np.flatnonzero(labels == target_label)
    x = on_device(images[index], device).float() / 255
    y = torch.full((len(index),), target_label, device=device)
    moved = pgd(surrogate, x, y, epsilon=epsilon / 255, step=step / 255, steps=steps)
    perturbed = (255 * moved).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return {"index": index, "images": perturbed}


def apply(images: np.ndarray, fitted: dict) -> np.ndarray:
    """Black and white 3×3 checkerboards in the four corners. images: uint8 (n, h, w, 3)."""
    out = images.copy()
    out[:, :3, :3] = _CORNER[..., None]
    out[:, -3:, :3] = _CORNER[..., None]
    out[:, :3, -3:] = _CORNER[:, ::-1, None]
    out[:, -3:, -3:] = _CORNER[:, ::-1, None]
    return out


def poison(images: np.ndarray, fitted: dict, *, index: np.ndarray) -> np.ndarray:
    """Training version: the PGD copies of the chosen images, then the corners."""
    return apply(fitted["images"][np.searchsorted(fitted["index"], index)], fitted)
