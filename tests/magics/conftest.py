"""A real shell with the extension loaded, in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from traitlets.config import Config

MODEL = """
class Ridge:
    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def fit(self, X, y=None):
        self.coef_ = 2.0
        return self

    def predict(self, X):
        return [self.coef_ * x for x in X]
"""


@pytest.fixture
def bare() -> Iterator[InteractiveShell]:
    """Yield a shell without the extension."""
    InteractiveShell.clear_instance()
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.IPCompleter.use_jedi = False  # as in JupyterLab, and it would take seconds over lines that are not Python
    shell = InteractiveShell.instance(config=config)
    # Newer versions import their own magics when first used, which would look like a replacement.
    getattr(shell.magics_manager, "load_all_lazy_magics", lambda: None)()
    yield shell
    shell.run_line_magic("unload_ext", "nbregistry")
    InteractiveShell.clear_instance()


@pytest.fixture
def shell(bare: InteractiveShell) -> InteractiveShell:
    """Return a shell with the extension and a class of models."""
    bare.run_line_magic("load_ext", "nbregistry")
    bare.run_cell(MODEL, store_history=True).raise_error()
    return bare


@pytest.fixture
def run(shell: InteractiveShell) -> Callable[[str], Any]:
    """Return a function that runs a cell as a notebook does, and returns its result."""

    def runs(cell: str) -> Any:
        result = shell.run_cell(cell, store_history=True)
        result.raise_error()
        return result.result

    return runs


@pytest.fixture
def refusal(shell: InteractiveShell) -> Callable[[str], str]:
    """Return a function that runs a cell which must end in a UsageError, and returns what it says."""

    def refused(cell: str) -> str:
        result: ExecutionResult = shell.run_cell(cell, store_history=True)
        error = result.error_before_exec or result.error_in_exec
        assert type(error) is UsageError, error
        return str(error)

    return refused
