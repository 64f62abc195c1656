"""Files that are there whole or not at all, for the owner's eyes unless the folder is shared."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from nbregistry.errors import StoreReadOnly, StoreUnavailable

NEW = os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
"""Flags that make a file and never touch one that is there, nor what a link leads to."""
GRACE = 24 * 3600.0
"""Seconds after which an unfinished file is taken for abandoned."""
_DRAFT = ".tmp"
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_FOLDER_SYNC = frozenset({errno.EACCES, errno.EINVAL, errno.ENOTSUP, errno.EBADF})


def open_regular(path: Path, *, follow: bool = True, buffering: int = -1) -> BinaryIO:
    """Open a file for reading; nobody is kept waiting by a pipe that lies in its place."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    fd = os.open(path, flags if follow else flags | getattr(os, "O_NOFOLLOW", 0))
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "this is no regular file")
    return os.fdopen(fd, "rb", buffering=buffering)


def make_folder(path: Path) -> None:
    """Make a folder with its parents, durably, closed to others (mode 0700) whatever the umask."""
    if path.is_dir():
        return
    for missing in [p for p in (*reversed(path.parents), path) if not p.exists()]:
        with contextlib.suppress(FileExistsError):
            missing.mkdir(mode=0o700)
            if missing == path:
                missing.chmod(0o700)
            sync_folder(missing.parent)


def shared_mode(folder: Path) -> int:
    """Mode of a new file: owner only, plus the group when the folder admits it."""
    return 0o600 | (folder.stat().st_mode & 0o060)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable, where the system can."""
    if os.name != "posix":
        return
    try:
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


class Draft:
    """A new file on its way: ``settle`` puts it in ``target``'s place; left without that, the block leaves nothing."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self.path = target.parent / f".{os.urandom(8).hex()}{_DRAFT}"
        self.file: BinaryIO = os.fdopen(os.open(self.path, os.O_WRONLY | NEW, 0o600), "wb")

    def settle(self, *, durable: bool) -> None:
        """Replace the target; what is not durable may be gone or garbage after a power cut."""
        os.fchmod(self.file.fileno(), shared_mode(self._target.parent))
        self.file.flush()
        if durable:
            os.fsync(self.file.fileno())
        os.replace(self.path, self._target)
        if durable:
            sync_folder(self._target.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # what matters was flushed in settle
            self.file.close()
        with contextlib.suppress(OSError):
            os.unlink(self.path)


@contextlib.contextmanager
def replacing(target: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Yield a new file that takes ``target``'s place when the block ends well, and leaves nothing when it does not."""
    with Draft(target) as draft:
        yield draft.file
        draft.settle(durable=durable)


def sweep(folder: Path, *, ending: str = _DRAFT, grace: float = GRACE) -> int:
    """Remove what killed writers left unfinished in a folder ``grace`` seconds ago or earlier; returns how many."""
    swept = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                old = time.time() - entry.stat(follow_symlinks=False).st_mtime >= grace
                if entry.name.endswith(ending) and old:
                    os.unlink(entry.path)
                    swept += 1
    return swept


def unreadable(error: OSError, place: Path | str) -> StoreUnavailable:
    """Turn a system error while reading into ours."""
    return StoreUnavailable(f"Cannot read {place}: {error.strerror or error}. Nothing was changed.")


def refusal(error: OSError, doing: str, place: Path | str) -> StoreUnavailable:
    """Turn a system error while writing into ours: what was asked, what was found, what to do."""
    if error.errno in _READ_ONLY:
        return StoreReadOnly(
            f"Cannot {doing}: {place} is read-only here ({error.strerror}). Reading works; to write, use a place you"
            " own."
        )
    if error.errno in _FULL:
        return StoreUnavailable(
            f"Cannot {doing}: no room at {place} ({error.strerror}). Nothing was changed; free some space and repeat."
        )
    return StoreUnavailable(f"Cannot {doing} at {place}: {error.strerror or error}. Nothing was changed.")
