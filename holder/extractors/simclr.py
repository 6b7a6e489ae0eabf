"""PreAct-ResNet18 that SimCLR (Chen et al. 2020) trained on the dataset's clean images (A.13's settings).

Table 3 has a SimCLR column and does not say on what it was trained. Here it is the clean training set
without labels, so that like the other columns it is a clean extractor; trained on the poisoned set, it is HID's.
The feature is the backbone's pooled output, 512 wide at the published width.
"""

from torch import Tensor, nn

from holder.extraction import Encoder
from holder.models import load_preact_resnet18

WIDTH = 512
CPU_IMAGES_PER_SECOND = 150
WEIGHTS = []
TRAINED_ON = "clean"


def build(state: dict[str, Tensor]) -> Encoder:
    """The backbone; it normalises pixels by itself."""
    network = load_preact_resnet18(state)
    network.linear = nn.Identity()
    return Encoder(network, 32, (0.0,) * 3, (1.0,) * 3)
