"""The extension in a real kernel, as a notebook front end meets it."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from nbregistry.registry import Registry
from tests.magics.conftest import MODEL

CELLS = [
    "%load_ext nbregistry",
    MODEL,
    "%%register churn --metric auc=$auc --note it's the first\nclf = Ridge().fit([1.0])\nauc = 0.9",
    "%versions churn",
    "%promote churn/1 prodction",
    "%audit churn",
    "line = '%promote churn/1 Pro'\nget_ipython().kernel.do_complete(line, len(line))['matches']",
    "line = '%show churn/'\nget_ipython().kernel.do_complete(line, len(line))",
]


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """Execute a notebook once; return it and its folder."""
    folder = tmp_path_factory.mktemp("notebook")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    ours = {"NBREGISTRY_HOME": str(folder / "home"), "NBREGISTRY_USER": "ana", "PYTHONPATH": os.pathsep.join(sys.path)}
    client = NotebookClient(book, timeout=60, allow_errors=True, resources={"metadata": {"path": str(folder)}})
    client.execute(env={**os.environ, **ours})
    return book, folder


def outputs(book: Any, index: int) -> list[Any]:
    return list(book.cells[index].outputs)


def test_cards_and_tables_are_shown(notebook: tuple[Any, Path]) -> None:
    """Answers come as HTML, Markdown and text, so that every front end has one it can show."""
    book, _ = notebook
    for index in (2, 3, 5):
        data = next(o for o in outputs(book, index) if o.output_type == "execute_result").data
        assert {"text/html", "text/plain", "text/markdown"} <= set(data), index
        assert "churn" in data["text/html"]


def test_refusal_is_one_line(notebook: tuple[Any, Path]) -> None:
    """A slip gives one line on standard error, and the cell counts as failed."""
    book, _ = notebook
    kinds = {o.output_type for o in outputs(book, 4)}
    text = "".join(o.text for o in outputs(book, 4) if o.output_type == "stream")
    assert "stream" in kinds
    assert text.startswith("UsageError: No stage 'prodction', did you mean 'Production'?")
    assert 1 == len(text.strip().splitlines())


def test_the_cell_is_kept(notebook: tuple[Any, Path]) -> None:
    """The registry is beside the notebook, and holds the cells that ran in its kernel, in order."""
    _, folder = notebook
    cells = Registry(folder / ".nbregistry").version("churn/1").details("source")["cells"]
    assert [text.strip() for text in CELLS[:3]] == [cell["code"].strip() for cell in cells]


def test_tab_in_the_kernel(notebook: tuple[Any, Path]) -> None:
    """What a front end asks the kernel for on TAB is answered with whole words."""
    book, _ = notebook
    assert "['Production']" == outputs(book, 6)[0].data["text/plain"]


def test_tab_tells_stage_and_metric(notebook: tuple[Any, Path]) -> None:
    """The kernel's answer, as JupyterLab reads it, holds stage and metric beside what is inserted."""
    book, _ = notebook
    answer = ast.literal_eval(outputs(book, 7)[0].data["text/plain"])
    beside = {one["text"]: one["type"] for one in answer["metadata"]["_jupyter_types_experimental"]}
    assert ["churn/1"] == answer["matches"] == list(beside)
    assert "no stage · auc 0.9" == beside["churn/1"].replace("\N{NO-BREAK SPACE}", " ")
    assert (len("%show "), len("%show churn/")) == (answer["cursor_start"], answer["cursor_end"])
