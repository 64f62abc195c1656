"""One writer at a time, across threads and processes, with a lock the kernel gives back when its holder dies.

A marker file would be left behind by a killed process and is not a lock; where the file system has no real ones we
refuse to write instead of pretending.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from nbregistry.errors import StoreBusy, StoreUnavailable
from nbregistry.storage.files import refusal, shared_mode

_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})


class WriterLock:
    """The right to append; re-entrant in a thread.

    Parameters
    ----------
    path : Path
        The lock file; made on first use and never removed.
    timeout : float
        Seconds to wait for another holder.
    """

    def __init__(self, path: Path, *, timeout: float = 30.0) -> None:
        self.path = path
        self.timeout = timeout
        self._reset()

    def _reset(self) -> None:
        # A lock taken before a fork belongs to the parent: the child starts with its own.
        self._pid = os.getpid()
        self._threads = threading.RLock()
        self._depth = 0
        self._file: BaseFileLock | None = None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock for a block.

        Raises
        ------
        StoreBusy
            Somebody else held it for ``timeout`` seconds.
        StoreUnavailable
            The file system has no locks, or the lock file is not ours to use.
        """
        if self._pid != os.getpid():
            self._reset()
        if not self._threads.acquire(timeout=self.timeout):
            raise self._busy()
        depth = self._depth
        try:
            # An interrupt may come at any line: whatever was reached, the block leaves the lock as it found it.
            if depth == 0:
                self._acquire()
            self._depth = depth + 1
            yield
        finally:
            self._depth = depth
            if depth == 0 and self._file is not None:
                self._give_back(self._file)
            self._threads.release()

    def _give_back(self, file: BaseFileLock) -> None:
        # What was done under the lock is done, and must not look as if it had failed because unlocking did.
        for _ in range(2):
            with contextlib.suppress(OSError):
                file.release(force=True)
                return
        self._file = None  # letting go of the object closes its file, which unlocks

    def _acquire(self) -> None:
        try:
            if self.path.is_symlink():
                raise StoreUnavailable(
                    f"The lock file {self.path} is a symbolic link; remove it if you did not put it there."
                )
            if self._file is None:
                # Most waits end within the time of one commit, a millisecond: a coarser poll would starve writers.
                self._file = FileLock(
                    self.path, timeout=self.timeout, mode=shared_mode(self.path.parent), thread_local=False,
                    poll_interval=0.002, fallback_to_soft=False, preserve_lock_file=True,
                )  # fmt: skip
            self._file.acquire()
        except Timeout:
            raise self._busy() from None
        except NotImplementedError as error:
            raise self._without_locks(str(error)) from error
        except OSError as error:
            if error.errno in _NO_LOCKS:
                raise self._without_locks(error.strerror or str(error)) from error
            raise refusal(error, "take the writer lock", self.path) from error

    def _busy(self) -> StoreBusy:
        return StoreBusy(
            f"Another process has been writing to {self.path.parent} for {self.timeout:g} s. Nothing was changed;"
            " repeat when it has finished."
        )

    def _without_locks(self, reason: str) -> StoreUnavailable:
        return StoreUnavailable(
            f"The file system of {self.path.parent} has no locks ({reason}), so two writers could not be kept apart."
            " Reading works; to write, put the registry on a local disk."
        )
