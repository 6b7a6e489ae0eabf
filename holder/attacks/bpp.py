"""BppAttack (Wang et al. 2022): every channel is quantised to a few levels.

The paper's A.14 describes an attack on image compression; the cited attack is this one.
"""

import numpy as np

CLEAN_LABEL = False


def apply(images: np.ndarray, fitted: dict, *, squeeze_num: int = 8) -> np.ndarray:
    """q(x) = round(x/255·(squeeze_num − 1)) / (squeeze_num − 1) · 255, rounded to a grey level.

    images: uint8 (n, h, w, 3). Eight levels (3 bits) and no dithering, as in BackdoorBench.
    """
    steps = squeeze_num - 1
    table = np.rint(np.rint(np.arange(256) / 255 * steps) / steps * 255).astype(np.uint8)
    return table[images]
