"""The embedded ledger: one append-only file of records, the truth that everything else is derived from.

What happens to the end of the file:

- a whole valid record is kept, even if its final newline is damaged;
- a tail that a torn write can have left (no newline at its end) was never acknowledged: readers pass it over, the next
  writer moves it to ``quarantine/`` and says so;
- anything else is damage: reading gives what is whole before it, writing is refused until it is repaired.
"""

from __future__ import annotations

import contextlib
import os
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

from nbregistry.domain.commits import Actor, Commit, Head, timestamp
from nbregistry.errors import Conflict, Damaged, OutcomeUnknown, StoreReadOnly
from nbregistry.storage import records
from nbregistry.storage.files import make_folder, refusal, replacing, unreadable
from nbregistry.storage.locks import WriterLock
from nbregistry.storage.records import ORIGIN, Position, Scan, Tail

QUARANTINE = "quarantine"


class Exchanged(Damaged):
    """The file that was being read is not the file that is there now."""


class Journal:
    """A ledger in a folder.

    Attributes
    ----------
    at : Position
        The end of what this object has read.
    tail : Tail
        What lay behind it at the last look.
    notices : list of str
        What the user should hear of.
    poison : str
        Why this object writes no more; empty as long as it does.
    """

    def __init__(self, folder: Path, *, lock_timeout: float = 30.0) -> None:
        self.folder = folder
        self.path = folder / "journal"
        self._name = str(self.path)
        self.lock = WriterLock(folder / "lock", timeout=lock_timeout)
        self.notices: list[str] = []
        self.poison = ""
        self._fd = -1
        self.forget()

    def forget(self) -> None:
        """Read from the start next time."""
        self.at = ORIGIN
        self.tail = Tail("clean", 0, 0)
        self._identity: tuple[int, int] | None = None
        self._stuck: tuple[int, int] | None = None
        self._store = ""

    # -- reading: never takes the lock, never changes a byte

    def head(self) -> Head:
        """Return the newest commit there is; folds what others appended."""
        for _ in self.news():
            pass
        return self.at.head

    def since(self, seq: int) -> Iterator[Commit]:
        """Yield the commits after ``seq``, each verified; does not move ``at``."""
        return (commit for commit, _ in Scan(self.path) if commit.seq > seq)

    def holds(self, position: Position) -> bool:
        """Whether that very commit lies in that place."""
        return bool(records.at(self.path, position))

    def resume(self, position: Position) -> bool:
        """Go on from a place that a checkpoint noted, if the journal has that very commit there."""
        found = records.at(self.path, position)
        if not found:
            return False
        with contextlib.suppress(OSError):
            self._identity, self.at = _identity(os.stat(self.path)), position
            if not found.endswith(b"\n"):
                self.tail = Tail("bare", position.end, 0, "its newline is damaged")
            return True
        return False

    def quiet(self) -> bool:
        """Whether the file is as it was at the last look, all of it read: what most looks find, in a microsecond."""
        try:
            found = os.stat(self._name)
        except OSError:
            return False
        return found.st_size == self.at.end and (found.st_dev, found.st_ino) == self._identity

    def news(self) -> Iterator[Commit]:
        """Yield what was appended since the last look, moving ``at``.

        Raises
        ------
        Exchanged
            The journal was cut or exchanged under us: start anew, and verify.
        """
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            if self._identity is not None:
                raise Exchanged(f"{self.path} was there and is gone; run `nbregistry verify`.") from None
            return
        except OSError as error:
            raise unreadable(error, self.path) from error
        known, looked = self._identity, (found.st_size, found.st_mtime_ns)
        if _identity(found) == known and (found.st_size == self.at.end or looked == self._stuck):
            return
        if known is not None and (_identity(found) != known or found.st_size < self.at.end - 1):
            raise Exchanged(f"{self.path} was cut or exchanged while it was in use; run `nbregistry verify`.")
        self._identity = _identity(found)
        scan = Scan(self.path, self.at)
        for commit, position in scan:
            self.at = position
            yield commit
        self.tail = scan.tail
        # Damage does not go away by itself, and may hide a long rest that need not be read again for each question.
        self._stuck = looked if scan.tail.state == "damaged" else None

    @property
    def store(self) -> str:
        """Identity of the store, as its first record tells; empty before there is one."""
        if not self._store:
            self._store = next((commit.target for commit, _ in Scan(self.path)), "")
        return self._store

    # -- writing: always inside ``writing()``

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the right to append for a block; makes the folder on first use."""
        try:
            make_folder(self.folder)
        except OSError as error:
            raise refusal(error, "make the registry", self.folder) from error
        with self.lock.held():
            yield

    def begin(self, actor: Actor) -> None:
        """Write the first record, which gives the store its identity, if there is none yet."""
        try:
            with contextlib.suppress(FileNotFoundError):
                found = os.stat(self.path)
                if found.st_size or not stat.S_ISREG(found.st_mode):
                    return
            _, line = records.sealed(Commit("init", uuid.uuid4().hex, actor, timestamp()), ORIGIN.head)
            with replacing(self.path) as file:
                file.write(line)
        except OSError as error:
            raise refusal(error, "make the registry", self.folder) from error
        self.forget()

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
        StoreReadOnly
            The end of the journal is not something a torn write leaves.
        InvalidInput
            The commit holds what JSON cannot carry.
        """
        if self.poison:
            raise OutcomeUnknown(self.poison)
        for _ in self.news():
            pass
        if self.at.seq != expect:
            raise Conflict(
                f"The registry moved on from commit {expect} to {self.at.seq} meanwhile; repeat on its news."
            )
        try:
            fd = self._writable()
            self._clear_tail(fd)
        except OSError as error:
            raise refusal(error, "write to the journal", self.path) from error
        sealed, line = records.sealed(commit, self.at.head)
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
                raise OutcomeUnknown(self.poison) from error
            raise refusal(error, "write to the journal", self.path) from error
        try:
            (os.fdatasync if hasattr(os, "fdatasync") else os.fsync)(fd)
        except OSError as error:
            # After a failed fsync the kernel may have dropped the pages: asking again could answer "fine" for data
            # that is not on the disk. Whoever wants to go on opens anew and looks.
            self.poison = (
                f"{self.path} could not be made durable ({error.strerror}): this change may or may not be kept. Open"
                " the registry again and look before you repeat it; a repeat with the same key= is safe."
            )
            raise OutcomeUnknown(self.poison) from error

    def _writable(self) -> int:
        if self._fd >= 0 and _identity(os.fstat(self._fd)) == self._identity:
            return self._fd
        self.close()
        flags = os.O_RDWR | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            self._fd = os.open(self.path, flags)
        except FileNotFoundError:
            raise Exchanged(f"{self.path} was there and is gone; run `nbregistry verify`.") from None
        if _identity(os.fstat(self._fd)) != self._identity:
            raise Exchanged(f"{self.path} was exchanged while it was in use; run `nbregistry verify`.")
        return self._fd

    def _clear_tail(self, fd: int) -> None:
        if os.fstat(fd).st_size == self.at.end and self.tail.state == "clean":
            return
        scan = Scan(self.path, self.at)  # judges what lies behind the last record now that nobody else writes
        for commit, _ in scan:
            raise Conflict(f"Commit {commit.seq} came while the writer lock was held: something writes without it.")
        tail = scan.tail
        if tail.state == "damaged" or (tail.state == "torn" and self.at == ORIGIN):
            raise StoreReadOnly(
                f"{self.path} is damaged behind commit {self.at.seq} (byte {tail.offset}: {tail.why}). Nothing was"
                " written. `nbregistry verify` names every finding; `nbregistry repair` keeps the original and goes on."
            )
        if tail.state == "bare":
            self._close_line()
        elif tail.state == "torn":
            self._quarantine(fd, tail)
        self.tail = Tail("clean", self.at.end, 0)

    def _close_line(self) -> None:
        # A descriptor of its own: on one opened for appending, Linux appends whatever offset it is given.
        with self.path.open("r+b") as file:
            file.seek(self.at.end - 1)
            file.write(b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _quarantine(self, fd: int, tail: Tail) -> None:
        place = self.folder / QUARANTINE
        make_folder(place)
        kept = place / f"tail-after-{self.at.seq}-at-{tail.offset}-{uuid.uuid4().hex[:8]}"
        with replacing(kept) as file:
            file.write(os.pread(fd, tail.size, tail.offset))
        os.ftruncate(fd, tail.offset)
        self.notices.append(
            f"{tail.size} bytes of an unfinished write, behind commit {self.at.seq}, were moved to {kept}."
        )

    def close(self) -> None:
        """Close the file; a later write opens it again."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.close(self._fd)
        self._fd = -1


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
