"""A shipped notebook, run in a kernel of its own, and what its cells showed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def executed(name: str, folder: Path) -> Any:
    """Return the notebook, run from first cell to last in a folder; a cell that fails raises."""
    import nbclient
    import nbformat

    found = nbformat.read(NOTEBOOKS / name, 4)
    path = os.pathsep.join([str(NOTEBOOKS.parent), *filter(None, sys.path)])
    ours = {"NBREGISTRY_HOME": str(folder / "home"), "NBREGISTRY_USER": "ana", "PYTHONPATH": path}
    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(found, timeout=90, resources=resources).execute(env={**os.environ, **ours})
    return found


def cell(book: Any, words: str) -> Any:
    """Return the code cell with these words."""
    (found,) = [cell for cell in book.cells if cell.cell_type == "code" and words in cell.source]
    return found


def shown(book: Any, words: str) -> str:
    """Return what the cell with these words showed, as text."""
    outputs = cell(book, words).outputs
    return "\n".join(o.text if o.output_type == "stream" else o.data.get("text/plain", "") for o in outputs)
