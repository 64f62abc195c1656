"""What a user of JupyterLab meets, in a browser: the quickstart from first cell to last, TAB."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browsing import Lab, Window, cells, lab_of, open_notebook, run_all, wait_until_run, windows

pytest.importorskip("playwright.sync_api")
pytest.importorskip("jupyterlab")

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "01_quickstart.ipynb"
NO_BREAK = "\N{NO-BREAK SPACE}"

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Run one JupyterLab for all that is looked at here."""
    folder = tmp_path_factory.mktemp("jupyterlab") / "lab"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBREGISTRY_HOME", str(folder.parent / "home"))
        patch.setenv("NBREGISTRY_USER", "ana")
        with lab_of(folder) as server:
            yield server


@pytest.fixture(scope="module")
def opened(chromium: str) -> Iterator[Callable[..., Window]]:
    """Run one browser."""
    with windows(chromium) as found:
        yield found


def write_below(page: Any, text: str) -> Any:
    """Add a cell at the end and write into it; return its text as the page has it."""
    last = page.locator(".jp-Notebook .jp-CodeCell").last
    last.locator(".jp-InputArea-editor").click()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    page.keyboard.type(text)
    return page.locator(".jp-Notebook .jp-mod-active .cm-content")


def offered(page: Any) -> dict[str, str]:
    """Press TAB; return what is offered and what is shown beside each."""
    page.keyboard.press("Tab")
    page.wait_for_selector(".jp-Completer-item")
    read = """items => items.map(item => ['.jp-Completer-match', '.jp-Completer-typeExtended'].map(
        part => item.querySelector(part).innerText))"""
    found = page.locator(".jp-Completer-item").evaluate_all(read)
    return {name: beside.replace(NO_BREAK, " ") for name, beside in found}


def one_line_each(page: Any) -> bool:
    """Whether no text in the list of TAB is broken into lines, which would run over the rows below."""
    read = """items => items.every(item => [...item.querySelectorAll('code')].every(part => {
        const range = document.createRange();
        range.selectNodeContents(part);
        return new Set([...range.getClientRects()].map(line => Math.round(line.top))).size <= 1;
    }))"""
    return bool(page.locator(".jp-Completer-item").evaluate_all(read))


def test_quickstart_runs_in_jupyterlab(lab: Lab, opened: Callable[..., Window]) -> None:
    """Run All Cells runs every cell, shows rich output, TAB tells stage and metric, and nothing outside is asked."""
    shutil.copy(NOTEBOOK, lab.folder)
    window = opened()
    page = window.page
    open_notebook(window, lab, NOTEBOOK.name)
    run_all(page)
    wait_until_run(page, lab.folder / NOTEBOOK.name, seconds=150)
    window.keep("quickstart")
    outputs = [output for cell in cells(lab.folder / NOTEBOOK.name) for output in cell["outputs"]]
    assert [] == [output for output in outputs if output["output_type"] == "error"]
    assert page.locator(".jp-OutputArea .jp-RenderedHTMLCommon table").count() > 0

    line = write_below(page, "%show tumours/")
    found = offered(page)
    window.keep("quickstart-tab")
    assert "production · auc 0.9873" == found["tumours/1"]  # JupyterLab writes what stands beside in small letters
    assert "archived · auc 0.9965" == found["tumours/2"]
    assert "no stage · auc 0.9838" == found["tumours/3"]
    assert one_line_each(page)
    page.keyboard.type("2")
    page.wait_for_function("document.querySelectorAll('.jp-Completer-item').length === 1")
    page.keyboard.press("Enter")
    page.wait_for_selector(".jp-Completer", state="hidden")
    assert "%show tumours/2" == line.inner_text().strip()
    assert [] == window.outside
    assert [] == window.spoken
