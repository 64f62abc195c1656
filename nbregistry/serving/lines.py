"""Lines for a file, written behind the back of whoever has something to say: a log never keeps an answer waiting.

What is to be written goes into a bounded queue, which is a list in memory. A thread empties it, forms the lines and
writes them. When the disk is slower than the requests, lines are given up and counted.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from nbregistry.serving.boundary import attempted
from nbregistry.serving.metrics import Cell

EVERY = 0.1
"""Seconds between two looks at the queue."""

PIECES = 4
"""Files that a log consists of at most; the oldest is overwritten."""


class Lines:
    """A log of bounded size.

    Parameters
    ----------
    path : Path
        The newest file; older ones end in ``.1``, ``.2`` ...
    form : callable
        Makes a line, without its end, of what was put; called in the thread.
    limit : int
        Bytes of all files.
    queue : int
        Lines that wait at most.
    dropped : Cell
        Counts what was given up.
    """

    def __init__(
        self, path: Path, form: Callable[[Any], bytes | None], *, limit: int, queue: int, dropped: Cell
    ) -> None:
        self._path, self._form, self._dropped = path, form, dropped
        self._piece, self._most = max(1, limit // PIECES), queue
        self._waiting: deque[Any] = deque()
        self._leave = threading.Event()
        self._thread: threading.Thread | None = None
        self._written = 0

    def put(self, item: Any) -> None:
        """Have a line written; give it up when too many wait."""
        if len(self._waiting) < self._most:
            self._waiting.append(item)
        else:
            self._dropped.inc()

    def start(self) -> None:
        """Begin to write."""
        self._thread = threading.Thread(target=self._work, name=f"nbregistry-{self._path.stem}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, and end."""
        self._leave.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        leaving = False
        while not leaving:
            leaving = self._leave.wait(EVERY)
            if self._waiting:
                attempted(f"Writing {self._path.name}", self._write, None)

    def _write(self) -> None:
        """Write all that waits; what the disk does not take is given up, as the next lines may be."""
        taken = [self._waiting.popleft() for _ in range(len(self._waiting))]
        what = f"A line for {self._path.name}"
        nothing: list[bytes | None] | None = None
        formed = attempted(what, lambda: [self._form(item) for item in taken], nothing)
        if formed is None:  # one of them has no form; the others have
            formed = [attempted(what, partial(self._form, item), None) for item in taken]
        data = b"".join(line + b"\n" for line in formed if line is not None)
        if not data:
            return
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                self._written = os.fstat(file).st_size
                rest = memoryview(data)
                while rest:  # a disk that is nearly full takes a part, which would leave half a line
                    rest = rest[os.write(file, rest) :]
            finally:
                os.close(file)
        except OSError:
            self._dropped.inc(len(taken))
            return
        self._written += len(data)
        if self._written > self._piece:
            self._rotate()

    def _rotate(self) -> None:
        names = [self._path, *(self._path.with_name(f"{self._path.name}.{n}") for n in range(1, PIECES))]
        for newer, older in reversed(list(itertools.pairwise(names))):
            with contextlib.suppress(OSError):
                os.replace(newer, older)
