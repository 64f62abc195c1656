"""A ledger followed by a view, with blobs beside it: what every registry stands on, whatever keeps the commits."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from nbregistry.domain.commits import Actor, Commit, Head
from nbregistry.errors import Damaged, RegistryError, StoreReadOnly
from nbregistry.storage import checkpoint
from nbregistry.storage.blobs import FolderBlobs
from nbregistry.storage.journal import ORIGIN, Journal
from nbregistry.storage.seals import Seals, Signer
from nbregistry.storage.tiny import View

CHECKPOINT_BYTES = 8 << 20
"""The journal may grow by this much, or by half, before a writer stores the view again."""
CHECKPOINT_ON_CLOSE = 256 << 10


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
    """

    def __init__(
        self, folder: Path, home: Path, signer: Callable[[], Signer | None] = lambda: None, *, lock_timeout: float = 30.0
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
        self._guard = threading.RLock()
        self.journal = Journal(self.folder, lock_timeout=self._lock_timeout)
        self.journal.notices = self.notices
        self.seals = Seals(self.folder, self.home)
        self._view, self._saved = View(), 0
        found = checkpoint.read(self.folder)
        if found is not None and self.journal.resume(found[1]):
            self._view, self._saved = found[0], found[1].end
        self._finalizer = weakref.finalize(self, Store._leave, self.journal, self.seals, self._signer, self._pid)

    @staticmethod
    def _leave(journal: Journal, seals: Seals, signer: Callable[[], Signer | None], pid: int) -> None:
        if pid == os.getpid():
            with contextlib.suppress(RegistryError, OSError):
                seals.flush(signer())
            journal.close()

    @property
    def id(self) -> str:
        """Identity of the store; empty before its first commit."""
        return self.journal.store

    def view(self) -> View:
        """Return the view with everything acknowledged so far; takes no lock between processes."""
        if self._pid != os.getpid():
            self._open()  # the child of a fork starts with handles and locks of its own
        with self._guard:
            self._follow()
            return self._view

    @contextlib.contextmanager
    def steady(self) -> Iterator[View]:
        """Yield the view, which no other thread of this process moves on meanwhile."""
        self.view()
        with self._guard:
            yield self._view

    def _follow(self) -> None:
        try:
            for commit in self.journal.news():
                self._view.apply(commit)
        except Damaged as error:
            self.notices.append(f"{error} What is there now was read anew.")
            poison = self.journal.poison
            self.journal.close()
            self.journal = Journal(self.folder, lock_timeout=self._lock_timeout)
            self.journal.notices, self.journal.poison = self.notices, poison
            self._view, self._saved = View(), 0
            for commit in self.journal.news():
                self._view.apply(commit)

    def commit(self, actor: Actor, build: Callable[[View], Commit]) -> Commit:
        """Append what ``build`` makes of the newest state, durably; rules are checked in ``build``, under the lock.

        Raises
        ------
        RegistryError
            Whatever ``build`` or the journal refuses with; then nothing was changed, save for ``OutcomeUnknown``.
        """
        self.view()
        with self.journal.writing(), self._guard:
            self.journal.begin(actor)
            self._follow()
            sealed = self.journal.append(build(self._view), expect=self._view.seq)
            self._view.apply(sealed)
            self.seals.note(self.id, Head(sealed.seq, sealed.hash), self._signer())
            if self.journal.at.end - self._saved > max(CHECKPOINT_BYTES, self._saved // 2):
                self._save()
        return sealed

    def _save(self) -> None:
        with contextlib.suppress(OSError):  # derived: whoever cannot store it reads the journal
            checkpoint.write(self.folder, self._view, self.journal.at)
            self._saved = self.journal.at.end

    def save(self) -> None:
        """Store a checkpoint now."""
        self.view()
        if not os.access(self.folder, os.W_OK):
            raise StoreReadOnly(f"Cannot store a checkpoint: {self.folder} is read-only here.")
        with self.journal.writing(), self._guard:
            self._follow()
            checkpoint.write(self.folder, self._view, self.journal.at)
            self._saved = self.journal.at.end

    def at_time(self, time: str) -> View:
        """Fold the commits up to a time (text as stored) into a view of their own."""
        view = View()
        for commit, _ in Journal(self.folder).scan(ORIGIN):
            if commit.time > time:
                break
            view.apply(commit)
        return view

    def history(self) -> Iterator[Commit]:
        """Yield every commit from the first, each verified against its hash and its predecessor."""
        for commit, _ in Journal(self.folder).scan(ORIGIN):
            yield commit

    def close(self) -> None:
        """Write what is due and let go of the files; a later use opens them again."""
        with self._guard:
            if self.journal.at.end - self._saved > CHECKPOINT_ON_CLOSE and os.access(self.folder, os.W_OK):
                with contextlib.suppress(RegistryError, OSError):
                    self.save()
            self._finalizer()
            self._finalizer = weakref.finalize(self, Store._leave, self.journal, self.seals, self._signer, self._pid)

    def reopen(self) -> None:
        """Forget everything read and start from the files; needed after ``OutcomeUnknown``."""
        with self._guard:
            self.journal.close()
            self._open()

    def __repr__(self) -> str:
        return f"Store({str(self.folder)!r})"

    def __getstate__(self) -> Any:
        return {"folder": self.folder, "home": self.home, "signer": self._signer, "timeout": self._lock_timeout}

    def __setstate__(self, state: Any) -> None:
        self.__init__(state["folder"], state["home"], state["signer"], lock_timeout=state["timeout"])  # type: ignore[misc]
