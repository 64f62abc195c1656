"""Running the body of a ``%%register`` cell as IPython would have, and telling what it made.

``shell.run_cell`` inside a cell would fire the cell events twice and swallow the result, so the cell is transformed,
compiled and executed here: magics and ``!`` work, the last expression is displayed, and an error is shown as an
ordinary traceback that begins in the cell.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from IPython.core.displayhook import DisplayHook

from nbregistry.verbs.namespace import fitted, visible

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def run(shell: InteractiveShell, cell: str) -> frozenset[str]:
    """Run a cell in the user's namespace.

    Returns
    -------
    frozenset of str
        The variables that it bound or fitted.
    """
    __tracebackhide__ = True  # IPython's way of leaving a frame out of the user's traceback
    before = _standing(shell.user_ns)
    source = shell.transform_cell(cell)
    # Versions of IPython differ in when they count a cell; its text is always in the history before it runs.
    history = shell.history_manager
    count = len(history.input_hist_raw) - 1 if history is not None else 0
    name = shell.compile.cache(source, count, raw_code=cell)
    tree = shell.compile.ast_parse(source, filename=name)
    touched = _touched(tree)
    tree = shell.transform_ast(tree)
    shown = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    _execute(shell, tree, name)
    if shown is not None:
        quiet = DisplayHook.semicolon_at_end_of_expression(cell)
        _execute(shell, ast.Module([shown], []) if quiet else ast.Interactive([shown]), name)
    after = _standing(shell.user_ns)
    return frozenset(n for n, state in after.items() if before.get(n) != state) | (touched & after.keys())


def _execute(shell: InteractiveShell, tree: ast.Module | ast.Interactive, name: str) -> None:
    __tracebackhide__ = True
    mode = "exec" if isinstance(tree, ast.Module) else "single"
    compiled: Any = shell.compile
    exec(compiled(tree, name, mode), shell.user_ns)  # noqa: S102 - the user's own cell, run because the user ran it


def _standing(namespace: Mapping[str, Any]) -> dict[str, tuple[int, bool | None]]:
    return {name: (id(namespace[name]), fitted(namespace[name])) for name in visible(namespace)}


def _touched(tree: ast.AST) -> frozenset[str]:
    """Return the names that the cell assigns, or whose ``fit`` it calls; fitting again changes no name."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("fit", "partial_fit", "fit_predict", "fit_transform")
            and isinstance(node.func.value, ast.Name)
        ):
            found.add(node.func.value.id)
    return frozenset(found)
