"""Two-dimensional pictures of what a layer holds: t-SNE (van der Maaten & Hinton 2008), scikit-learn's."""

import numpy as np
from torch import Tensor

from holder.head import Head, hidden

SHOWN = 400
"""Clean test images, and triggered ones, in a picture."""


def tsne(rows: np.ndarray, seed: int) -> np.ndarray:
    """Float32 (m, 2) from rows (m, d); perplexity 30, or less where there are few rows. One thread: repeatable."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        model = TSNE(init="pca", perplexity=min(30, (len(rows) - 1) / 3), random_state=seed % 2**32, n_jobs=1)
        return model.fit_transform(np.asarray(rows, np.float32))


def last_layer(head: Head, z: Tensor, gone: Tensor) -> np.ndarray:
    """Hidden activations (n, l) of scaled features z (n, d) with the neurons `gone` silent."""
    active = hidden(head, z)
    active[:, gone] = 0
    return active.cpu().numpy()


def marks(clean: np.ndarray, triggered: np.ndarray) -> dict[str, np.ndarray]:
    """True labels and the mark "triggered" of the rows of a picture, clean ones first."""
    return {
        "labels": np.concatenate([clean, triggered]).astype(np.int64),
        "triggered": np.repeat(np.array([0, 1], np.uint8), [len(clean), len(triggered)]),
    }
