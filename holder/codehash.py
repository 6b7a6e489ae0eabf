"""A fingerprint of the code a job runs, so that a rerun follows a change of meaning only.

Snakemake compares a script's modification time and looks at nothing it imports. This hash is
of the parsed syntax, over the script and every project module it imports, however deep, but for
PLUMBING: comments, docstrings, formatting, `touch` and `git checkout` leave it as it is.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent

PLUMBING = ("holder/job.py", "holder/gpus.py", "holder/errors.py")
"""Left out: they decide how a job logs, fails and finds its device, not what it computes."""


def code_hash(*parts: str) -> str:
    """16 hex digits for scripts ("scripts/prune.py") and modules ("holder.defenses.hp") together."""
    paths = set()
    waiting = [ROOT / p if p.endswith(".py") else _path(p) for p in parts]
    while waiting:
        path = waiting.pop()
        if path and path not in paths and str(path.relative_to(ROOT)) not in PLUMBING:
            paths.add(path)
            waiting += [_path(name) for name in _parsed(path)[1]]
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.relative_to(ROOT)} {_parsed(path)[0]}\n".encode())
    return digest.hexdigest()[:16]


def _path(name: str) -> Path | None:
    """File of a project module, or None when the name is an object inside one."""
    path = ROOT.joinpath(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.exists():
            return candidate
    return None


@cache
def _parsed(path: Path) -> tuple[str, tuple[str, ...]]:
    """Hash of a file's syntax without docstrings, and the project names it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            imports += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_docstring(body[0]):
            node.body = body[1:] or [ast.Pass()]
    ours = tuple(name for name in imports if name.split(".")[0] == "holder")
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), ours


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
