"""The embedded ledger: one append-only file, one line a commit, each framed by its length and its SHA-256.

A line reads ``LENGTH HASH PAYLOAD\\n``: eight hexadecimal digits, sixty-four, canonical JSON. The payload holds the hash
of the line before, so the lines form a chain. What happens to the end of the file:

- a whole valid record is kept, even if its final newline is damaged;
- a tail that a torn write can have left (no newline at its end) was never acknowledged: readers pass it over, the next
  writer moves it to ``quarantine/`` and says so;
- anything else is damage: reading gives what is whole before it, writing is refused until ``repair``.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import orjson

from nbregistry.domain.commits import FORMAT, GENESIS_HASH, Actor, Commit, Head, timestamp
from nbregistry.errors import Conflict, Damaged, NewerFormat, OutcomeUnknown, StoreReadOnly
from nbregistry.storage.files import make_folder, refusal, replacing
from nbregistry.storage.locks import WriterLock

FRAME = 8 + 1 + 64 + 1
_CHUNK = 1 << 22
_MORE = None


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
    """What lies behind the last valid record: ``clean``, ``bare`` (only its newline is damaged), ``torn``, ``damaged``."""

    state: str
    offset: int
    size: int
    why: str = ""


class Journal:
    """A ledger in a folder.

    Attributes
    ----------
    at : Position
        The end of what this object has read.
    tail : Tail
        What lay behind it at the last look.
    loose : list of int
        Commits that the last scan found without their newline.
    """

    def __init__(self, folder: Path, *, lock_timeout: float = 30.0) -> None:
        self.folder = folder
        self.path = folder / "journal"
        self.lock = WriterLock(folder / "lock", timeout=lock_timeout)
        self.notices: list[str] = []
        self.loose: list[int] = []
        self.poison = ""
        self.at = ORIGIN
        self.tail = Tail("clean", 0, 0)
        self._identity: tuple[int, int] | None = None
        self._store = ""
        self._fd = -1
        self._pid = os.getpid()

    # -- reading: never takes the lock, never changes a byte

    def head(self) -> Head:
        """Return the newest commit there is; folds what others appended."""
        for _ in self.news():
            pass
        return self.at.head

    def since(self, seq: int) -> Iterator[Commit]:
        """Yield the commits after ``seq``, each verified; does not move ``at``."""
        for commit, _ in self.scan(ORIGIN):
            if commit.seq > seq:
                yield commit

    def resume(self, position: Position) -> bool:
        """Go on from a place that a checkpoint noted, if the journal has that very commit there."""
        with contextlib.suppress(FileNotFoundError), self.path.open("rb") as file:
            file.seek(position.start)
            line = file.read(position.end - position.start)
            found = _record(line, 0)
            if isinstance(found, Commit) and found.seq == position.seq and found.hash == position.hash:
                self.at, self._identity = position, _identity(os.fstat(file.fileno()))
                return True
        return False

    def replaced(self) -> bool:
        """Whether the file that was read is not the file that is there now (another inode, or shorter)."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return self._identity is not None
        return self._identity is not None and (_identity(found) != self._identity or found.st_size < self.at.end - 1)

    def news(self) -> Iterator[Commit]:
        """Yield what was appended since the last look, moving ``at``.

        Raises
        ------
        Damaged
            The journal was cut or exchanged under us: start anew, and verify.
        """
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            if self._identity is not None:
                raise Damaged(f"{self.path} was there and is gone; run `nbregistry verify`.") from None
            return
        if found.st_size == self.at.end and _identity(found) == self._identity:
            return
        if self.replaced():
            raise Damaged(f"{self.path} was cut or exchanged while it was in use; run `nbregistry verify`.")
        self._identity = _identity(found)
        for commit, position in self.scan(self.at):
            self.at = position
            yield commit

    def scan(self, position: Position) -> Iterator[tuple[Commit, Position]]:
        """Yield each valid commit behind ``position`` with its place, then set ``tail`` and ``loose``."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            self.tail = Tail("clean", 0, 0)
            return
        with file:
            file.seek(position.end)
            buffer, base, at = b"", position.end, position
            self.loose = []
            while True:
                found = _record(buffer, at.end - base)
                if isinstance(found, Commit) and (found.seq != at.seq + 1 or found.prev != at.hash):
                    found = f"commit {found.seq} does not follow commit {at.seq}"
                if isinstance(found, Commit):
                    # The newline counts as there: a reader may come between a record and its newline.
                    end = at.end + FRAME + int(buffer[at.end - base :][:8], 16) + 1
                    if buffer[end - 1 - base : end - base] not in (b"\n", b""):
                        self.loose.append(found.seq)
                    at = Position(found.seq, found.hash, at.end, end)
                    yield found, at
                elif found is _MORE and (more := file.read(_CHUNK)):
                    buffer, base = buffer[at.end - base :] + more, min(at.end, base + len(buffer))
                else:
                    self.tail = _judge(file, at, found or "the record ends early")
                    return

    # -- writing: always inside ``writing()``

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the right to append for a block; makes the folder on first use."""
        try:
            if not self.folder.is_dir():
                make_folder(self.folder)
        except OSError as error:
            raise refusal(error, "make the registry", self.folder) from error
        with self.lock.held():
            yield

    @property
    def store(self) -> str:
        """Identity of the store, as its first record tells; empty before there is one."""
        if not self._store:
            for commit, _ in self.scan(ORIGIN):
                self._store = commit.target
                break
        return self._store

    def begin(self, actor: Actor) -> None:
        """Write the first record, which gives the store its identity, if there is none yet."""
        if self.path.exists():
            return
        first = Commit("init", uuid.uuid4().hex, actor, timestamp())
        sealed, payload = first.sealed(ORIGIN.head)
        try:
            with replacing(self.path) as file:
                file.write(_line(sealed.hash, payload))
        except OSError as error:
            raise refusal(error, "make the registry", self.folder) from error

    def append(self, commit: Commit, *, expect: int) -> Commit:
        """Make a commit durable; see ``Ledger.append``.

        Raises
        ------
        Conflict
            Somebody appended meanwhile.
        StoreUnavailable
            The system refused the write; the file is as before.
        OutcomeUnknown
            The write could not be made durable or taken back; this handle writes no more.
        Damaged
            The end of the journal is not something a torn write leaves.
        """
        if self.poison:
            raise OutcomeUnknown(self.poison)
        fd = self._writable()
        for _ in self.news():
            pass
        if self.at.seq != expect:
            raise Conflict(f"The registry moved on from commit {expect} to {self.at.seq} meanwhile; repeat on its news.")
        self._clear_tail(fd)
        sealed, payload = commit.sealed(self.at.head)
        line = _line(sealed.hash, payload)
        start = self.at.end
        self._write(fd, line, start)
        self.at = Position(sealed.seq, sealed.hash, start, start + len(line))
        return sealed

    def _write(self, fd: int, line: bytes, start: int) -> None:
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(fd, rest) :]
        except OSError as error:
            try:
                os.ftruncate(fd, start)
            except OSError as worse:
                self.poison = f"A write to {self.path} failed ({error.strerror}) and could not be taken back ({worse})."
            raise refusal(error, "write to the journal", self.path) from error
        try:
            (os.fdatasync if hasattr(os, "fdatasync") else os.fsync)(fd)
        except OSError as error:
            # After a failed fsync the kernel may have dropped the pages: asking again could answer "fine" for data
            # that is not on the disk. Whoever wants to go on opens anew and looks.
            self.poison = (
                f"{self.path} could not be made durable ({error.strerror}): this change may or may not be kept. Open the"
                " registry again and look before you repeat it; a repeat with the same key= is safe."
            )
            raise OutcomeUnknown(self.poison) from error

    def _writable(self) -> int:
        if self._fd >= 0 and self._pid == os.getpid() and _identity(os.fstat(self._fd)) == self._identity:
            return self._fd
        self.close()
        flags = os.O_RDWR | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            self._fd, self._pid = os.open(self.path, flags), os.getpid()
        except FileNotFoundError:
            raise Damaged(f"{self.path} was there and is gone; run `nbregistry verify`.") from None
        except OSError as error:
            raise refusal(error, "write to the journal", self.path) from error
        return self._fd

    def _clear_tail(self, fd: int) -> None:
        size = os.fstat(fd).st_size
        if size == self.at.end and self.tail.state == "clean":
            return
        for _ in self.scan(self.at):  # judges what lies behind the last record now that nobody else writes
            pass
        tail = self.tail
        if tail.state == "damaged":
            raise StoreReadOnly(
                f"{self.path} is damaged behind commit {self.at.seq} (byte {tail.offset}: {tail.why}). Nothing was written."
                " `nbregistry verify` names every finding; `nbregistry repair` keeps the original and goes on."
            )
        try:
            if tail.state == "bare":
                self._close_line()
            elif tail.state == "torn":
                self._quarantine(fd, tail)
        except OSError as error:
            raise refusal(error, "mend the journal's end", self.path) from error
        self.tail = Tail("clean", self.at.end, 0)

    def _close_line(self) -> None:
        # A descriptor of its own: on one opened for appending, Linux appends whatever offset it is given.
        with self.path.open("r+b") as file:
            file.seek(self.at.end - 1)
            file.write(b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _quarantine(self, fd: int, tail: Tail) -> None:
        place = self.folder / "quarantine"
        make_folder(place)
        kept = place / f"tail-after-{self.at.seq}-at-{tail.offset}-{uuid.uuid4().hex[:8]}"
        with replacing(kept) as file:
            file.write(os.pread(fd, tail.size, tail.offset))
        os.ftruncate(fd, tail.offset)
        self.notices.append(
            f"{tail.size} bytes of an unfinished write behind commit {self.at.seq} were moved to {kept}; no acknowledged"
            " change is among them."
        )

    def close(self) -> None:
        """Close the file; a later write opens it again."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.close(self._fd)
        self._fd = -1


def repair(journal: Journal) -> Path | None:
    """Cut a damaged journal behind its last valid commit, keeping the whole original in ``quarantine/``.

    Returns the kept original, or None when there was nothing to mend. Every commit behind the damage is lost to the
    journal (not to the kept file): receipts and seals that name one will say so.
    """
    with journal.writing():
        last = ORIGIN
        for _, last in journal.scan(ORIGIN):
            pass
        if journal.tail.state in ("clean", "bare"):
            return None
        place = journal.folder / "quarantine"
        make_folder(place)
        kept = place / f"journal-before-repair-{uuid.uuid4().hex[:8]}"
        with journal.path.open("rb") as source, replacing(kept) as file:
            while chunk := source.read(_CHUNK):
                file.write(chunk)
        with journal.path.open("rb") as source, replacing(journal.path) as file:
            left = last.end
            while left and (chunk := source.read(min(_CHUNK, left))):
                file.write(chunk)
                left -= len(chunk)
        return kept


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _line(digest: str, payload: bytes) -> bytes:
    return b"%08x %s %s\n" % (len(payload), digest.encode(), payload)


def _record(buffer: bytes, offset: int) -> Commit | str | None:
    """Read one record; a text says what is wrong with it, ``_MORE`` that the buffer ends before it does."""
    head = buffer[offset : offset + FRAME]
    if len(head) < FRAME:
        return _MORE
    try:
        length = int(head[:8], 16)
    except ValueError:
        return "no frame"
    if head[8:9] != b" " or head[73:74] != b" " or b"%08x" % length != head[:8]:
        return "no frame"
    end = offset + FRAME + length
    if len(buffer) < end:
        return _MORE
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


def _judge(file: BinaryIO, at: Position, why: str) -> Tail:
    size = os.fstat(file.fileno()).st_size
    left = size - at.end
    if left <= 0:
        file.seek(max(at.end - 1, 0))
        bare = at.end > 0 and file.read(1) != b"\n"
        return Tail("bare" if bare else "clean", at.end, 0, "the last newline is damaged" if bare else "")
    file.seek(size - 1)
    last = file.read(1)
    # One write ends in its newline or does not get there: a newline at the end means that whole records were here.
    return Tail("damaged" if last == b"\n" else "torn", at.end, left, why)
