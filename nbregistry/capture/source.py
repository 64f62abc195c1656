"""Where a model comes from: notebook, executed cells, git state, script; every text with its secrets blacked out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbregistry.capture import git
from nbregistry.capture.boundary import plain
from nbregistry.capture.secrets import Finding, redact
from nbregistry.capture.whereabouts import shell, where
from nbregistry.types import Document

__all__ = ["capture_source", "script", "start"]


def start(folder: Path | None = None) -> git.Look:
    """Begin to ask git, without waiting; hand the result to ``capture_source``."""
    return git.start(folder)


def capture_source(
    cells: Sequence[Document] = (), look: git.Look | None = None, *, timeout: float = 2.0
) -> tuple[Document, tuple[str, ...]]:
    """Put together where the model comes from.

    Parameters
    ----------
    cells : sequence of dict
        What ``CellLog.capture`` returned.
    look : git.Look, optional
        What ``start`` returned.
    timeout : float
        Seconds to wait for git.

    Returns
    -------
    document, warnings : dict, tuple of str
        ``notebook``, ``script``, ``cells``, ``git``, each where there is one; and what the user should be told.
    """
    notebook, _ = where()
    found: Document = {}
    secrets: list[str] = []
    if notebook:
        found["notebook"] = plain(notebook)
    elif (path := script()) is not None:
        found["script"] = path
    if cells:
        found["cells"] = list(cells)
        for cell in cells:
            place = f"cell {cell.get('count') or cell.get('id') or '?'}"
            secrets += [f"{s['kind']} in {place}, line {s['line']}" for s in cell.get("secrets", ())]
    state = look.result(timeout) if look is not None else {}
    for key in ("diff", "remote"):
        if isinstance(text := state.get(key), str):
            state[key], findings = redact(plain(text))
            secrets += [f"{f.kind} in the git {key}{_line(key, f)}" for f in findings]
    if state:
        found["git"] = state
    return found, _warnings(secrets, state)


def _line(key: str, finding: Finding) -> str:
    return f", line {finding.line}" if key == "diff" else ""


def _warnings(secrets: list[str], state: Document) -> tuple[str, ...]:
    warnings = []
    if secrets:
        told = "; ".join(secrets[:5]) + (f"; and {len(secrets) - 5} more" if len(secrets) > 5 else "")
        warnings.append(
            f"secrets: blacked out in what is kept ({told}); what was typed may be elsewhere, so change them"
        )
    if state.get("incomplete"):
        warnings.append("git: did not answer in time, so changes that are not committed may be missing")
    if problem := state.get("problem"):
        warnings.append(f"git: {problem}")
    return tuple(warnings)


def script() -> str | None:
    """Return the path of the script that runs, None in a notebook, a shell or ``python -c``."""
    if shell() is not None:
        return None
    first: Any = sys.argv[0] if sys.argv else ""
    if not first or first in {"-c", "-m"}:
        return None
    path = Path(first)
    try:
        return plain(str(path.absolute())) if path.is_file() else None
    except OSError:
        return None
