"""The quickstart as its reader meets it: opened in JupyterLab, in a browser, run from first cell to last."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browsing import Lab, cells, lab_of, open_notebook, run_all, wait_until_run, windows

pytest.importorskip("playwright.sync_api")
pytest.importorskip("jupyterlab")

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "01_quickstart.ipynb"

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    folder = tmp_path / "lab"
    folder.mkdir()
    shutil.copy(NOTEBOOK, folder)
    with lab_of(folder) as server:
        yield server


def test_quickstart_runs_in_jupyterlab(lab: Lab, chromium: str) -> None:
    """Run All Cells runs every cell without an error, shows rich output, and asks nothing of the outside."""
    with windows(chromium) as opened:
        window = opened()
        open_notebook(window, lab, NOTEBOOK.name)
        run_all(window.page)
        wait_until_run(window.page, lab.folder / NOTEBOOK.name, seconds=150)
        window.keep("quickstart")
        rich = window.page.locator(".jp-OutputArea .jp-RenderedHTMLCommon table").count()
    outputs = [output for cell in cells(lab.folder / NOTEBOOK.name) for output in cell["outputs"]]
    assert [] == [output for output in outputs if output["output_type"] == "error"]
    assert rich > 0
    assert [] == window.outside
