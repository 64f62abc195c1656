from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.testing.globalipapp import start_ipython

from nbregistry.capture.cells import EDITED, CellLog
from nbregistry.domain.commits import moment


class Events:
    def __init__(self) -> None:
        self.listeners: dict[str, list[Callable[..., None]]] = {"pre_run_cell": [], "post_run_cell": []}

    def register(self, event: str, listener: Callable[..., None]) -> None:
        self.listeners[event].append(listener)

    def unregister(self, event: str, listener: Callable[..., None]) -> None:
        self.listeners[event].remove(listener)


class Info:
    def __init__(self, code: Any, cell: str | None) -> None:
        self.raw_cell, self.cell_id, self.store_history = code, cell, True


class Result:
    def __init__(self, info: Info, count: int | None, success: bool) -> None:
        self.info, self.execution_count, self.success = info, count, success


class Shell:
    """As much of a shell as the log knows of."""

    def __init__(self) -> None:
        self.events = Events()
        self.user_ns: dict[str, Any] = {"In": [""]}
        self.execution_count = 1

    def run(
        self, code: Any, cell: str | None = None, *, ok: bool = True, inside: Callable[[], None] | None = None
    ) -> None:
        info, count = Info(code, cell), len(self.user_ns["In"])
        self.user_ns["In"].append(code)
        for listener in self.events.listeners["pre_run_cell"]:
            listener(info)
        if inside is not None:
            inside()
        for listener in self.events.listeners["post_run_cell"]:
            listener(Result(info, count, ok))


@pytest.fixture
def shell() -> Shell:
    return Shell()


def heard(shell: Shell, *, most_code: int = 1_000) -> CellLog:
    log = CellLog(most_code)
    log.attach(shell)
    return log


def test_cells_are_kept_in_the_order_they_ran(shell: Shell) -> None:
    """Each execution with its cell's id, count, text, success, start and duration."""
    log = heard(shell)
    shell.run("a = 1", "c1")
    shell.run("b = a", "c2", ok=False, inside=lambda: time.sleep(0.01))
    first, second = log.capture()
    assert {"id": "c1", "count": 1, "code": "a = 1", "ok": True} == {k: first[k] for k in ("id", "count", "code", "ok")}
    assert ("c2", 2, "b = a", False) == (second["id"], second["count"], second["code"], second["ok"])
    assert 0.01 <= second["seconds"] < 1
    assert moment(first["started"]) <= moment(second["started"])


def test_the_running_cell_comes_last(shell: Shell) -> None:
    """A cell that asks for the log finds itself in it, not yet successful, and done afterwards."""
    log, seen = heard(shell), []
    shell.run("a", "c1")
    shell.run("%register", "c2", inside=lambda: seen.extend(log.capture()))
    assert [("a", True, 1), ("%register", None, 2)] == [(c["code"], c["ok"], c["count"]) for c in seen]
    assert [True, True] == [c["ok"] for c in log.capture()]


def test_cells_within_cells(shell: Shell) -> None:
    """A cell run by a cell ends first and both are there; one that never ended is dropped with the one around it."""
    log = heard(shell)
    shell.run("outer", "o", inside=lambda: shell.run("inner", None))
    assert ["inner", "outer"] == [c["code"] for c in log.capture()]
    info = Info("lost", None)

    def begins() -> None:
        for listener in shell.events.listeners["pre_run_cell"]:
            listener(info)

    shell.run("outer again", "o", inside=begins)
    assert ["inner", "outer", "outer again"] == [c["code"] for c in log.capture()]


def test_a_cell_that_was_edited_after_it_ran_is_flagged(shell: Shell) -> None:
    """An execution whose cell later ran with another text says so; a repetition does not."""
    log = heard(shell)
    for code, cell in (("x = 1", "c1"), ("y", "c2"), ("x = 2", "c1"), ("x = 2", "c1"), ("t", None), ("u", None)):
        shell.run(code, cell)
    assert [[EDITED], None, None, None, None, None] == [c.get("flags") for c in log.capture()]


def test_secrets_are_gone_from_the_log(shell: Shell) -> None:
    """What was captured once holds no secret any more, also not in memory."""
    log = heard(shell)
    shell.run("a\npassword = 'hunter2'", "c1")
    (cell,) = log.capture()
    assert "a\npassword = '[redacted password]'" == cell["code"]
    assert [{"kind": "password", "line": 2}] == cell["secrets"]
    assert [cell] == log.capture()
    assert all("hunter2" not in execution.code + execution.raw for execution in log._done)


