"""Processes that are made to die: forked from the test, so that each is ready in milliseconds."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

Tell = Callable[..., None]
"""Sends one line of JSON to the parent: what was acknowledged."""


class Child:
    """A forked process that runs ``work(tell, wait)`` and leaves without any clean-up.

    Parameters
    ----------
    work : callable
        ``tell(...)`` sends to the parent; ``wait()`` stops until the parent says ``go()``.
    """

    def __init__(self, work: Callable[[Tell, Callable[[], None]], object]) -> None:
        answers, tells = os.pipe()
        waits, goes = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(answers)
            os.close(goes)
            _live(work, tells, waits)
        os.close(tells)
        os.close(waits)
        self._answers, self._goes = answers, goes
        self._rest = b""
        self.status: int | None = None

    def go(self) -> None:
        """Let the child go on from ``wait()``."""
        os.write(self._goes, b".")

    def told(self, *, timeout: float = 60.0) -> Any:
        """Return the next thing the child told; None when it ended without."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._answers], [], [], left)[0]:
                raise TimeoutError(f"child {self.pid} told nothing for {timeout} s")
            block = os.read(self._answers, 1 << 16)
            if not block:
                return None
            self._rest += block
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)

    def rest(self) -> Iterator[Any]:
        """Yield all that the child tells until it ends; half a line is not told."""
        while (found := self.told()) is not None:
            yield found

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def wait(self, *, timeout: float = 60.0) -> int:
        """Wait until it has ended; returns the signal that ended it, negative, or its exit status."""
        deadline = time.monotonic() + timeout
        while self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                raise TimeoutError(f"child {self.pid} did not end within {timeout} s")
            else:
                time.sleep(0.0005)
        return self.status

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGCONT)
            os.kill(self.pid, signal.SIGKILL)
            self.wait()
        os.close(self._answers)
        os.close(self._goes)


def _live(work: Callable[[Tell, Callable[[], None]], object], tells: int, waits: int) -> None:
    def tell(*found: object) -> None:
        try:
            os.write(tells, json.dumps(found).encode() + b"\n")
        except OSError:  # the failure was meant for another call
            os.write(tells, json.dumps(found).encode() + b"\n")

    def wait() -> None:
        with contextlib.suppress(OSError):  # as above
            os.read(waits, 1)

    try:
        work(tell, wait)
    except BaseException:  # noqa: BLE001  the fork of a test must not go on as a test
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
