"""BppAttack (Wang et al. 2022): every channel is quantised to a few levels.

The paper's A.14 describes an attack on image compression; the cited attack is this one.
"""

import numpy as np

CLEAN_LABEL = False
COVER_RATIO = 2


def apply(images: np.ndarray, fitted: dict, *, squeeze_num: int = 8) -> np.ndarray:
    """q(x) = round(x/255·(squeeze_num − 1)) / (squeeze_num − 1) · 255, rounded to a grey level.

    images: uint8 (n, h, w, 3). Eight levels (3 bits) and no dithering, as in BackdoorBench.
    """
    steps = squeeze_num - 1
    table = np.rint(np.rint(np.arange(256) / 255 * steps) / steps * 255).astype(np.uint8)
    return table[images]


def cover(
    images: np.ndarray, others: np.ndarray, fitted: dict, *, rng: np.random.Generator, squeeze_num: int = 8
) -> np.ndarray:
    """Negative samples: each image plus the quantisation residual of another one, clipped; labels stay."""
    residual = apply(others, fitted, squeeze_num=squeeze_num).astype(np.int16) - others
    return np.clip(images + residual, 0, 255).astype(np.uint8)
