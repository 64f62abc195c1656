"""Which cell made a variable what it is: the last one that bound it, or called its ``fit``."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nbregistry.capture.boundary import attempt
from nbregistry.types import Document

_FITS = frozenset({"fit", "partial_fit", "fit_predict", "fit_transform", "set_params"})
_OURS = re.compile(r"\A\s*%%\w.*(?:\n|\Z)")
_SHELL = re.compile(r"^(\s*)[%!?].*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Made:
    """A cell: its id in the notebook, and its execution count; None for what is not known.

    Attributes
    ----------
    data : tuple of str or None
        What ``fit`` was given there, as far as names tell; None where the cell does not call it.
    """

    cell: str | None
    count: int | None
    data: tuple[str, ...] | None = None


def makers(cells: Iterable[Document], names: Collection[str]) -> dict[str, Made]:
    """Return the cell that made each variable, of those that can be told.

    Parameters
    ----------
    cells : iterable of dict
        As the log of executed cells gives them, the oldest first.
    """
    wanted, found = set(names), dict[str, Made]()
    for cell in reversed(list(cells)):
        if not wanted:
            break
        code: str = cell.get("code") or ""
        if cell.get("ok") is False or not any(name in code for name in wanted):
            continue
        touched = _touched(code)
        for name in wanted & touched.keys():
            found[name] = Made(cell.get("id"), cell.get("count"), touched[name])
            wanted.discard(name)
    return found


def owner(variable: str) -> str:
    """Return the variable that holds ``models["rf"]``."""
    return variable.partition("[")[0]


def _touched(code: str) -> dict[str, tuple[str, ...] | None]:
    """Return the names that a cell binds, or whose ``fit`` it calls; what IPython adds to Python is passed over."""
    plain = _SHELL.sub(r"\1pass", _OURS.sub("", code))
    tree = attempt("", lambda: ast.parse(plain), None)
    found: dict[str, tuple[str, ...] | None] = {}
    for node in ast.walk(tree) if tree is not None else ():
        for name, call in _names(node):
            data = _data(call)
            found[name] = found.get(name) if data is None else data
    return found


def _names(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield the names that a part of the code binds or fits, and where its call of ``fit`` may stand."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield name, value
        case ast.Name(id=name, ctx=ast.Store()) | ast.Subscript(value=ast.Name(id=name), ctx=ast.Store()):
            yield name, node
        case ast.Call(func=ast.Attribute(attr=attribute, value=ast.Name(id=name))) if attribute in _FITS:
            yield name, node


def _data(code: ast.AST) -> tuple[str, ...] | None:
    """Return what the first call of ``fit`` in some code is given; empty where that is more than names."""
    for node in ast.walk(code):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "fit":
            given = [ast.unparse(argument) for argument in node.args[:2]]
            simple = all(isinstance(a, ast.Name | ast.Attribute | ast.Subscript) for a in node.args[:2])
            return tuple(given) if simple and not node.keywords and not any(" " in text for text in given) else ()
    return None


def executed(core: Any, shell: Any) -> list[Document]:
    """Return the cells that a shell has executed, as far as the registry's log knows."""
    nothing: list[Mapping[str, Any]] = []
    return list(attempt("", lambda: core.cells(shell), nothing))
