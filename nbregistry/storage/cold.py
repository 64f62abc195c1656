"""Documents that are still text: they lie in a checkpoint file until somebody asks for one."""

from __future__ import annotations

import contextlib
import os
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

from nbregistry.storage.files import unreadable

_BLOCK = 1 << 22


class Source:
    """A file held open, so that a newer one in its place takes nothing away."""

    def __init__(self, path: Path) -> None:
        self._path, self._fd = path, -1
        self._fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))

    def read(self, size: int, start: int) -> bytes:
        """Return the bytes at a place."""
        try:
            return os.pread(self._fd, size, start)
        except OSError as error:
            raise unreadable(error, self._path) from error

    def __del__(self) -> None:
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.close(self._fd)


class Cold:
    """The documents of one table in a checkpoint file, by id.

    Places are arrays, since a hundred thousand tuples would weigh more than what they point at is worth.

    Parameters
    ----------
    source : Source or None
        None for a table without cold documents.
    """

    def __init__(self, source: Source | None = None) -> None:
        self._source = source
        self._ids, self._starts, self._sizes = array("Q"), array("Q"), array("Q")
        self.bytes = 0

    def add(self, id_: int, start: int, size: int) -> None:
        """Note where a document lies; ids come in ascending order."""
        self._ids.append(id_)
        self._starts.append(start)
        self._sizes.append(size)
        self.bytes += size

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[int]:
        return iter(self._ids)

    def __contains__(self, id_: object) -> bool:
        return isinstance(id_, int) and self._place(id_) >= 0

    def _place(self, id_: int) -> int:
        ids = self._ids
        if 0 < id_ <= len(ids) and ids[id_ - 1] == id_:  # where none was ever removed, as mostly
            return id_ - 1
        found = bisect_left(ids, id_) if id_ >= 0 else len(ids)
        return found if found < len(ids) and ids[found] == id_ else -1

    def text(self, id_: int) -> bytes:
        """Return a document's JSON; KeyError when it is not here."""
        place, source = self._place(id_), self._source
        if place < 0 or source is None:
            raise KeyError(id_)
        return source.read(self._sizes[place], self._starts[place])

    def texts(self) -> Iterator[tuple[int, bytes]]:
        """Yield every document's JSON in id order, reading the file once from front to back."""
        if self._source is None:
            return
        block, base = b"", 0
        for id_, start, size in zip(self._ids, self._starts, self._sizes, strict=True):
            if not base <= start <= start + size <= base + len(block):
                base, block = start, self._source.read(max(size, _BLOCK), start)
            yield id_, block[start - base : start - base + size]
