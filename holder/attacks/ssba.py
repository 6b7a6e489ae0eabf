"""SSBA (Li et al. 2021d): a secret hidden by a steganographic encoder, so every image's residual is its own.

Encoder and decoder are small networks in the manner of StegaStamp (Tancik et al. 2020), trained
on the dataset itself; then one secret is fixed.
"""

import logging

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLEAN_LABEL = False
TRAINED = True

log = logging.getLogger(__name__)


class Encoder(nn.Module):
    """Image (n, 3, h, w) in [0, 1] and secret (n, bits) to the encoded image in [0, 1]."""

    def __init__(self, bits: int, width: int):
        super().__init__()
        self.secret = nn.Linear(bits, 3 * 8 * 8)
        sizes = [width, 2 * width, 4 * width]
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 3, s, 1) for a, b, s in zip([6, *sizes], sizes, (1, 2, 2), strict=False)
        )
        self.up = nn.ModuleList([nn.Conv2d(6 * width, 2 * width, 3, 1, 1), nn.Conv2d(3 * width, width, 3, 1, 1)])
        self.residual = nn.Conv2d(width, 3, 1)

    def forward(self, x: Tensor, secret: Tensor) -> Tensor:
        spread = F.interpolate(self.secret(secret - 0.5).view(-1, 3, 8, 8), size=x.shape[2:])
        levels = [torch.cat([x - 0.5, spread], 1)]
        for layer in self.down:
            levels.append(layer(levels[-1]).relu())
        y = levels[-1]
        for layer, skip in zip(self.up, (levels[2], levels[1]), strict=True):
            y = layer(torch.cat([F.interpolate(y, size=skip.shape[2:]), skip], 1)).relu()
        return (x + self.residual(y)).clamp(0, 1)


class Decoder(nn.Module):
    """Image to the secret's logits (n, bits)."""

    def __init__(self, bits: int, width: int):
        super().__init__()
        sizes = [width, 2 * width, 2 * width, 4 * width]
        layers: list[nn.Module] = []
        for a, b in zip([3, *sizes], sizes, strict=False):
            layers += [nn.Conv2d(a, b, 3, 2, 1), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * width * 4, bits))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x - 0.5)


def fit(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    rng: np.random.Generator,
    device,
    checkpoint,
    bits: int = 1,
    width: int = 64,
    epochs: int = 20,
    batch: int = 64,
    learning_rate: float = 1e-4,
    image_weight: float = 10.0,
    wait: int = 1000,
    ramp: int = 3000,
) -> dict:
    """Train encoder and decoder on random secrets, then draw the secret that will be used.

    Loss: BCE of the decoded bits + weight·MSE of the image; the weight is 0 until the bit accuracy
    passes .9 and for `wait` steps more, then rises to image_weight over `ramp` steps. 20 epochs of
    Adam at 1e-4, batch 64 and a one-bit secret are BackdoorBench's; a longer `bits` is a string.
    Returns {"encoder.…", "secret": float32 (bits,), "bit_accuracy", "psnr": float32}.
    """
    from holder import training

    seed = int(rng.integers(2**62))
    secret = rng.integers(0, 2, bits).astype(np.float32)
    data = training.on_device(images, device)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder, decoder = Encoder(bits, width).to(device), Decoder(bits, width).to(device)
    adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], learning_rate)
    progress = nn.ParameterDict({"steps_since": nn.Parameter(torch.full((), -1.0), requires_grad=False)})
    modules = {"encoder": encoder, "decoder": decoder, "progress": progress}

    for _, generator, note in training.epochs(epochs, modules, {"adam": adam}, checkpoint, "ssba", seed):
        for rows in training.batches(len(data), batch, generator, device):
            x = data[rows].float() / 255
            hidden = torch.randint(0, 2, (len(rows), bits), generator=generator).float().to(device)
            encoded = encoder(x, hidden)
            decoded = decoder(encoded)
            accuracy = ((decoded > 0) == (hidden > 0.5)).float().mean()
            since = progress["steps_since"]
            if since >= 0 or accuracy > 0.9:
                since += 1
            weight = image_weight * float(((since - wait) / ramp).clamp(0, 1))
            error = (encoded - x).square().mean()
            loss = F.binary_cross_entropy_with_logits(decoded, hidden) + weight * error
            adam.zero_grad(set_to_none=True)
            loss.backward()
            adam.step()
            note("bit accuracy", accuracy, len(rows))
            note("mse", error, len(rows))
    fitted = {f"encoder.{k}": v.cpu().numpy() for k, v in encoder.state_dict().items()}
    fitted["secret"] = secret
    return {**fitted, **_quality(images[:2000], fitted, decoder.cpu().eval())}


def apply(images: np.ndarray, fitted: dict) -> np.ndarray:
    """Every image with the one secret encoded. images: uint8 (n, h, w, 3)."""
    return _encoded(images, fitted, torch.from_numpy(fitted["secret"])[None])


@torch.inference_mode()
def _encoded(images: np.ndarray, fitted: dict, secrets: Tensor) -> np.ndarray:
    state = {k.removeprefix("encoder."): torch.from_numpy(v) for k, v in fitted.items() if k.startswith("encoder.")}
    encoder = Encoder(state["secret.weight"].shape[1], len(state["residual.weight"][0])).eval()
    encoder.load_state_dict(state)
    out = np.empty_like(images)
    for start in range(0, len(images), 500):
        x = torch.from_numpy(images[start : start + 500]).permute(0, 3, 1, 2).float() / 255
        hidden = secrets.expand(len(images), -1)[start : start + len(x)]
        out[start : start + len(x)] = (255 * encoder(x, hidden)).round().byte().permute(0, 2, 3, 1).numpy()
    return out


def _quality(images: np.ndarray, fitted: dict, decoder: Decoder) -> dict:
    """Bit accuracy of random secrets read back from stored (uint8) images, and PSNR in dB."""
    secrets = torch.from_numpy(np.random.default_rng(0).integers(0, 2, (len(images), len(fitted["secret"])))).float()
    encoded = _encoded(images, fitted, secrets)
    with torch.inference_mode():
        read = decoder(torch.from_numpy(encoded).permute(0, 3, 1, 2).float() / 255) > 0
    accuracy = (read == (secrets > 0.5)).float().mean().item()
    error = np.square(encoded.astype(np.float32) - images).mean()
    psnr = 10 * np.log10(255**2 / max(error, 1e-12))
    log.info("bit accuracy %.3f, PSNR %.1f dB", accuracy, psnr)
    return {"bit_accuracy": np.float32([accuracy]), "psnr": np.float32([psnr])}
