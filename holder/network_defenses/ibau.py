"""i-BAU (Zeng et al. 2021): unlearn the worst universal perturbation, with the implicit hypergradient.

The inner problem seeks one perturbation of all clean images that raises the loss most; the outer one changes the
network so that the loss under it falls, and its gradient counts how the perturbation answers to the network. Five
rounds and five fixed-point iterations (paper, A.15); SGD at 10 within an L2 ball of 10, Adam at 1e-4 and the
perturbation on a hundredth of an outer batch as in BackdoorBench and the authors' code. Unlike theirs the inner
problem of an outer step is that of its own batch, and normalisation stays in evaluation mode: both levels then
speak of one function, the network as it is used. No device is named anywhere.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holder.defending import Given, Kept, autocast, pixels
from holder.models import load_preact_resnet18
from holder.training import batches, epochs

NEEDS = ("network", "clean_data")


def hypergradient(
    inner: Callable[[Tensor], Tensor],
    outer: Callable[[Tensor], Tensor],
    delta: Tensor,
    parameters: Sequence[Tensor],
    *,
    step: float,
    iterations: int,
) -> tuple[Tensor, list[Tensor]]:
    """outer(δ) and its total derivative by the parameters, where δ is a minimum of inner and moves with them.

    With Φ(δ) = δ − step·∇inner(δ), whose fixed points are those minima, v = Φ_δᵀ v + ∂outer/∂δ is iterated from
    ∂outer/∂δ, and the derivative is ∂outer/∂θ + Φ_θᵀ v (Grazzi et al. 2020). It converges if Φ contracts.

    inner, outer: scalars of a tensor shaped like `delta`, which depend on the `parameters`; inner twice differentiable.
    """
    delta = delta.detach().requires_grad_()
    (slope,) = torch.autograd.grad(inner(delta), delta, create_graph=True)
    moved = delta - step * slope
    loss = outer(delta)
    direct, *by_parameter = torch.autograd.grad(loss, (delta, *parameters), materialize_grads=True)
    v = direct
    for _ in range(iterations):
        v = torch.autograd.grad(moved, delta, v, retain_graph=True)[0] + direct
    response = torch.autograd.grad(moved, parameters, v, materialize_grads=True)
    return loss.detach(), [a + b for a, b in zip(by_parameter, response, strict=True)]


def defend(
    given: Given,
    *,
    rounds: int = 5,
    iterations: int = 5,
    batch: int = 256,
    learning_rate: float = 0.0001,
    inner_rate: float = 10.0,
    inner_step: float = 0.1,
    radius: float = 10.0,
    penalty: float = 0.001,
    perturbed_share: float = 0.01,
) -> tuple[nn.Module, dict]:
    """The backdoored network, unlearned; facts: the perturbation's L2 norm in each round.

    inner_rate: of the SGD that finds the perturbation; inner_step: of the fixed-point map; penalty: on its squared
    norm; perturbed_share: of an outer batch, at least one image.
    """
    images, labels, device = given.clean_images, given.clean_labels, given.clean_images.device
    network = load_preact_resnet18(given.network).to(device, memory_format=torch.channels_last)
    parameters = list(network.parameters())
    adam = torch.optim.Adam(parameters, lr=learning_rate)
    kept = Kept(norms=torch.zeros(rounds, device=device))

    def loss(x: Tensor, y: Tensor) -> Tensor:
        with autocast(device):
            return F.cross_entropy(network(x), y)

    modules = {"network": network, "kept": kept}
    for round_, generator, note in epochs(rounds, modules, {"adam": adam}, given.stage("ibau"), *given.coordinates):
        delta = torch.zeros_like(images[:1], dtype=torch.float32)
        for rows in batches(len(images), batch, generator, device):
            delta.requires_grad_()
            gain = loss(pixels(images[rows]) + delta, labels[rows]) - penalty * delta.square().sum()
            (slope,) = torch.autograd.grad(gain, delta)
            delta = delta.detach() + inner_rate * slope
            note("inner loss", gain, len(rows))
        delta = delta * (radius / delta.norm()).clamp(max=1)
        kept.norms[round_] = delta.norm()
        for rows in batches(len(images), batch, generator, device):
            x, y = pixels(images[rows]), labels[rows]
            chosen = torch.zeros(len(rows), 1, 1, 1, device=device)
            chosen[: max(1, round(perturbed_share * len(rows)))] = 1  # the rows are in random order
            value, gradients = hypergradient(
                lambda d, x=x, y=y: penalty * d.square().sum() - loss(x + d, y),
                lambda d, x=x, y=y, chosen=chosen: loss(x + chosen * d, y),
                delta,
                parameters,
                step=inner_step,
                iterations=iterations,
            )
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient
            adam.step()
            note("outer loss", value, len(rows))
    return network.eval(), {"perturbation_norms": kept.norms.tolist()}
