"""A ledger followed by a view, with blobs beside it: what every registry stands on, whatever keeps the commits."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from nbregistry.domain.commits import Actor, Commit
from nbregistry.errors import RegistryError, StoreReadOnly
from nbregistry.storage import checkpoint
from nbregistry.storage.blobs import FolderBlobs
from nbregistry.storage.files import refusal, sweep
from nbregistry.storage.journal import Exchanged, Journal
from nbregistry.storage.records import ORIGIN, Position, Scan
from nbregistry.storage.seals import Seals, Signer
from nbregistry.storage.shelf import uncollected
from nbregistry.storage.tiny import View

CHECKPOINT_BYTES = 8 << 20
"""The journal may grow by this much, or by half, before a writer stores the view again."""
CHECKPOINT_ON_CLOSE = 256 << 10
"""As above when the registry is closed; or by a sixteenth."""


class Store:
    """The embedded store in a folder.

    Parameters
    ----------
    folder : Path
        Made on the first write.
    home : Path
        The user's folder, for what was seen of the store.
    signer : callable
        Gives the key that signs seals, or None; asked when one is first needed.

    Attributes
    ----------
    notices : list of str
        What the user should hear of.
    """

    def __init__(
        self,
        folder: Path,
        home: Path,
        signer: Callable[[], Signer | None] = lambda: None,
        *,
        lock_timeout: float = 30.0,
    ) -> None:
        self.folder = folder
        self.home = home
        self._signer = signer
        self._lock_timeout = lock_timeout
        self.blobs = FolderBlobs(folder / "blobs")
        self.notices: list[str] = []
        self._open()

    def _open(self) -> None:
        self._pid = os.getpid()
        # Taken after the writer lock where both are needed, never before it.
        self._guard = threading.RLock()
        self._saving = threading.Lock()
        self.journal = Journal(self.folder, lock_timeout=self._lock_timeout)
        self.journal.notices = self.notices
        self.seals = Seals(self.folder, self.home)
        self._view, self._saved, self._trusted = View(), 0, False
        found = checkpoint.read(self.folder)
        if found is not None and self.journal.resume(found[1]):
            self._view, self._saved = found[0], found[1].end
        self._finalizer = weakref.finalize(self, Store._leave, self.journal, self.seals, self._pid)

    @staticmethod
    def _leave(journal: Journal, seals: Seals, pid: int) -> None:
        if pid == os.getpid():
            seals.flush()
            journal.close()

    def _here(self) -> None:
        """After a fork: the child starts with handles and locks of its own."""
        if self._pid != os.getpid():
            self._open()

    @property
    def id(self) -> str:
        """Identity of the store; empty before its first commit."""
        return self._view.store or self.journal.store

    def view(self) -> View:
        """Return the view with everything acknowledged so far; takes no lock between processes."""
        self._here()
        with self._guard:
            self._follow()
            return self._view

    @contextlib.contextmanager
    def steady(self) -> Iterator[View]:
        """Yield the view, which no other thread of this process moves on meanwhile. Commit nothing in the block."""
        self._here()
        with self._guard:
            self._follow()
            yield self._view

    def _follow(self) -> None:
        if self._view.seq != self.journal.at.seq:
            self._forget()  # an interrupt came between reading a commit and folding it
        elif self.journal.quiet():
            return
        try:
            self._fold()
        except Exchanged as error:
            self.notices.append(f"{error} What is there now was read anew.")
            self._forget()
            self._fold()

    def _fold(self) -> None:
        news = self.journal.news()
        first = next(news, None)
        if first is not None:
            with uncollected():
                self._view.apply(first)
                for commit in news:
                    self._view.apply(commit)

    def _forget(self) -> None:
        self.journal.forget()
        self._view, self._saved, self._trusted = View(), 0, False

    def commit(self, actor: Actor, build: Callable[[View], Commit]) -> Commit:
        """Append what ``build`` makes of the newest state, durably; rules are checked in ``build``, under the lock.

        Raises
        ------
        RegistryError
            Whatever ``build`` or the journal refuses with; then nothing was changed, save for ``OutcomeUnknown``.
        """
        self.view()
        with self.journal.writing(), self._guard:
            self._follow()
            if not self._trusted:
                self._begin(actor)
            wanted = build(self._view)
            self._view.prepared(wanted)
            sealed = self.journal.append(wanted, expect=self._view.seq)
            self._view.apply(sealed)
            self.seals.note(self.id, self.journal.at, self._signer)
            due = self.journal.at.end - self._saved > max(CHECKPOINT_BYTES, self._saved // 2)
        if due:
            with contextlib.suppress(RegistryError, OSError):  # derived: whoever cannot store it reads the journal
                self._save()
        return sealed

    def _begin(self, actor: Actor) -> None:
        """Before this handle's first commit: make sure that nothing acknowledged is missing, and tidy up."""
        doubts = self.seals.doubts(self.journal.store, self.journal.holds)
        if doubts:
            raise StoreReadOnly(
                f"{self.folder} lacks what was acknowledged before: {'; '.join(f'{w}: {what}' for w, what in doubts)}."
                " Nothing was written, since numbers already given would be given again. Put the newest state back; or"
                " `nbregistry repair` accepts what is there and keeps the traces."
            )
        seen = self.seals.seen()
        self.journal.begin(actor)
        self._follow()
        if seen and seen.last != self.id:
            self.notices.append(f"Another registry lay at {self.folder} when you last used it ({seen.last}).")
        sweep(self.folder)
        self.blobs.sweep()
        self._trusted = True

    def _save(self) -> None:
        if not self._saving.acquire(blocking=False):
            return
        try:
            with self._guard:
                snapshot = checkpoint.Snapshot.of(self._view, self.journal.at)
            cold = checkpoint.write(self.folder, snapshot, self.journal.writing())
            with self._guard:
                if self._view is snapshot.view:
                    for name, (parts, _) in snapshot.tables.items():
                        self._view.tables[name].shelf.chill(cold[name], parts)
                    self._saved = snapshot.position.end
        finally:
            self._saving.release()

    def save(self) -> None:
        """Store a checkpoint now."""
        self.view()
        if not os.access(self.folder, os.W_OK):
            raise StoreReadOnly(f"Cannot store a checkpoint: {self.folder} is read-only here.")
        try:
            self._save()
        except OSError as error:
            raise refusal(error, "store a checkpoint", self.folder) from error

    def at_time(self, time: str) -> View:
        """Fold the commits up to a time (text as stored) into a view of their own."""
        found = checkpoint.read(self.folder)
        view, position = found if found and found[0].time <= time and self.journal.holds(found[1]) else (View(), ORIGIN)
        for commit, _ in Scan(self.journal.path, position):
            if commit.time > time:
                break
            view.apply(commit)
        return view

    def history(self) -> Iterator[Commit]:
        """Yield every commit from the first, each verified against its hash and its predecessor."""
        return (commit for commit, _ in Scan(self.journal.path))

    def after(self, position: Position) -> Iterator[tuple[Commit, Position]]:
        """Yield the commits behind a place that ``journal.holds``, verified, each with its own place."""
        return iter(Scan(self.journal.path, position))

    def close(self) -> None:
        """Write what is due and let go of the files; a later use opens them again."""
        self._here()
        grown = self.journal.at.end - self._saved
        if grown > max(CHECKPOINT_ON_CLOSE, self._saved // 16) and os.access(self.folder, os.W_OK):
            with contextlib.suppress(RegistryError, OSError):
                self.save()
        with self._guard:
            self._finalizer()
            self._finalizer = weakref.finalize(self, Store._leave, self.journal, self.seals, self._pid)

    def reopen(self) -> None:
        """Forget everything read and start from the files; needed after ``OutcomeUnknown``."""
        self._here()
        with self._guard:
            self._finalizer()
            self._open()

    def __repr__(self) -> str:
        return f"Store({str(self.folder)!r})"

    def __getstate__(self) -> Any:
        return {"folder": self.folder, "home": self.home, "signer": self._signer, "timeout": self._lock_timeout}

    def __setstate__(self, state: Any) -> None:
        self.__init__(state["folder"], state["home"], state["signer"], lock_timeout=state["timeout"])  # type: ignore[misc]  # as new
