"""A log that several processes append to and all of them read: one JSON line a piece, at most 4 KiB each.

Writers hold a lock between processes, so lines never mix; a writer that is killed leaves at most one torn line, which
the next one ends and everybody passes over. Nothing is synced to the disk: what a crash of the machine takes away are
the rewards of its last seconds. When the log has grown, it is replaced by a shorter one that says the same; readers see
that it is another file and read it from the start.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

import orjson

from nbregistry.serving.graph.tallies import Record, Tallies
from nbregistry.storage.locks import WriterLock

_LINE = 4096
_PIECE = 1 << 20


class Reader(Protocol):
    """Who takes the records in."""

    def begin(self) -> None:
        """Forget everything: the log is read from its start."""
        ...

    def take(self, records: list[Record]) -> None:
        """Take the records of one line in."""
        ...

    def caught_up(self) -> None:
        """Everything that was in the log has been taken."""
        ...


class Log:
    """One file and where this process has read to. Used by one thread at a time.

    Parameters
    ----------
    path : Path
        Made when it is not there; its folder too.
    reader : Reader
        Own lines are taken only when the log is read from its start: their writer knows them.
    longest : int
        Bytes from which the log is shortened.
    """

    def __init__(self, path: Path, reader: Reader, *, longest: int = 8 << 20) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path, self._reader, self._longest = path, reader, longest
        self._limit = longest
        self.lock = WriterLock(path.with_suffix(".lock"), timeout=5.0)
        self.writer = secrets.token_hex(4)
        self.broken = 0
        self._file = -1
        self._at = 0

    def refresh(self) -> None:
        """Read what was written since the last time."""
        if not self._same():
            self._reopen()
        self._read()
        self._reader.caught_up()

    def append(self, records: list[Record], *, fold: Callable[[], Tallies] | None = None) -> None:
        """Write records, after everything that others wrote was read.

        Parameters
        ----------
        fold : callable
            Gives an empty memory; where the log has grown, it is read into one and replaced by what that says.
        """
        with self.lock.held():
            self.refresh()
            self._write(b"".join(self._lines(records)))
            if fold is not None and self._at > self._limit:
                self._shorten(fold())

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _same(self) -> bool:
        if self._file < 0:
            return False
        try:
            named, held = os.stat(self.path), os.fstat(self._file)
        except FileNotFoundError:
            return False
        return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino) and held.st_size >= self._at

    def _reopen(self) -> None:
        self.close()
        self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        self._at = 0
        self._reader.begin()

    def _read(self) -> None:
        fresh, rest = self._at == 0, b""
        while piece := os.pread(self._file, _PIECE, self._at + len(rest)):
            lines = (rest + piece).split(b"\n")
            rest = lines.pop()
            for line in lines:
                self._take(line, fresh=fresh)
                self._at += len(line) + 1

    def _take(self, line: bytes, *, fresh: bool) -> None:
        writer, records = self._records(line)
        if fresh or writer != self.writer:
            self._reader.take(records)

    def _records(self, line: bytes) -> tuple[str, list[Record]]:
        try:
            writer, records = orjson.loads(line) if line else ("", [])
        except (ValueError, TypeError):
            self.broken += 1
            return "", []
        return writer, [r for r in records if isinstance(r, list)] if isinstance(records, list) else []

    def _write(self, data: bytes) -> None:
        if not data:
            return
        size = os.fstat(self._file).st_size
        if size > self._at:  # a torn line that nobody will finish
            data = b"\n" + data
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        self._at = size + len(data)

    def _shorten(self, memory: Tallies) -> None:
        # From the file and not from the memory in use, which holds what is not written yet.
        with self.path.open("rb") as whole:
            for line in whole:
                for record in self._records(line.rstrip(b"\n"))[1]:
                    memory.apply(record)
        beside = self.path.with_suffix(".part")
        with beside.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.writelines(self._lines(memory.records()))
        os.replace(beside, self.path)
        os.close(self._file)
        self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | getattr(os, "O_CLOEXEC", 0))
        self._at = os.fstat(self._file).st_size
        self._limit = max(self._longest, 2 * self._at)

    def _lines(self, records: Iterable[Record]) -> Iterator[bytes]:
        start, end = b'["' + self.writer.encode() + b'",[', b"]]\n"
        line: list[bytes] = []
        length = len(start) + len(end)
        for record in records:
            told = orjson.dumps(record)
            if line and length + len(told) + 1 > _LINE:
                yield start + b",".join(line) + end
                line, length = [], len(start) + len(end)
            line.append(told)
            length += len(told) + 1
        if line:
            yield start + b",".join(line) + end
