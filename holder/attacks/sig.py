"""SIG (Barni et al. 2019): a horizontal sinusoid over the whole image, clean-label.

The paper's A.14 describes it as dirty-label; its Table 9 and the cited attack say clean-label.
"""

import numpy as np

CLEAN_LABEL = True


def apply(images: np.ndarray, fitted: dict, *, delta: float = 40, frequency: float = 6) -> np.ndarray:
    """Add v(c) = delta·sin(2π·c·frequency / width) to column c of every row and channel.

    images: uint8 (n, h, w, 3). delta is in grey levels; the sum is rounded and clipped to 0..255.
    Defaults are BackdoorBench's.
    """
    width = images.shape[2]
    columns = np.arange(width)
    signal = delta * np.sin(2 * np.pi * columns * frequency / width)
    # One rounding of the signal equals one rounding of each sum, since pixels are integers.
    shift = np.rint(signal).astype(np.int16)[None, None, :, None]
    return np.clip(images.astype(np.int16) + shift, 0, 255).astype(np.uint8)
