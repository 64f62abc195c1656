"""The two files of the home folder that nobody else may read or write: the private key and the list of trusted keys.

Files are made whole or not at all, 0600 in a folder of 0700 whatever the umask, never through a link that was laid out
beforehand. A file that others could open is closed and that is said aloud; one that cannot be closed is refused.
"""

from __future__ import annotations

import errno
import os
import stat
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nbregistry.errors import Damaged, Refused, StoreBusy, StoreReadOnly, StoreUnavailable

KEY = "key.pem"
TRUSTED = "trusted.json"

_LOCK = "trusted.lock"
_MAX_BYTES = 16 << 20
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR})
_NOT_HERE = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.ELOOP})
_NO_LINKS = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV, errno.EINVAL}
)


def read_key(home: Path) -> bytes | None:
    """Return the private key's PEM; None where there is none.

    Raises
    ------
    Refused
        Others own it, or can read it and that cannot be changed.
    """
    path = home / KEY
    for attempt in range(20):
        pem = _read(path, forbidden=0o077, others="read")
        if pem != b"":
            return pem
        # On a file system without hard links another process may be between making the key and writing it.
        if attempt < 19:
            time.sleep(0.01)
    raise Damaged(f"{path} is empty: move it away and a new key is made.")


def make_key(home: Path, pem: bytes) -> bytes:
    """Store a new private key and return it; if another process was first, return that one's.

    Raises
    ------
    StoreReadOnly
        The home cannot be written.
    """
    with _writing(home, "no key to sign with can be made"):
        _make_folder(home)
        path, draft = home / KEY, home / f".{KEY}.{os.urandom(8).hex()}"
        _write_new(draft, pem)
        try:
            os.link(draft, path)  # appears whole, and only if nothing is there
        except FileExistsError:
            pass
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            with suppress(FileExistsError):
                _write_new(path, pem)
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(home)
    made = read_key(home)
    if made is None:
        raise StoreUnavailable(f"{home / KEY} was made and is gone again: something else removes files in {home}.")
    return made


def read_list(home: Path) -> bytes | None:
    """Return the list of trusted keys; None where there is none.

    Raises
    ------
    Refused
        Others own it, or can write it and that cannot be changed.
    """
    return _read(home / TRUSTED, forbidden=0o022, others="written")


def write_list(home: Path, text: bytes) -> None:
    """Replace the list, whole or not at all; only called inside ``changing``."""
    with _writing(home, "the list of trusted keys cannot be changed"):
        draft = home / f".{TRUSTED}.{os.urandom(8).hex()}"
        try:
            _write_new(draft, text)
            draft.replace(home / TRUSTED)
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(home)


@contextmanager
def changing(home: Path) -> Iterator[None]:
    """Let one process at a time read and replace the list, so that no distrust is lost to a trust beside it."""
    import filelock

    with _writing(home, "the list of trusted keys cannot be changed"):
        _make_folder(home)
        lock = filelock.FileLock(home / _LOCK, timeout=10, mode=0o600, fallback_to_soft=False)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise StoreBusy(f"Another process has been changing {home / TRUSTED} for 10 s: try again.") from error
        except NotImplementedError as error:
            raise StoreUnavailable(
                f"{home} is on a file system without locks: set NBREGISTRY_HOME to another."
            ) from error
    try:
        yield
    finally:
        lock.release()


def _read(path: Path, *, forbidden: int, others: str) -> bytes | None:
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise Refused(f"{path} cannot be read ({error.strerror}): make it yours again, or move it away.") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise Refused(f"{path} is not a file: move it away.")
    with open(fd, "rb") as file:
        if os.name == "posix":
            _close_to_others(fd, path, forbidden, others)
        return file.read(_MAX_BYTES)


def _close_to_others(fd: int, path: Path, forbidden: int, others: str) -> None:
    # Links are followed here, since mounted secrets are links: what counts is who owns the file at the end.
    found, me = os.fstat(fd), os.geteuid()
    if me != 0 and found.st_uid not in {me, 0}:
        raise Refused(
            f"{path} belongs to another user (uid {found.st_uid}): it is not used. Move it away, or take it over."
        )
    if not found.st_mode & forbidden:
        return
    with suppress(OSError):  # what counts is how it is afterwards
        os.fchmod(fd, stat.S_IMODE(found.st_mode) & ~0o077)
    if os.fstat(fd).st_mode & forbidden:
        raise Refused(
            f"{path} can be {others} by others, and that cannot be changed here: it is not used. Set NBREGISTRY_HOME"
            " to a folder on a file system that keeps permissions."
        )
    warnings.warn(
        f"{path} could be {others} by others until now; this has been put right. If others use this machine, look at"
        " what is in it, or delete it to begin anew.",
        UserWarning,
        stacklevel=2,
    )


def _write_new(path: Path, content: bytes) -> None:
    fd = os.open(path, _NEW, 0o600)
    try:
        with open(fd, "wb") as file:
            if hasattr(os, "fchmod"):
                os.fchmod(fd, 0o600)  # a umask may have taken away even what is ours
            file.write(content)
            file.flush()
            os.fsync(fd)
    except OSError:
        path.unlink(missing_ok=True)  # half a key would stand in the way of a whole one
        raise


def _make_folder(home: Path) -> None:
    for folder in (*reversed(home.parents), home):
        try:
            folder.mkdir(mode=0o700)
        except OSError:
            if not folder.is_dir():
                raise
        else:
            folder.chmod(0o700)  # a umask may have taken away even what is ours
    if os.name == "posix":
        found = home.stat()
        # Whoever can write the folder can put other files in place of ours. A sticky one (/tmp) is not ours to change.
        if found.st_uid == os.geteuid() and found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX:
            home.chmod(stat.S_IMODE(found.st_mode) & ~0o022)


def _sync_folder(home: Path) -> None:
    if os.name == "posix":
        fd = os.open(home, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


@contextmanager
def _writing(home: Path, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind = StoreReadOnly if error.errno in _NOT_HERE else StoreUnavailable
        raise kind(
            f"In {home} {what} ({error.strerror or error}). Set NBREGISTRY_HOME to a folder that you can write."
        ) from error
