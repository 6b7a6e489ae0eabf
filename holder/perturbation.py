"""What a model says of images that are moved a little (Figures 4 and 15).

The paper does not say where its perturbation acts. Here it acts on pixels, so that models with and without a clean
extractor are moved alike: one step of FGSM (Goodfellow et al. 2015), the paper's own kind of step, away from what
the model predicts.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from holder.extraction import Encoder, prepared
from holder.head import Head, logits, scale


def with_head(encoder: Encoder, head: Head) -> Callable[[Tensor], Tensor]:
    """Extractor and classifier as one function from pixels (n, 3, h, w) in [0, 1] to class scores (n, classes)."""
    return lambda x: logits(head, scale(encoder.network(prepared(encoder, 255 * x)).float(), head.lo, head.hi))


def predictions(
    forward: Callable[[Tensor], Tensor], images: Tensor, sizes: list[float], target_label: int, batch: int = 50
) -> tuple[Tensor, Tensor]:
    """Images predicted as each class (sizes, classes) and mean probability of the target label (sizes,).

    images: uint8 (n, 3, h, w). sizes: steps in grey levels, 0 to 255; moved pixels stay within 0 and 255.
    """
    counts, target = 0, torch.zeros(len(sizes), dtype=torch.float64)
    for part in images.split(batch):
        x = (part.float() / 255).requires_grad_()
        scores = forward(x)
        (gradient,) = torch.autograd.grad(F.cross_entropy(scores, scores.argmax(1), reduction="sum"), x)
        found = []
        for i, size in enumerate(sizes):
            with torch.no_grad():
                p = forward((x + size / 255 * gradient.sign()).clamp(0, 1)).softmax(1)
            found.append(torch.bincount(p.argmax(1), minlength=p.shape[1]))
            target[i] += p[:, target_label].double().sum().cpu()
        counts = counts + torch.stack(found).cpu()
    return counts, target / len(images)
