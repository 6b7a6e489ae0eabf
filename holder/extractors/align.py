"""ALIGN (Jia et al. 2021), image tower only (an EfficientNet-B7), an extractor of Table 3.

Weights are Kakao Brain's reproduction, the only public ones. The feature is the pooled output that
ALIGN compares with text, 640 wide. ALIGN's own preprocessing resizes to 346 pixels and keeps the
middle 289; that would cut most of a corner trigger off, so the whole picture is resized to 289.
"""

from torch import Tensor

from holder.extraction import HALF, Encoder
from holder.hub import Tower

WIDTH = 640
CPU_IMAGES_PER_SECOND = 1
WEIGHTS = [
    {
        "hub": "kakaobrain/align-base",
        "revision": "e96a37facc7b1f59090ece82293226b817afd6ba",
        "files": ["model.safetensors", "pytorch_model.bin"],
        "config": ["vision_config"],
        "prefix": "vision_model.",
        "sha256": None,
    },
]


def build(state: dict[str, Tensor], *, config: dict) -> Encoder:
    """The image tower described by the hub's `config`, at its own input size."""
    from transformers import AlignVisionModel

    tower = Tower(AlignVisionModel, config, state, lambda out: out.pooler_output)
    return Encoder(tower, tower.size, **HALF)
