"""What the project can do, read from which files lie in its folders: a name is a module.

`facts` and `settings` read a module's source without importing it, so that checking a
configuration never waits for torch.
"""

import ast
import importlib
import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

from holder.errors import HolderError

ROOT = Path(__file__).parent


def names(kind: str) -> list[str]:
    """Names available for a kind ("attacks", "defenses", "extractors", "datasets"), sorted."""
    return sorted(p.stem for p in (ROOT / kind).glob("[!_]*.py"))


def module(kind: str, name: str) -> ModuleType:
    """Import `holder.<kind>.<name>`."""
    _source(kind, name)
    return importlib.import_module(f"holder.{kind}.{name}")


def facts(kind: str, name: str) -> dict:
    """Module-level constants written as literals, e.g. `facts("attacks", "sig")["CLEAN_LABEL"]`."""
    found = {}
    for node in _source(kind, name).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return found


def defined(kind: str, name: str) -> set[str]:
    """Names that a module defines or imports at its top level."""
    found = set()
    for node in _source(kind, name).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found.update(target.id for target in targets if isinstance(target, ast.Name))
    return found


def caption(figure: str) -> str:
    """What a figure shows: the docstring of its module, as one line."""
    return " ".join(ast.get_docstring(_source("figures", figure)).split())


def settings(kind: str, name: str, *functions: str) -> dict:
    """Keyword-only parameters with a literal default, over the named functions of the module."""
    found = {}
    for node in _source(kind, name).body:
        if isinstance(node, ast.FunctionDef) and node.name in functions:
            for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
                if default is not None:
                    try:
                        found[argument.arg] = ast.literal_eval(default)
                    except ValueError:
                        said = f"{kind}.{name}: the default of '{argument.arg}' is {ast.unparse(default)}"
                        raise HolderError(f"{said}; allowed is a literal.") from None
    return found


def accepted(function: Callable, given: dict) -> dict:
    """Those of the given settings that a function takes."""
    return {key: value for key, value in given.items() if key in inspect.signature(function).parameters}


@cache
def _source(kind: str, name: str) -> ast.Module:
    if name not in names(kind):
        raise HolderError(f"{kind}: '{name}' is not known; there are {', '.join(names(kind))}.")
    try:
        return ast.parse((ROOT / kind / f"{name}.py").read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise HolderError(f"{kind}.{name}: line {error.lineno} of its file is no Python: {error.msg}.") from error
