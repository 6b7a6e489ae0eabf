"""WaNet (Nguyen & Tran 2021): the same smooth elastic warp of every image.

On a frozen extractor nothing is trained jointly, so the warp field is the whole attack.
"""

import numpy as np

CLEAN_LABEL = False


def fit(images: np.ndarray, labels: np.ndarray, *, rng: np.random.Generator, k: int = 4) -> dict:
    """Draw the k×k control grid: uniform in (−1, 1), divided by its mean absolute value.

    Returns {"grid": float32 (2, k, k)}; channel 0 moves along columns, channel 1 along rows.
    """
    grid = rng.uniform(-1, 1, (2, k, k)).astype(np.float32)
    return {"grid": grid / np.abs(grid).mean()}


def apply(images: np.ndarray, fitted: dict, *, s: float = 0.5, grid_rescale: float = 1) -> np.ndarray:
    """Sample each image at identity + s·field/height, times grid_rescale, clamped to the frame.

    The field is the control grid in bicubic interpolation (corners aligned); the image is read
    bilinearly. images: uint8 (n, h, w, 3), h = w. Settings of A.14: s 0.5, k 4, grid_rescale 1.
    """
    import torch
    import torch.nn.functional as F

    height = images.shape[1]
    field = F.interpolate(torch.from_numpy(fitted["grid"])[None], size=height, mode="bicubic", align_corners=True)
    axis = torch.linspace(-1, 1, height)
    identity = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1)
    grid = ((identity + s * field[0].permute(1, 2, 0) / height) * grid_rescale).clamp(-1, 1)
    out = np.empty_like(images)
    for start in range(0, len(images), 1000):
        batch = torch.from_numpy(images[start : start + 1000]).permute(0, 3, 1, 2).float()
        warped = F.grid_sample(batch, grid.expand(len(batch), -1, -1, -1), align_corners=True)
        out[start : start + 1000] = warped.round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
    return out
