"""The line that tells how far a long job is."""

from __future__ import annotations

import io
import sys

import pytest

from nbregistry.registry import Registry, progress, registering


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Return the time it was set to."""
        return self.now


def test_silent_for_a_second_then_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Short jobs show nothing; a long one shows one line, at most five times a second, and takes it away at the end."""
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    with progress.Progress("Registering churn") as shown:
        clock.now = 0.9
        shown.tell("10 MB stored")
        assert "" == capsys.readouterr().err
        clock.now = 1.1
        shown.tell("20 MB stored")
        clock.now = 1.15
        shown.tell("21 MB stored")
        assert "\rRegistering churn: 20 MB stored, 1 s" == capsys.readouterr().err
    left = capsys.readouterr().err
    assert left.startswith("\r")
    assert "" == left.strip()


def test_a_notebook_sees_no_error_for_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In a kernel the line goes to the output, since a notebook frames its error stream as a failure."""
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setattr(sys, "stderr", type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})())
    with progress.Progress("Serving churn") as shown:
        clock.now = 1.1
        shown.tell("starting")
        assert "\rServing churn: starting, 1 s" == capsys.readouterr().out


def test_somebody_else_may_hear(capsys: pytest.CaptureFixture[str], r: Registry) -> None:
    """Whoever asks to hear the states hears each at once, and the error stream stays quiet."""
    heard: list[str] = []
    registering.register(r.core, registering.Request(len, "length", progress=heard.append))
    assert ["looking at data and environment", "storing", "loading it back"] == [s for s in heard if "MB" not in s]
    assert any(s.endswith("MB stored") for s in heard)
    assert "" == capsys.readouterr().err
