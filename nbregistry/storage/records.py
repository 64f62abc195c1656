"""How commits lie in a file: one line each, ``LENGTH HASH PAYLOAD`` and a newline, framed by length and SHA-256.

LENGTH is eight hexadecimal digits, HASH sixty-four, PAYLOAD canonical JSON without raw newlines that holds the hash of
the line before; so the lines form a chain, and each can be told whole or broken by itself.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import orjson

from nbregistry.domain.commits import FORMAT, GENESIS_HASH, Commit, Head
from nbregistry.errors import InvalidInput, NewerFormat
from nbregistry.storage.files import open_regular, unreadable

FRAME = 8 + 1 + 64 + 1
_CHUNK = 1 << 22


class Position(NamedTuple):
    """A place between two records: the commit before it, where that commit begins and where it ends (bytes)."""

    seq: int
    hash: str
    start: int
    end: int

    @property
    def head(self) -> Head:
        """The commit before this place."""
        return Head(self.seq, self.hash)


ORIGIN = Position(-1, GENESIS_HASH, 0, 0)


class Tail(NamedTuple):
    """What lies behind the last valid record.

    Attributes
    ----------
    state : str
        ``clean``; ``bare``: only the newline of the last record is missing or damaged; ``torn``: what an unfinished
        write leaves; ``damaged``: anything else.
    offset, size : int
        Where it begins, how many bytes it has.
    why : str
        What is wrong there.
    """

    state: str
    offset: int
    size: int
    why: str = ""


class Scan:
    """One pass over the records of a file from a place on; iterate it to its end, then look at what it found.

    Attributes
    ----------
    tail : Tail
        What lies behind the last valid record.
    loose : list of int
        Commits that stand there whole, but without the newline that belongs behind them.
    """

    def __init__(self, path: Path, position: Position = ORIGIN) -> None:
        self.path = path
        self.tail = Tail("clean", 0, 0)
        self.loose: list[int] = []
        self._at = position

    def __iter__(self) -> Iterator[tuple[Commit, Position]]:
        try:
            with open_regular(self.path, buffering=0) as file:
                yield from self._records(file)
        except FileNotFoundError:
            return
        except OSError as error:
            raise unreadable(error, self.path) from error

    def _records(self, file: BinaryIO) -> Iterator[tuple[Commit, Position]]:
        at, buffer, offset, more = self._at, b"", 0, b""
        file.seek(at.end)
        while True:
            found = read(buffer, offset)
            whole = isinstance(found, Commit)
            end = offset + size(buffer, offset) if whole else 0
            # A record counts without its newline only where the file ends: there it may be on its way.
            if (found is None and self._fits(file, at, buffer, offset)) or (whole and end == len(buffer)):
                more = file.read(_CHUNK)
                if more:
                    buffer, offset = buffer[offset:] + more, 0
                    continue
            if isinstance(found, Commit) and (found.seq != at.seq + 1 or found.prev != at.hash):
                found = f"commit {found.seq} does not follow commit {at.seq}"
            if not isinstance(found, Commit):
                self.tail = _judge(file, at, found or "the record ends early")
                return
            if end < len(buffer) and buffer[end] != 0x0A:
                self.loose.append(found.seq)
            at = Position(found.seq, found.hash, at.end, at.end + end - offset + 1)
            yield found, at
            if end == len(buffer):
                self.tail = _judge(file, at, "")
                return
            offset = end + 1

    @staticmethod
    def _fits(file: BinaryIO, at: Position, buffer: bytes, offset: int) -> bool:
        """Whether the record could end within the file: a damaged length must not make us read all of the rest."""
        return len(buffer) - offset < FRAME or at.end + size(buffer, offset) <= os.fstat(file.fileno()).st_size


def sealed(commit: Commit, head: Head) -> tuple[Commit, bytes]:
    """Return a commit chained behind ``head``, as whoever reads it will find it, and its line.

    Raises
    ------
    InvalidInput
        It holds what JSON cannot carry.
    """
    try:
        chained, payload = commit.sealed(head)
    except (ValueError, TypeError) as error:
        raise InvalidInput(
            f"{commit.action} {commit.target}: this cannot be stored ({error}). Nothing was changed."
        ) from error
    line = b"%08x %s %s\n" % (len(payload), chained.hash.encode(), payload)
    return Commit.decode(orjson.loads(payload), chained.hash), line


def size(buffer: bytes, offset: int) -> int:
    """Return how long the record at ``offset`` says it is, frame included and newline not."""
    return FRAME + int(buffer[offset : offset + 8], 16)


def read(buffer: bytes, offset: int) -> Commit | str | None:
    """Read one record; a text says what is wrong with it, None that the buffer ends before it does.

    Raises
    ------
    NewerFormat
        It is whole, and written by a newer nbregistry.
    """
    head = buffer[offset : offset + FRAME]
    if len(head) < FRAME:
        return None
    try:
        length = int(head[:8], 16)
    except ValueError:
        return "no frame"
    if head[8:9] != b" " or head[73:74] != b" " or b"%08x" % length != head[:8]:
        return "no frame"
    end = offset + FRAME + length
    if len(buffer) < end:
        return None
    payload = buffer[offset + FRAME : end]
    digest = hashlib.sha256(payload).hexdigest()
    if digest.encode() != head[9:73]:
        return "the record does not match its hash"
    try:
        body = orjson.loads(payload)
        if body["v"] <= FORMAT:
            return Commit.decode(body, digest)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return f"the record is not a commit ({error})"
    raise NewerFormat(
        f"Commit {body.get('seq')} is in format {body['v']}; this nbregistry reads up to {FORMAT}. Upgrade nbregistry."
    )


def at(path: Path, position: Position) -> bytes:
    """Return the line that lies at a place if it is that very commit, an empty one if not."""
    if not 0 <= position.start < position.end <= position.start + (1 << 32):
        return b""
    try:
        with open_regular(path, buffering=0) as file:
            file.seek(position.start)
            found = file.read(position.end - position.start)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise unreadable(error, path) from error
    commit = read(found, 0)
    same = isinstance(commit, Commit) and commit.seq == position.seq and commit.hash == position.hash
    return found if same and position.end - position.start == size(found, 0) + 1 else b""


def strays(path: Path, offset: int) -> Iterator[tuple[bytes, Commit | str]]:
    """Yield every line from ``offset`` on, each by itself, with the commit in it or what is wrong with it."""
    with path.open("rb") as file:
        file.seek(offset)
        for found in file:
            commit = read(found, 0)
            yield found, commit if commit is not None else "the record ends early"


def _judge(file: BinaryIO, at: Position, why: str) -> Tail:
    left = os.fstat(file.fileno()).st_size - at.end
    if left <= 0:
        file.seek(max(at.end - 1, 0))
        last = file.read(1) if at.end else b"\n"
        missing = "" if last == b"\n" else "its newline is damaged" if last else "its newline is missing"
        return Tail("bare" if missing else "clean", at.end, 0, missing)
    file.seek(at.end + left - 1)
    # One write ends in its newline or does not get there: a newline at the end means that whole records were here.
    return Tail("damaged" if file.read(1) == b"\n" else "torn", at.end, left, why)
