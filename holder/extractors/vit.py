"""ViT (Dosovitskiy et al. 2021), an extractor of Table 3.

The paper names no checkpoint; this is the base model with 16×16 patches, trained on ImageNet-21k and
fine-tuned on ImageNet, the one that the hub offers under the bare name. The feature is the class
token after the last layer norm, 768 wide.
"""

from torch import Tensor

from holder.extraction import HALF, Encoder
from holder.hub import Tower

WIDTH = 768
CPU_IMAGES_PER_SECOND = 5
WEIGHTS = [
    {
        "hub": "google/vit-base-patch16-224",
        "revision": "3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3",
        "files": ["model.safetensors", "pytorch_model.bin"],
        "config": [],
        "prefix": "vit.",
        "sha256": None,
    },
]


def build(state: dict[str, Tensor], *, config: dict) -> Encoder:
    """The encoder described by the hub's `config`, at its own input size."""
    from transformers import ViTModel

    state = {k: v for k, v in state.items() if not k.startswith("pooler.")}
    tower = Tower(ViTModel, config, state, lambda out: out.last_hidden_state[:, 0], add_pooling_layer=False)
    return Encoder(tower, tower.size, **HALF)
