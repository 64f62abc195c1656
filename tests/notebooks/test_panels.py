"""The notebook on panels, run from first cell to last in a kernel of its own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.notebooks.executing import NOTEBOOKS, cell, executed, shown

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
for library in ("ipykernel", "ipywidgets", "anywidget", "sklearn", "uvicorn"):
    pytest.importorskip(library)

WIDGET = "application/vnd.jupyter.widget-view+json"
PANELS = {
    "%register tumours forest": "RandomForestClassifier",
    "%models --panel": "tumours",
    "card_panel(registry": "C = 1",
    "%compare tumours/1": "tumours/3",
    "%promote tumours/3": "tumours/3",
    "%rollback tumours": "tumours/1",
    "annotate_panel(registry": "tumours/2",
    "%serve --panel": "tumours",
}
"""What a cell says, and what its panel must show of this registry, alive or not."""

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Execute the notebook once; a cell that fails fails every test of it."""
    return executed("03_panels.ipynb", tmp_path_factory.mktemp("panels"))


@pytest.mark.parametrize("words", PANELS)
def test_each_panel_opens_and_leaves_its_picture(book: Any, words: str) -> None:
    """A cell shows its panel, and beside it the picture that stays when the kernel is gone."""
    data = [output.data for output in cell(book, words).outputs if output.output_type == "display_data"]
    assert 1 == sum(WIDGET in one for one in data)
    pictures = [one["text/html"] for one in data if WIDGET not in one]
    assert 1 == len(pictures)
    assert PANELS[words] in pictures[0]


def test_no_panel_says_that_something_failed(book: Any) -> None:
    """No error strip and no word on standard error anywhere."""
    outputs = [output for one in book.cells if one.cell_type == "code" for output in one.outputs]
    assert [] == [output.text for output in outputs if output.get("name") == "stderr"]
    states = book.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"].values()
    values = [str(one["state"].get("value", "")) for one in states]
    assert [] == [value for value in values if 'role="alert"' in value and "nbr-banner-bad" in value]


def test_what_is_fitted_here_is_listed(book: Any) -> None:
    """The forest is told as not registered, the last pipeline as the version that it is."""
    told = shown(book, "%models --here")
    assert "forest" in told
    assert "tumours/3" in told


def test_nothing_is_left_running(book: Any) -> None:
    """The last cell ends the server."""
    assert "No server runs" in shown(book, "%serve --stop all")


def test_it_is_stored_without_outputs() -> None:
    """The notebook in the package holds no results of anybody's machine."""
    cells = [one for one in nbformat.read(NOTEBOOKS / "03_panels.ipynb", 4).cells if one.cell_type == "code"]
    assert not any(one.outputs or one.execution_count for one in cells)
