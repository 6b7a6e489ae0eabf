"""BLIP-2 (Li et al. 2023), image encoder only (EVA's ViT-g/14), an extractor of Table 3.

The image–text matching checkpoint is taken because it carries no language model; the encoder is frozen
in BLIP-2's training and the same in all its checkpoints. The feature is the class token after
the last layer norm, 1,408 wide.
"""

from torch import Tensor

from holder.extraction import CLIP, Encoder
from holder.hub import Tower

WIDTH = 1408
CPU_IMAGES_PER_SECOND = 0.5
WEIGHTS = [
    {
        "hub": "Salesforce/blip2-itm-vit-g",
        "revision": "520bf73fd0ef6ccce791cd3f06908040aef2d8cc",
        "files": ["model.safetensors", "pytorch_model.bin"],
        "config": ["vision_config"],
        "prefix": "vision_model.",
        "sha256": None,
    },
]


def build(state: dict[str, Tensor], *, config: dict) -> Encoder:
    """The image encoder described by the hub's `config`, at its own input size."""
    from transformers import Blip2VisionModel

    tower = Tower(Blip2VisionModel, config, state, lambda out: out.pooler_output)
    return Encoder(tower, tower.size, **CLIP, interpolation="bicubic")