def test_memory_is_bounded(shell: Shell) -> None:
    """The oldest executions go first when the text grows too large, and one cell alone is cut."""
    log = heard(shell, most_code=100)
    for i in range(30):
        shell.run(f"cell {i:05}")
    assert [f"cell {i:05}" for i in range(20, 30)] == [c["code"] for c in log.capture()]
    assert 20 == log.dropped
    shell.run("x" * 1_000)
    assert ["x" * 100] == [c["code"] for c in log.capture()]


def test_cells_from_before_come_from_the_shell(shell: Shell) -> None:
    """What ran unheard is taken from the shell's own list, once, before what was heard."""
    shell.run("first")
    log = CellLog()
    shell.run("load", inside=lambda: log.attach(shell))
    shell.run("third", "c3")
    cells = log.capture()
    assert [(1, "first"), (2, "load"), (3, "third")] == [(c["count"], c["code"]) for c in cells]
    assert [None, True, True] == [c["ok"] for c in cells]
    assert cells == log.capture()


def test_without_listening_the_history_is_all_there_is(shell: Shell) -> None:
    """A log that was never attached tells the shell's history."""
    shell.run("a")
    shell.run("api_key = 'abcd1234'")
    assert ["a", "api_key = '[redacted API key]'"] == [c["code"] for c in CellLog().capture(shell)]


def test_detached_it_hears_nothing_and_forgets_nothing(shell: Shell) -> None:
    """Detaching leaves no listener behind, twice does no harm, and neither does attaching twice."""
    log = heard(shell)
    log.attach(shell)
    shell.run("a")
    log.detach()
    log.detach()
    shell.run("b")
    assert {"pre_run_cell": [], "post_run_cell": []} == shell.events.listeners
    assert ["a"] == [c["code"] for c in log.capture()]


def test_listeners_that_somebody_removed(shell: Shell) -> None:
    """Detaching is quiet when the shell no longer knows the listeners."""
    log = heard(shell)
    shell.events.listeners["pre_run_cell"].clear()
    log.detach()
    assert {"pre_run_cell": [], "post_run_cell": []} == shell.events.listeners


def test_hostile_cells(shell: Shell) -> None:
    """Lone surrogates, NUL and texts that are none are stored as text; odd events are passed over."""
    log = heard(shell)
    shell.run("x = '\ud800\x00'", "\udfff")
    shell.run(None)
    for listeners in shell.events.listeners.values():
        for listener in listeners:
            listener()
            listener(None)
    first, second = log.capture()
    assert ("\\udfff", "x = '\\ud800\x00'") == (first["id"], first["code"])
    assert "" == second["code"]


def test_without_a_shell_there_are_no_cells() -> None:
    """In a script there is nothing to tell, and a shell that fails to tell its history costs nothing else."""

    class Broken:
        @property
        def history_manager(self) -> Any:
            raise RuntimeError("database is locked")

    assert [] == CellLog().capture()
    assert [] == CellLog().capture(Broken())


@pytest.fixture
def ipython() -> Iterator[Any]:
    """Return IPython's shell as tests share it, with a history of its own."""
    start_ipython()
    shell: Any = InteractiveShell.instance()
    shell.history_manager.reset()
    shell.execution_count = 1
    yield shell
    shell.history_manager.reset()


def test_ipython_itself_is_heard(ipython: Any) -> None:
    """In the real shell: counts, ids, success, the cells before and the cell that asks."""
    log = CellLog()
    ipython.user_ns |= {"log": log, "shell": ipython, "seen": []}
    for code in ("a = 1", "1 / 0", "log.attach(shell)"):
        ipython.run_cell(code, store_history=True)
    ipython.run_cell("b = 2", store_history=True, cell_id="c4")
    ipython.run_cell("seen += log.capture()", store_history=True, cell_id="c5")
    log.detach()
    seen = ipython.user_ns["seen"]
    assert ["a = 1", "1 / 0", "log.attach(shell)", "b = 2", "seen += log.capture()"] == [c["code"] for c in seen]
    assert [1, 2, 3, 4, 5] == [c["count"] for c in seen]
    assert [True, False, True, True, None] == [c["ok"] for c in seen]
    assert [None, None, None, "c4", "c5"] == [c["id"] for c in seen]


def test_the_log_is_quick(shell: Shell) -> None:
    """Capturing two hundred cells again costs well under a millisecond a hundred (a wide bound)."""
    log = heard(shell, most_code=10**6)
    for i in range(200):
        shell.run(f"x_{i} = frame.groupby('a').agg(mean=('b', 'mean'))  # {i}\n" * 10, f"c{i}")
    log.capture()
    started = time.perf_counter()
    log.capture()
    assert time.perf_counter() - started < 0.01
