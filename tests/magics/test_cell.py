"""%%register, %%annotate and %%describe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbregistry.errors import NotFound
from nbregistry.registry import Registry

Run = Callable[[str], Any]
Refusal = Callable[[str], str]


def test_registers_what_the_cell_made(run: Run) -> None:
    """The model that the cell made is found, although another one is there."""
    run("old = Ridge(1.0).fit([1.0])")
    version = run("%%register churn --metric auc=$auc\nnew = Ridge(2.0)\nnew.fit([1.0])\nauc = 0.75")
    assert ("churn/1", 0.75) == (version.ref, version.metrics["auc"])
    assert 2.0 == Registry().load("churn/1").alpha


def test_a_model_fitted_again_counts_as_made(run: Run) -> None:
    """Fitting an object anew changes no name, and still it is what the cell made."""
    run("one = Ridge(1.0).fit([1.0])\ntwo = Ridge(2.0).fit([1.0])")
    run("%%register churn\ntwo.fit([2.0])")
    assert 2.0 == Registry().load("churn/1").alpha


def test_the_cell_is_the_source(run: Run) -> None:
    """The running cell, with its first line, is the last one captured."""
    version = run("%%register churn clf\nclf = Ridge(3.0).fit([1.0])  # as tuned on Monday")
    last = version.details("source")["cells"][-1]["code"]
    assert last.startswith("%%register churn clf")
    assert "as tuned on Monday" in last


def test_cells_come_from_the_log(run: Run) -> None:
    """Every cell since loading was heard as it ran, with when it started and how long it took."""
    run("clf = Ridge(3.0).fit([1.0])")
    cells = run("%register churn clf").details("source")["cells"]
    assert ["Ridge(3.0)" in cells[-2]["code"], "%register" in cells[-1]["code"]] == [True, True]
    assert all({"seconds", "started"} <= set(cell) for cell in cells)


def test_last_expression_is_shown(shell: InteractiveShell, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """As in any cell, the last expression is displayed, unless a semicolon follows it."""
    run("%%register churn clf\nclf = Ridge().fit([1.0])\n'shown as it is'")
    assert "'shown as it is'" in capsys.readouterr().out
    run("%%register churn clf\nclf = Ridge().fit([1.0])\n'not shown';")
    assert "not shown" not in capsys.readouterr().out


def test_magics_and_shell_lines_work_inside(run: Run) -> None:
    """The cell may hold what only IPython understands."""
    run("%%register churn clf\nfolder = %pwd\nclf = Ridge().fit([1.0])")
    assert run("folder")


def test_an_error_stops_the_registration(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    """The cell's own error is shown with its traceback, without our frames, and nothing is registered."""
    result = shell.run_cell("%%register churn clf\nclf = Ridge().fit([1.0])\nclf.coef_ / 0", store_history=True)
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    shown = capsys.readouterr().out
    assert "clf.coef_ / 0" in shown
    assert "nbregistry" not in shown
    with pytest.raises(NotFound):
        Registry().version("churn")


def test_broken_syntax_is_the_cells_fault(shell: InteractiveShell) -> None:
    """A cell that does not parse is told as such."""
    result = shell.run_cell("%%register churn clf\nclf = = 1", store_history=True)
    assert isinstance(result.error_in_exec, SyntaxError)


def test_a_slip_is_told_before_the_cell_runs(run: Run, refusal: Refusal) -> None:
    """A wrong option is refused while the hour of training is still to come."""
    assert "did you mean '--metric'" in refusal("%%register churn clf --metrics auc=1\nran = True")
    with pytest.raises(NameError):
        run("ran")


def test_several_models_are_listed(refusal: Refusal) -> None:
    """With two models made, the lines to choose from are given as they would be typed."""
    cell = "%%register churn --note it's\na = Ridge().fit([1.0])\nb = Ridge().fit([1.0])"
    told = refusal(cell)
    assert "`%%register churn a --note it's` (Ridge)" in told
    assert "`%%register churn b --note it's` (Ridge)" in told


def test_finding_the_one_fitted_model(run: Run, refusal: Refusal) -> None:
    """One fitted model is found; none, and several, are told."""
    assert "There is no fitted model" in refusal("%register churn")
    run("clf = Ridge().fit([1.0]); fresh = Ridge()")
    assert "churn/1" == run("%register churn").ref
    run("other = Ridge().fit([1.0])")
    told = refusal("%register churn --metric auc=1")
    assert "`%register churn clf --metric auc=1`" in told
    assert "`%register churn other --metric auc=1`" in told


def test_names_that_are_not_there(run: Run, refusal: Refusal) -> None:
    """A mistyped variable is answered with the nearest one."""
    run("clf = Ridge().fit([1.0]); X_train = [1.0]")
    assert "did you mean 'clf'" in refusal("%register churn clg")
    assert "did you mean 'X_train'" in refusal("%register churn clf --data X_tran")
    assert "This variable is None" in refusal("X = None\n%register churn clf --data X").replace("this", "This")


def test_cell_as_text(run: Run) -> None:
    """Behind %%annotate and %%describe the cell is the text, with its lines, unexpanded."""
    run("clf = Ridge().fit([1.0])\n%register churn clf")
    assert "Line one\n- {two}; it's" == run("%%annotate churn/1 --kind decision\nLine one\n- {two}; it's\n").text
    assert "# Churn\n\nWho *leaves*." == run("%%describe churn\n# Churn\n\nWho *leaves*.").description
