"""BadNets (Gu et al. 2019): a white square in the bottom right corner."""

import numpy as np

CLEAN_LABEL = False


def apply(images: np.ndarray, fitted: dict, *, size: int = 3) -> np.ndarray:
    """Replace the last `size` rows and columns by white (A.14: 3×3).

    images: uint8 (n, h, w, 3); returns the same shape and type.
    """
    out = images.copy()
    out[:, -size:, -size:] = 255
    return out
