"""An extractor without weights: average colours of a grid."""

from torch.nn.functional import adaptive_avg_pool2d

from holder.extraction import Encoder

WIDTH = 192
CPU_IMAGES_PER_SECOND = 10000
WEIGHTS = []


def build(state, *, grid=8):
    return Encoder(lambda x: adaptive_avg_pool2d(x, grid).flatten(1), 32, (0, 0, 0), (1, 1, 1))
