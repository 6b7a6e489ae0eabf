"""Image towers of the hub's models, built from their config.json and a state dict in its on-disk names."""

from collections.abc import Callable

from torch import Tensor, nn

from holder.errors import HolderError


class Tower(nn.Module):
    """`cls` (a transformers model) with the sizes of `config` and every weight taken from `state`.

    transformers renames weights between releases; its own loader knows the names that lie on disk.
    `feature` picks (n, width) from what the model returns. Raises HolderError if a weight is
    missing, has another shape or is not used.
    """

    def __init__(self, cls: type, config: dict, state: dict[str, Tensor], feature: Callable, **options: object):
        super().__init__()
        self.network, told = cls.from_pretrained(
            None,
            config=cls.config_class.from_dict(config),
            state_dict=state,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            **options,
        )
        for kind in ("missing_keys", "mismatched_keys", "unexpected_keys"):
            if wrong := sorted(map(str, told[kind])):
                raise HolderError(
                    f"{cls.__name__}: weights and config.json differ, {kind.replace('_', ' ')}: {wrong[0]}."
                )
        self.size = self.network.config.image_size
        self.feature = feature

    def forward(self, x: Tensor) -> Tensor:
        return self.feature(self.network(pixel_values=x))
