"""What an attack does to images, measured: Table 9's criteria derived instead of believed."""

import numpy as np
import pandas as pd

CRITERIA = {
    "patch": ("changed_pixels", lambda v: v < 0.25),
    "blend": ("changed_pixels", lambda v: v >= 0.25),
    "visible": ("contrast", lambda v: v >= 20),
    "invisible": ("contrast", lambda v: v < 20),
    "agnostic": ("same_trigger", lambda v: v >= 0.95),
    "specific": ("same_trigger", lambda v: v < 0.95),
    "dirty_label": ("labels_changed", lambda v: v > 0),
    "clean_label": ("labels_changed", lambda v: v == 0),
    "local": ("changed_pixels", lambda v: v < 0.25),
    "global": ("changed_pixels", lambda v: v >= 0.25),
}
"""Column of Table 9: the measure it is derived from and the rule. The limits (a quarter of the pixels,
20 grey levels on the pixels that change, 95 % of them alike) are ours: the paper states none."""


def measure(benign: np.ndarray, triggered: np.ndarray) -> dict[str, float]:
    """Means over images, uint8 (n, h, w, 3) each.

    psnr: dB. linf: largest change in grey levels. changed_pixels: share of pixels that change in
    any channel. contrast: mean absolute change over those. same_trigger: over neighbouring images,
    share of the changed values that are changed alike: by the same amount (modulo 256), to the same
    value, or cut at 0 or 255.
    """
    change = triggered.astype(np.int16) - benign
    touched = (change != 0).any(-1)
    error = np.square(change.astype(np.float32)).mean((1, 2, 3))
    count = np.maximum(touched.sum((1, 2)), 1)
    residual = triggered - benign  # uint8, modulo 256
    first, second = slice(0, -1), slice(1, None)
    cut = (triggered == 0) | (triggered == 255)
    alike = (residual[first] == residual[second]) | (triggered[first] == triggered[second]) | cut[first] | cut[second]
    either = (change[first] != 0) | (change[second] != 0)
    return {
        "psnr": float(np.mean(10 * np.log10(255**2 / np.maximum(error, 1e-9)))),
        "linf": int(np.abs(change).max()),
        "changed_pixels": float(touched.mean()),
        "contrast": float(np.mean(np.abs(change).mean(-1).sum((1, 2)) / count)),
        "same_trigger": float(alike[either].mean()),
    }


def feature_shift(clean: np.ndarray, triggered: np.ndarray, index: np.ndarray) -> float:
    """How far the trigger moves an image's feature, over how far two images' features are apart.

    clean (m, d) and triggered (n, d) features, index (n,) of the triggered images among the clean
    ones; each dimension is scaled to the clean range. Medians of Euclidean distances.
    """
    lo, hi = clean.min(0), clean.max(0)
    width = np.where(hi > lo, hi - lo, 1)
    base, moved = (clean[index] - lo) / width, (triggered - lo) / width
    apart = np.linalg.norm(base[:-1] - base[1:], axis=1)
    return float(np.median(np.linalg.norm(moved - base, axis=1)) / np.median(apart))


def table9(attacks: pd.DataFrame, printed: pd.DataFrame) -> pd.DataFrame:
    """Tidy comparison: attack, criterion, measure, value, derived and printed (1, 0 or empty), agrees."""
    rows = []
    for _, card in attacks.iterrows():
        line = printed[printed["attack"] == card["attack"]]
        for criterion, (name, rule) in CRITERIA.items():
            theirs = line[criterion].iloc[0] if len(line) else np.nan
            derived = int(rule(card[name]))
            rows.append(
                {
                    "attack": card["attack"],
                    "criterion": criterion,
                    "measure": name,
                    "value": card[name],
                    "derived": derived,
                    "printed": "" if np.isnan(theirs) else int(theirs),
                    "agrees": "" if np.isnan(theirs) else derived == int(theirs),
                }
            )
    return pd.DataFrame(rows)
