"""WaNet (Nguyen & Tran 2021): the same smooth elastic warp of every image.

On a frozen extractor nothing is trained jointly, so the warp field is the whole attack.
"""

import numpy as np

CLEAN_LABEL = False
COVER_RATIO = 2


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
    return _warped(images, _grid(images.shape[1], fitted, s, grid_rescale))


def cover(
    images: np.ndarray,
    others: np.ndarray,
    fitted: dict,
    *,
    rng: np.random.Generator,
    s: float = 0.5,
    grid_rescale: float = 1,
) -> np.ndarray:
    """Noise mode: the warp plus uniform noise of one grid step per pixel; such images keep their labels."""
    height = images.shape[1]
    noise = rng.uniform(-1, 1, (len(images), height, height, 2)).astype(np.float32) / height
    return _warped(images, _grid(height, fitted, s, grid_rescale), noise)


def _grid(height: int, fitted: dict, s: float, grid_rescale: float):
    """Sampling positions in [−1, 1], (1, h, h, 2)."""
    import torch
    import torch.nn.functional as F

    field = F.interpolate(torch.from_numpy(fitted["grid"])[None], size=height, mode="bicubic", align_corners=True)
    axis = torch.linspace(-1, 1, height)
    identity = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1)
    return ((identity + s * field.permute(0, 2, 3, 1) / height) * grid_rescale).clamp(-1, 1)


def _warped(images: np.ndarray, grid, noise: np.ndarray | None = None) -> np.ndarray:
    import torch
    import torch.nn.functional as F

    out = np.empty_like(images)
    for start in range(0, len(images), 1000):
        batch = torch.from_numpy(images[start : start + 1000]).permute(0, 3, 1, 2).float()
        positions = grid.expand(len(batch), -1, -1, -1)
        if noise is not None:
            positions = (positions + torch.from_numpy(noise[start : start + 1000])).clamp(-1, 1)
        warped = F.grid_sample(batch, positions, align_corners=True)
        out[start : start + 1000] = warped.round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
    return out
