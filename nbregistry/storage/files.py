"""Files that are there whole or not at all, for the owner's eyes unless the folder is shared."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nbregistry.errors import StoreReadOnly, StoreUnavailable

_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def make_folder(path: Path) -> None:
    """Make a folder with its parents, closed to others (mode 0700) whatever the umask."""
    for missing in [p for p in (*reversed(path.parents), path) if not p.exists()]:
        with contextlib.suppress(FileExistsError):
            missing.mkdir(mode=0o700)
            if missing == path:
                missing.chmod(0o700)


def shared_mode(folder: Path) -> int:
    """Mode of a new file: owner only, plus the group when the folder admits it."""
    return 0o600 | (folder.stat().st_mode & 0o060)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable, where the system can."""
    if os.name != "posix":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextlib.contextmanager
def replacing(target: Path, *, durable: bool = True, into: Path | None = None) -> Iterator[BinaryIO]:
    """Yield a new file that takes ``target``'s place when the block ends well, and leaves nothing when it does not.

    ``into`` is the folder of the unfinished file, on the same file system; the target's own by default.
    """
    draft = (into or target.parent) / f".{secrets.token_hex(8)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    fd = os.open(draft, flags, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            os.fchmod(file.fileno(), shared_mode(target.parent))
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(draft, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise
    if durable:
        sync_folder(target.parent)


def refusal(error: OSError, doing: str, place: Path | str) -> StoreUnavailable:
    """Turn a system error into ours: what was asked, what was found, what to do."""
    if error.errno in _READ_ONLY:
        return StoreReadOnly(
            f"Cannot {doing}: {place} is read-only here ({error.strerror}). Reading works; to write, use a place you own."
        )
    if error.errno in _FULL:
        return StoreUnavailable(
            f"Cannot {doing}: no room at {place} ({error.strerror}). Nothing was changed; free some space and repeat."
        )
    return StoreUnavailable(f"Cannot {doing} at {place}: {error.strerror or error}. Nothing was changed.")
