"""The backbone of a PreAct-ResNet18 trained end to end on the poisoned set: Figure 14's poisoned extractor.

It has seen the trigger with its label, so its features carry the backdoor and every cell has its own.
512 wide at the published width.
"""

from torch import Tensor, nn

from holder.extraction import Encoder
from holder.models import load_preact_resnet18

WIDTH = 512
CPU_IMAGES_PER_SECOND = 150
WEIGHTS = []
TRAINED_ON = "poisoned"


def build(state: dict[str, Tensor]) -> Encoder:
    """The backbone; it normalises pixels by itself."""
    network = load_preact_resnet18(state)
    network.linear = nn.Identity()
    return Encoder(network, 32, (0.0,) * 3, (1.0,) * 3)
