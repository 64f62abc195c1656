from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from nbregistry.capture.whereabouts import shell, where


def running(monkeypatch: pytest.MonkeyPatch, found: Any) -> None:
    """Make a shell, or None, the one that runs."""
    module = ModuleType("IPython")
    module.get_ipython = lambda: found  # type: ignore[attr-defined]  # a stand-in
    monkeypatch.setitem(sys.modules, "IPython", module)


def test_the_running_cell_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a kernel: the notebook that the server names and the cell that the request came from."""
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/ana/churn.ipynb")
    kernel = SimpleNamespace(get_parent=lambda: {"metadata": {"cellId": "c7"}})
    running(monkeypatch, kernel)
    assert kernel is shell()
    assert ("/home/ana/churn.ipynb", "c7") == where()


@pytest.mark.parametrize("message", [{}, {"metadata": {}}, None])
def test_a_shell_without_cells(monkeypatch: pytest.MonkeyPatch, message: Any) -> None:
    """A front end that names no cells, and a terminal, leave the cell open."""
    running(monkeypatch, SimpleNamespace(get_parent=lambda: message))
    assert (None, None) == where()
    running(monkeypatch, SimpleNamespace())
    assert (None, None) == where()


def test_outside_of_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPython that is loaded and does not run, or is not loaded, is no shell."""
    running(monkeypatch, None)
    assert shell() is None
    monkeypatch.delitem(sys.modules, "IPython")
    assert shell() is None
    assert (None, None) == where()
