"""No defense: the network trained on the poisoned images as it is."""

from torch import nn

from holder.defending import Given
from holder.models import load_preact_resnet18

NEEDS = ("network",)


def defend(given: Given) -> tuple[nn.Module, dict]:
    """The backdoored network."""
    return load_preact_resnet18(given.network).to(given.images.device), {}
