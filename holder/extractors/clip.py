"""CLIP (Radford et al. 2021), image tower only: the extractor of Tables 1 and 6.

The paper names neither variant nor checkpoint. Its undefended accuracies are at the level of
published linear probes of ViT-B/32, so that is the default, with OpenAI's weights as open_clip's
hub carries them. The feature is the projected image embedding, 512 wide for ViT-B/32.
"""

import open_clip
from torch import Tensor

from holder.extraction import CLIP, Encoder

WIDTH = 512
CPU_IMAGES_PER_SECOND = 10
WEIGHTS = [
    {
        "hub": "timm/vit_base_patch32_clip_224.openai",
        "revision": "a6f597a30f7b82c51704746581f9a4e41421e878",
        "files": ["open_clip_model.safetensors"],
        "sha256": "e6d1bd7789aa45192b3bf90570a789b478bae1b74ebcce7eddd908e83a2b7c31",
        "prefix": "visual.",
    },
]


def build(state: dict[str, Tensor], *, model: str = "ViT-B-32-quickgelu") -> Encoder:
    """open_clip's image tower of `model`, at the model's own input size."""
    visual = open_clip.create_model(model, pretrained=None, load_weights=False).visual
    visual.load_state_dict(state)
    size = visual.image_size[0] if isinstance(visual.image_size, tuple) else visual.image_size
    return Encoder(visual, size, **CLIP, interpolation="bicubic")
