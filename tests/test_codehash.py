"""The fingerprint follows meaning: not comments, not formatting, but every import, however deep."""

import pytest

from holder import codehash


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "holder" / "attacks").mkdir(parents=True)
    (tmp_path / "scripts").mkdir()
    files = {
        "holder/__init__.py": '"""Docs."""\n',
        "holder/attacks/__init__.py": "",
        "holder/attacks/sig.py": "from holder.deep import f\n",
        "holder/attacks/bpp.py": "x = 1\n",
        "holder/deep.py": '"""Docs."""\ndef f(a):\n    """Docs."""\n    return a + 1\n',
        "scripts/poison.py": "import numpy\nfrom holder import job, near\n",
        "holder/job.py": "z = 3\n",
        "holder/near.py": "y = 2\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(codehash, "ROOT", tmp_path)

    def digest(*parts):
        codehash._parsed.cache_clear()
        return codehash.code_hash(*parts)

    def edit(name, old, new):
        path = tmp_path / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return digest, edit


PARTS = ("scripts/poison.py", "holder.attacks.sig")


@pytest.mark.parametrize(
    ("name", "old", "new", "same"),
    [
        ("holder/deep.py", "a + 1", "a + 2", False),
        ("holder/near.py", "y = 2", "y = 3", False),
        ("scripts/poison.py", "import numpy", "import numpy as np", False),
        ("holder/deep.py", "a + 1", "a+1  # why", True),
        ("holder/deep.py", "Docs.", "Other docs.", True),
        ("holder/attacks/bpp.py", "x = 1", "x = 2", True),
        ("holder/job.py", "z = 3", "z = 4", True),
    ],
)
def test_what_changes_it(project, name, old, new, same):
    digest, edit = project
    before = digest(*PARTS)
    edit(name, old, new)
    assert (digest(*PARTS) == before) is same
