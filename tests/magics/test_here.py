"""`%models --here` in a real shell: variables, cells, and what happened to them since."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from nbregistry.domain.estimators import Estimators, Standing

Run = Callable[[str], Any]


def test_a_notebook_looks_at_itself(run: Run) -> None:
    """Made, registered, fitted otherwise, loaded: each is told with the cell that made it and the line to register."""
    run("clf = Ridge().fit([1.0]); X = [1.0, 2.0]")
    (found,) = run("%models --here")
    assert (Standing.NEW, 2, "%register clf clf") == (found.standing, found.count, found.line)
    run("%register churn clf")
    (found,) = run("%models --here")
    assert (Standing.REGISTERED, "churn/1") == (found.standing, found.ref)
    run("clf.coef_ = 3.0")
    run("again = %load_model churn")
    answer = run("%nbregistry models --here")
    assert isinstance(answer, Estimators)
    assert [("clf", Standing.CHANGED, "churn/1"), ("again", Standing.REGISTERED, "churn/1")] == [
        (e.variable, e.standing, e.ref) for e in answer
    ]
    assert "%register churn clf" in str(answer)
    run(answer[0].line)
    assert "churn/2" == run("%models --here")[0].ref


def test_a_class_that_is_defined_anew(run: Run, shell: InteractiveShell) -> None:
    """A model of a class that was changed in its cell and made anew is not the version; one of the same code is."""
    run("clf = Ridge().fit([1.0])\n%register churn clf")
    code = shell.history_manager.input_hist_raw[1] if shell.history_manager else ""
    run(code + "\nclf = Ridge().fit([1.0])")
    assert Standing.REGISTERED is run("%models --here")[0].standing
    run(code.replace("* x", "+ x") + "\nclf = Ridge().fit([1.0])")
    assert Standing.NEW is run("%models --here")[0].standing


def test_here_is_for_notebooks(run: Run) -> None:
    """Where there is no registry yet, looking makes none; the flag stands in the help."""
    run("clf = Ridge().fit([1.0])")
    assert Standing.NEW is run("%models --here")[0].standing
    assert "No models" in str(run("%models"))


def test_the_panel_registers_what_the_line_says(run: Run) -> None:
    """`%register --panel` in a shell opens on the notebook's variables, and its line says the same as its button."""
    panel = run("clf = Ridge().fit([1.0]); X = [[1.0], [2.0]]; auc = 0.9\n%register churn clf --metric auc --panel")
    panel.go()
    assert "%register churn clf --metric auc" == panel.line
    again = run(panel.line)
    assert ("churn/2", {"auc": 0.9}) == (again.ref, dict(again.metrics))
    assert run("%register --panel").found[0].ref == "churn/2"
