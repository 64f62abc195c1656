"""The notebook behind the registry browser, run as a notebook."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from nbregistry.browser.launching import NOTEBOOK, notebook
from tests.browser.serving_pages import stocked


def test_it_runs_in_jupyterlab_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened by a data scientist it shows the same browser, and loads nothing of the scientific stack."""
    monkeypatch.setenv("NBREGISTRY_URI", str(stocked(tmp_path)))
    found = nbformat.read(notebook(), as_version=4)
    assert [] == [cell for cell in found.cells if cell.get("outputs")]
    heavy = {"pandas", "numpy", "sklearn", "scipy", "matplotlib", "voila", "jupyter_server"}
    asks = f"import sys\nprint(sorted({heavy!r} & sys.modules.keys()))"
    found.cells.append(nbformat.v4.new_code_cell(asks))
    NotebookClient(found, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in found.cells[:-1] for output in cell.get("outputs", [])]
    assert any("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in shown)
    assert [] == [output for output in shown if output["output_type"] == "error"]
    assert "[]" == found.cells[-1]["outputs"][0]["text"].strip()


def test_it_is_found() -> None:
    """The notebook is where the command looks for it."""
    assert NOTEBOOK == notebook().name
