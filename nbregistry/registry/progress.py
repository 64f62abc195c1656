"""A line that tells how far a long job is; nothing is shown for the first second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

AFTER = 1.0
EVERY = 0.2


class Progress:
    """Shows ``title: 312 MB`` on one line of the error stream (a notebook's output), and removes it at the end.

    Parameters
    ----------
    title : str
        What is being done.
    hear : callable or None
        Hears every state at once, instead of the error stream.
    """

    def __init__(self, title: str, hear: Callable[[str], None] | None = None) -> None:
        self._title, self._hear = title, hear
        self._begun = time.monotonic()
        self._next = self._begun + AFTER
        self._shown = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._write("\r" + " " * self._shown + "\r")

    def step(self, state: str) -> None:
        """Tell what is begun to whoever asked to hear; on the error stream only what can be counted is worth a line."""
        if self._hear is not None:
            self._hear(state)

    def tell(self, state: str) -> None:
        """Show a state, when it is time."""
        if self._hear is not None:
            self._hear(state)
            return
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY
        line = f"{self._title}: {state}, {now - self._begun:.0f} s"
        self._write("\r" + line.ljust(self._shown))
        self._shown = max(self._shown, len(line))

    def _write(self, text: str) -> None:
        # A notebook frames what stands on its error stream in red, and leaves the frame when the line is gone.
        notebook = type(sys.stderr).__module__.startswith("ipykernel.")
        stream = sys.stdout if notebook else sys.stderr
        stream.write(text)
        stream.flush()

    def watched(self, stream: Any) -> Any:
        """Return a stream that writes to ``stream`` and tells how much."""
        return _Watched(stream, self)


class _Watched:
    def __init__(self, stream: Any, progress: Progress) -> None:
        self._stream, self._progress = stream, progress

    def write(self, data: Any) -> int:
        written = self._stream.write(data)
        self._progress.tell(f"{self._stream.size / 1e6:,.0f} MB stored")
        return int(written)

    def flush(self) -> None:
        self._stream.flush()
