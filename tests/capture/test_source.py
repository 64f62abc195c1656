from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nbregistry.capture.source import capture_source, script, start
from nbregistry.capture.whereabouts import shell
from nbregistry.domain.commits import canonical


class Look:
    """A finished look at a checkout."""

    def __init__(self, **found: Any) -> None:
        self.found = found

    def result(self, timeout: float = 2.0) -> dict[str, Any]:
        return dict(self.found)


@pytest.fixture(autouse=True)
def _no_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbregistry.capture.source.shell", lambda: None)


def test_a_script_is_told_by_its_path(tmp_path: Path) -> None:
    """A program run as a file tells the file; one given as text, or a module, tells nothing."""
    code = "from nbregistry.capture.source import capture_source; print(capture_source()[0].get('script'))"
    file = tmp_path / "train.py"
    file.write_text(code)
    for words, expected in (([str(file)], str(file)), (["-c", code], "None")):
        done = subprocess.run([sys.executable, *words], check=True, capture_output=True, text=True)
        assert expected == done.stdout.strip()


def test_in_a_notebook_the_notebook_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The notebook's path as the server tells it, and no script beside it."""
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/ana/churn \udcff.ipynb")
    found, warnings = capture_source([{"id": "c1", "count": 1, "code": "a", "ok": True}])
    canonical(found)
    assert {
        "notebook": "/home/ana/churn \\udcff.ipynb",
        "cells": [{"id": "c1", "count": 1, "code": "a", "ok": True}],
    } == found
    assert () == warnings


def test_in_a_shell_there_is_no_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's own launcher is not the user's script."""
    monkeypatch.setattr("nbregistry.capture.source.shell", object)
    assert script() is None


def test_secrets_in_the_diff_and_the_remote_are_gone_and_told() -> None:
    """The user hears of what was found in cells and in the diff, where, and what to do."""
    cells = [{"id": "c1", "count": 4, "code": "x", "ok": True, "secrets": [{"kind": "API key", "line": 2}]}]
    look: Any = Look(commit="a" * 40, diff="+a\n+password = 'hunter2'\n", remote="https://h/x")
    found, warnings = capture_source(cells, look)
    assert "+a\n+password = '[redacted password]'\n" == found["git"]["diff"]
    assert 1 == len(warnings)
    assert "API key in cell 4, line 2; password in the git diff, line 2" in warnings[0]


def test_many_secrets_are_told_in_one_line() -> None:
    """The warning names five and counts the rest."""
    secrets = [{"kind": "token", "line": i} for i in range(1, 9)]
    _, (warning,) = capture_source([{"id": "c1", "count": None, "code": "x", "ok": True, "secrets": secrets}])
    assert 5 == warning.count("token in cell c1")
    assert "and 3 more" in warning


def test_what_git_could_not_tell_is_told() -> None:
    """A look that ran out of time, or that git refused, leaves a warning."""
    unfinished: Any = Look(incomplete=True)
    assert "did not answer in time" in capture_source((), unfinished)[1][0]
    refused: Any = Look(problem="dubious ownership")
    assert ("git: dubious ownership",) == capture_source((), refused)[1]


def test_outside_of_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without notebook, script, cells and repository there is nothing to keep."""
    monkeypatch.setattr(sys, "argv", ["-c"])
    assert ({}, ()) == capture_source((), start(tmp_path))
    monkeypatch.setattr(sys, "argv", [])
    assert script() is None
    monkeypatch.setattr(sys, "argv", ["no/such\0file"])
    assert script() is None


def test_the_shell_is_found_without_importing_it() -> None:
    """In a process that never touched IPython, asking for the shell does not load it."""
    code = "import sys; from nbregistry.capture.whereabouts import shell; print(shell(), 'IPython' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "None False" == done.stdout.strip()
    assert callable(shell)
