"""TAB in a real shell."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from nbregistry.domain.commits import Actor, Commit
from nbregistry.magics import completion
from nbregistry.storage.tiny import View
from nbregistry.verbs.catalogue import Known

Run = Callable[[str], Any]


def tab(shell: InteractiveShell, text: str) -> list[str]:
    """Return what the word under the cursor becomes, as a front end would show it."""
    with provisionalcompleter():
        return [text[: c.start] + c.text for c in shell.Completer.completions(text, len(text))]


def beside(shell: InteractiveShell, text: str) -> dict[str, str]:
    """Return what the word under the cursor becomes, and what is shown beside each, which must not break into lines."""
    with provisionalcompleter():
        found = list(shell.Completer.completions(text, len(text)))
        assert not any(" " in (c.type or "") for c in found)
        return {c.text: (c.type or "").replace("\N{NO-BREAK SPACE}", " ") for c in found}


@pytest.fixture
def stocked(run: Run, shell: InteractiveShell) -> InteractiveShell:
    """Return a shell with a registry of two models."""
    run("clf = Ridge().fit([1.0])\nX_train = [[1.0]]")
    run("%register churn clf --alias champion --stage production;")
    run("%register churn-eu clf;")
    return shell


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%versions ch", ["churn", "churn-eu"]),
        ("%show churn@", ["churn@champion"]),
        ("%show churn/p", ["churn/Production"]),
        ("%promote churn/1 st", ["Staging"]),
        ("y = %promote churn/1 st", ["Staging"]),
        ("x, y = %promote churn/1 st", ["Staging"]),
        ("%%register ch", ["churn", "churn-eu"]),
        ("%register churn cl", ["clf"]),
        ("%register churn clf --data X_", ["X_train"]),
        ("%register churn clf --stag", ["--stage"]),
        ("%nbregistry ver", ["versions", "verify"]),
        ("%nbregistry unalias churn ", ["champion"]),
        ("x = 1\n%versions churn-", ["churn-eu"]),
    ],
)
def test_completes(stocked: InteractiveShell, text: str, expected: list[str]) -> None:
    """The fragment is replaced as a whole, in any line of a cell and behind an assignment."""
    head = text if text[-1].isspace() else text[: len(text) - len(text.rsplit(maxsplit=1)[-1])]
    assert [head + word for word in expected] == tab(stocked, text)


def test_other_lines_are_left_alone(stocked: InteractiveShell) -> None:
    """Python, other magics and the inside of a cell are none of our business."""
    for text in ("X_tr", "%time X_tr", "x = 5 % X_tr", "pass\n%%register ch"):
        assert not any("churn" in found for found in tab(stocked, text))


def test_stage_and_metric_stand_beside_names(run: Run, stocked: InteractiveShell) -> None:
    """A version's stage and metric are shown, and only its name is inserted."""
    run("%register churn clf --metric auc=0.931;")
    assert {"churn/2": "no stage · auc 0.931", "churn/1": "Production"} == {
        text: told for text, told in beside(stocked, "%show churn/").items() if text[-1].isdigit()
    }
    assert {"churn-eu": "latest 1 · 1 version"} == beside(stocked, "%show churn-e")
    assert {"Production": "held by version 1"} == beside(stocked, "%promote churn/2 Prod")
    assert {"verify": "nbregistry"} == beside(stocked, "%nbregistry verif")


def test_trouble_with_what_stands_beside_leaves_the_names(
    stocked: InteractiveShell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A document that cannot be read costs the words beside a name, not the name."""

    def broken(self: Known, versions: object) -> None:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(Known, "glimpses", broken)
    assert {"churn-eu": "nbregistry"} == beside(stocked, "%show churn-e")
    assert ("", "") == tuple(capsys.readouterr())


def test_without_a_registry_none_is_made(shell: InteractiveShell) -> None:
    """TAB in an empty folder offers stages and options, and makes nothing."""
    assert ["%promote churn/1 Production"] == tab(shell, "%promote churn/1 Prod")
    tab(shell, "%versions ")
    assert not Path(".nbregistry").exists()


def test_trouble_is_silent(
    stocked: InteractiveShell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A store that fails while TAB is pressed prints nothing."""

    def broken(session: object) -> None:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(completion, "catalogue", broken)
    tab(stocked, "%versions ch")
    out, err = capsys.readouterr()
    assert ("", "") == (out, err)


def test_two_thousand_models_in_time(stocked: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The matcher answers within 20 ms on a registry of 2,000 models with 50 versions each."""
    view = View()
    actor = Actor("ana")
    put: dict[str, dict[int, Any]] = {"models": {}, "versions": {}}
    blank = {"stage": "None", "aliases": [], "status": "READY", "tags": {}, "metrics": {"auc": 0.93}}
    for model in range(2_000):
        put["models"][model + 1] = {"name": f"model-{model}"}
        for number in range(1, 51):
            put["versions"][model * 50 + number] = {"name": f"model-{model}", "number": number, **blank}
    view.apply(Commit("register", "model-0/1", actor, "2026-11-01T12:00:00.000000Z", put=put, seq=0))
    monkeypatch.setattr(completion, "catalogue", lambda session: Known(view))
    seconds = []
    for text in ("%versions model-19", "%show model-7/", "%register mod"):
        best = 1.0
        for _ in range(10):
            start = time.process_time()  # what others do on the machine meanwhile does not count
            assert tab(stocked, text)
            best = min(best, time.process_time() - start)
        seconds.append(best)
    assert max(seconds) < 0.02, seconds


@given(st.text(max_size=50))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tab_never_fails(shell: InteractiveShell, capsys: pytest.CaptureFixture[str], rest: str) -> None:
    """Whatever stands on the line, nothing is raised or printed."""
    for sign in ("%register ", "%%register churn ", "%nbregistry "):
        list(tab(shell, sign + rest.replace("\n", " ")))
    assert "" == capsys.readouterr().err
