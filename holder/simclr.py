"""SimCLR (Chen et al. 2020): a PreAct-ResNet18 trained on images without their labels (paper, A.4 and A.13).

A.13 gives 100 epochs of SGD with learning rate .4, momentum .9 and weight decay 1e-4. The rest is not in the
paper; since these are DBD's numbers in BackdoorBench, so are temperature .5, a batch of 512, a
constant learning rate and the augmentations: crop of .2 to 1 of the area, flip, colour jitter, grey and blur.
Loss and projection head are lightly's.
"""

import logging
import math
import os
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from holder.models import PreActResNet18, preact_resnet18
from holder.seeds import seed, torch_generator
from holder.training import Checkpoint, batches, epochs

log = logging.getLogger(__name__)

os.environ.setdefault("LIGHTLY_DID_VERSION_CHECK", "True")  # lightly asks its server for news when imported


def pretrain(
    images: Tensor,
    *coordinates: object,
    flip: bool,
    width: int,
    epochs_: int,
    batch: int,
    learning_rate: float,
    temperature: float,
    chunk: int | None = None,
    checkpoint: Checkpoint | None = None,
) -> PreActResNet18:
    """A network whose `features` SimCLR trained; its linear layer is as drawn and means nothing.

    images: uint8 (n, 3, h, w) on the device to train on. `chunk` images (two views each) go through the network
    at a time, with the whole batch's loss; batch normalisation then sees chunks. None takes the batch whole. What
    does not fit into a GPU's memory is halved.
    """
    from lightly.loss import NTXentLoss
    from lightly.models.modules.heads import SimCLRProjectionHead

    device = images.device
    network = preact_resnet18(images.cpu(), 1, width, torch_generator(*coordinates)).to(device)
    network.to(memory_format=torch.channels_last)
    features = network.linear.in_features
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed(*coordinates, "head"))
        head = SimCLRProjectionHead(features, features, 128).to(device)
    loss_of = NTXentLoss(temperature)
    both = [*network.parameters(), *head.parameters()]
    optimizer = torch.optim.SGD(both, lr=learning_rate, momentum=0.9, weight_decay=1e-4)
    modules = {"network": network, "head": head}
    for _, generator, note in epochs(epochs_, modules, {"sgd": optimizer}, checkpoint, *coordinates):
        network.train()
        head.train()
        for rows in batches(len(images), batch, generator, device):
            x = images[rows].float().div_(255)
            views = torch.cat([augment(x, generator, flip=flip) for _ in range(2)])
            views = views.contiguous(memory_format=torch.channels_last)
            optimizer.zero_grad(set_to_none=True)
            while True:
                try:
                    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                        loss = backward(network.features, lambda z: loss_of(*head(z).float().chunk(2)), views, chunk)
                    break
                except torch.OutOfMemoryError:
                    chunk = (chunk or len(views) // 2) // 2
                    if chunk < 2:
                        raise
                    optimizer.zero_grad(set_to_none=True)
                    torch.cuda.empty_cache()
                    log.info("out of memory: going on with %d images at a time", chunk)
            optimizer.step()
            note("NT-Xent", loss, len(rows))
    return network.eval()


def backward(embed: Callable, loss_of: Callable, views: Tensor, chunk: int | None) -> Tensor:
    """Gradients of loss_of(embed(views)), the loss of all views (2·batch, …) together; returns it, detached.

    With `chunk`, embeddings are made 2·chunk views at a time without a graph, the loss is differentiated with
    respect to them, and each part is made once more to carry that gradient on (Gao et al. 2021).
    """
    if not chunk or 2 * chunk >= len(views):
        loss = loss_of(embed(views))
        loss.backward()
        return loss.detach()
    with torch.no_grad():
        z = torch.cat([embed(part) for part in views.split(2 * chunk)])
    z.requires_grad_()
    loss = loss_of(z)
    loss.backward()
    for part, gradient in zip(views.split(2 * chunk), z.grad.split(2 * chunk), strict=True):
        embed(part).backward(gradient)
    return loss.detach()


def augment(x: Tensor, generator: torch.Generator, *, flip: bool) -> Tensor:
    """One random view of each image (n, 3, h, w) in [0, 1]; each operation is one for the whole batch.

    Crop of .2 to 1 of the area with ratio 3/4 to 4/3, bilinear; flip (p .5); brightness, contrast and saturation
    within .4 and hue within .1 of a turn (p .8), the hue as a rotation in YIQ; grey (p .2); blur with
    σ .1 to 2 (p .5). `flip` False leaves the flip out (traffic signs).
    """
    n = len(x)

    def uniform(low: float, high: float) -> Tensor:
        return (torch.rand(n, 1, 1, 1, generator=generator) * (high - low) + low).to(x.device)

    def chance(p: float) -> Tensor:
        return (torch.rand(n, 1, 1, 1, generator=generator) < p).to(x.device)

    area, ratio = uniform(0.2, 1), uniform(math.log(3 / 4), math.log(4 / 3)).exp()
    wide, high = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    across, down = uniform(-1, 1) * (1 - wide), uniform(-1, 1) * (1 - high)
    mirror = 1 - 2 * (chance(0.5) & flip).to(x.dtype)
    zero = torch.zeros_like(wide)
    theta = torch.cat([mirror * wide, zero, across, zero, high, down], 1).view(n, 2, 3)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    out = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)

    jitter = chance(0.8)
    grey = out.mul(out.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    changed = (out * uniform(0.6, 1.4)).clamp(0, 1)
    changed = torch.lerp(grey.mean((1, 2, 3), keepdim=True), changed, uniform(0.6, 1.4)).clamp(0, 1)
    luma = changed.mul(out.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    changed = torch.lerp(luma, changed, uniform(0.6, 1.4)).clamp(0, 1)
    changed = turn_hue(changed, uniform(-0.1, 0.1).view(n)).clamp(0, 1)
    out = torch.where(jitter, changed, out)
    luma = out.mul(out.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    out = torch.where(chance(0.2), luma, out)
    return torch.where(chance(0.5), blur(out, uniform(0.1, 2).view(n)), out)


RGB_TO_YIQ = [[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]]


def turn_hue(x: Tensor, turn: Tensor) -> Tensor:
    """Rotate the colours of x (n, 3, h, w) by `turn` (n,) of a full circle around the grey axis."""
    to = x.new_tensor(RGB_TO_YIQ)
    cos, sin = (2 * math.pi * turn).cos(), (2 * math.pi * turn).sin()
    rotation = torch.eye(3, device=x.device).repeat(len(x), 1, 1)
    rotation[:, 1, 1], rotation[:, 1, 2], rotation[:, 2, 1], rotation[:, 2, 2] = cos, -sin, sin, cos
    matrix = torch.linalg.inv(to) @ rotation @ to
    return torch.einsum("nij,njhw->nihw", matrix, x)


def blur(x: Tensor, sigma: Tensor, radius: int = 2) -> Tensor:
    """Gaussian blur of x (n, 3, h, w) with a standard deviation per image (n,) in pixels; borders are mirrored."""
    taps = torch.arange(-radius, radius + 1, device=x.device)
    weights = torch.softmax(-taps.square() / (2 * sigma[:, None].square()), 1)
    for axis in (2, 3):
        size = x.shape[axis]
        padding = (radius, radius, 0, 0) if axis == 3 else (0, 0, radius, radius)
        padded = F.pad(x, padding, mode="reflect")
        x = sum(padded.narrow(axis, i, size) * weights[:, i].view(-1, 1, 1, 1) for i in range(2 * radius + 1))
    return x
