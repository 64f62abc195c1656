"""The cells this kernel has executed, as they were when they ran.

What a notebook shows may have been edited since; what made the model is the text that ran. So the log listens to the
shell's events and keeps each execution. Cells that ran before it was attached come from the shell's own history.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nbregistry.capture.boundary import attempt, plain
from nbregistry.capture.secrets import Finding, redact
from nbregistry.domain.commits import timestamp
from nbregistry.types import Document

MOST_CODE = 8 * 2**20
"""Characters of code that a log keeps; the oldest executions go first."""

MOST_CELLS = 20_000

EDITED = "edited after run"
"""Flag of an execution whose cell ran again later with another text."""


@dataclass(slots=True)
class _Execution:
    id: str | None
    count: int | None
    code: str
    ok: bool | None = None
    seconds: float | None = None
    started: str | None = None
    findings: tuple[Finding, ...] | None = None
    size: int = 0
    raw: str = ""

    def as_document(self, *, seconds: float | None = None) -> Document:
        if self.findings is None:
            # once an execution; from here on the secret is not in the log either
            self.code, self.findings = redact(plain(self.code))
        found: Document = {"id": self.id, "count": self.count, "code": self.code, "ok": self.ok}
        if (elapsed := self.seconds if seconds is None else seconds) is not None:
            found["seconds"] = round(elapsed, 6)
        if self.started is not None:
            found["started"] = self.started
        if self.findings:
            found["secrets"] = [{"kind": f.kind, "line": f.line} for f in self.findings]
        return found


class CellLog:
    """Listens to a shell and remembers what it executed.

    Parameters
    ----------
    most_code : int, optional
        Characters of code to keep.
    """

    def __init__(self, most_code: int = MOST_CODE) -> None:
        self.dropped = 0
        self._shell: Any = None
        self._most_code = most_code
        self._size = 0
        self._done: deque[_Execution] = deque()
        self._running: list[tuple[Any, _Execution, float]] = []
        self._attached_at = 0
        self._unheard_known: dict[int, _Execution] = {}

    def attach(self, shell: Any) -> None:
        """Begin to listen to ``shell`` (an IPython shell, or anything with its ``events``); twice does no harm."""
        if self._shell is shell:
            return
        self.detach()
        shell.events.register("pre_run_cell", self._before)
        shell.events.register("post_run_cell", self._after)
        self._shell = shell
        self._attached_at = len(_texts(shell)) - 1

    def detach(self) -> None:
        """Stop listening; what was heard is kept."""
        if self._shell is None:
            return
        for event, listener in (("pre_run_cell", self._before), ("post_run_cell", self._after)):
            try:
                self._shell.events.unregister(event, listener)
            except ValueError:
                continue  # somebody else has removed it
        self._shell = None

    def _before(self, info: Any = None) -> None:
        if info is not None:
            self._running.append((info, _execution(info), time.perf_counter()))

    def _after(self, result: Any = None) -> None:
        info = getattr(result, "info", None)
        if info is None:
            return
        place = next((i for i, (known, _, _) in enumerate(self._running) if known is info), None)
        if place is None:
            # the cell that attached us: its beginning was not heard
            done = _execution(info)
            done.started = None
        else:
            _, done, began = self._running[place]
            # an execution above it that never ended was interrupted between the two events
            del self._running[place:]
            done.seconds = time.perf_counter() - began
        count = getattr(result, "execution_count", None)
        done.count = count if isinstance(count, int) else done.count
        done.ok = bool(getattr(result, "success", True))
        self._keep(done)

    def _keep(self, done: _Execution) -> None:
        if len(done.code) > self._most_code:
            done.code = done.code[: self._most_code]
        done.size, done.raw = len(done.code), ""
        self._size += done.size
        self._done.append(done)
        while self._size > self._most_code or len(self._done) > MOST_CELLS:
            self._size -= self._done.popleft().size
            self.dropped += 1

    def capture(self, shell: Any = None) -> list[Document]:
        """Return the executed cells in the order they ran, the running one last.

        Parameters
        ----------
        shell : optional
            Whose history to fall back on for cells that ran unheard; the attached one by default.

        Returns
        -------
        list of dict
            ``id`` (of the notebook's cell, None in a terminal), ``count``, ``code`` with secrets redacted, ``ok``
            (None: running, or not known), ``seconds``, ``started``; ``flags`` and ``secrets`` where there are any.
        """
        shell = shell if shell is not None else self._shell
        done, running, now = list(self._done), list(self._running), time.perf_counter()
        texts: list[Any] = attempt("", lambda: _texts(shell), [])
        for _, execution, _ in running:
            # shells differ in when they raise their counter, but the text of the running cell is already the last
            if execution.count is None and texts and texts[-1] == execution.raw:
                execution.count = len(texts) - 1
        counts = {execution.count for execution in (*done, *(e for _, e, _ in running))}
        unheard: list[_Execution] = attempt("", lambda: self._unheard(shell, texts, counts), [])
        cells = [execution.as_document() for execution in (*unheard, *done)]
        cells += [execution.as_document(seconds=now - began) for _, execution, began in running]
        _flag_edited(cells)
        return cells

    def _unheard(self, shell: Any, texts: list[Any], heard: set[int | None]) -> list[_Execution]:
        """Return the executions before the log was attached, from the shell's own history."""
        failed = getattr(getattr(shell, "history_manager", None), "exceptions", None)
        newest = min(self._attached_at, len(texts) - 1) if shell is self._shell else len(texts) - 1
        found, room = [], self._most_code - self._size
        for count in range(newest, 0, -1):
            code = texts[count]
            if count in heard or not isinstance(code, str) or not code:
                continue
            room -= len(code)
            if room < 0:
                break
            # the newest may be running still
            ok = None if failed is None or (count == len(texts) - 1 and count not in failed) else count not in failed
            known = self._unheard_known.get(count)
            if known is None or known.raw is not code:
                known = self._unheard_known[count] = _Execution(None, count, code, raw=code)
            known.ok = ok
            found.append(known)
        return found[::-1]


def _execution(info: Any) -> _Execution:
    code, cell = getattr(info, "raw_cell", ""), getattr(info, "cell_id", None)
    code = code if isinstance(code, str) else ""
    identity = plain(str(cell)) if cell else None
    return _Execution(identity, None, code, started=timestamp(datetime.now(UTC)), raw=code)


def _texts(shell: Any) -> list[Any]:
    """Return what the shell itself remembers of its input; the place in the list is the execution count."""
    history = getattr(shell, "history_manager", None)
    return list(getattr(history, "input_hist_raw", None) or getattr(shell, "user_ns", {}).get("In") or ())


def _flag_edited(cells: list[Document]) -> None:
    """Flag executions whose cell later ran with another text."""
    latest: dict[str, str] = {}
    for cell in reversed(cells):
        if cell["id"] is None:
            continue
        if latest.setdefault(cell["id"], cell["code"]) != cell["code"]:
            cell["flags"] = [EDITED]
