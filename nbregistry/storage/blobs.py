"""Artifacts by what they contain: a blob's name is the SHA-256 of its bytes, so equal content is stored once.

Files go through fsspec, so that a bucket can take a folder's place; on a local disk a new blob is written beside,
made durable and renamed, since fsspec promises neither.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from nbregistry.errors import Damaged, InvalidInput
from nbregistry.storage.files import make_folder, refusal, sync_folder
from nbregistry.types import Digest

_CHUNK = 1 << 20
_IN_MEMORY = 64 << 20
"""Blobs up to this many bytes are verified in memory, larger ones in a private unnamed copy on disk."""
GRACE = 24 * 3600.0
"""Seconds after which an unfinished upload is taken for abandoned."""


class Hashing:
    """A writable stream that hashes what passes through; ``size`` and ``digest()`` tell of it."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: Any) -> int:
        """Hash and pass on any buffer; returns its size in bytes."""
        view = memoryview(data).cast("B") if not isinstance(data, bytes) else data
        self._hash.update(view)
        self._target.write(view)
        self.size += len(view)
        return len(view)

    def flush(self) -> None:
        """Flush the target."""
        self._target.flush()

    def digest(self) -> Digest:
        """SHA-256 of what was written, in hexadecimal."""
        return self._hash.hexdigest()


class FolderBlobs:
    """Blobs under ``root/ab/cdef...``.

    Parameters
    ----------
    root : Path
        The folder; made on the first write.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._fs: Any = None

    @property
    def _files(self) -> Any:
        if self._fs is None:
            import fsspec  # takes tens of milliseconds; only collecting and listing need it

            self._fs = fsspec.filesystem("file")
        return self._fs

    def path(self, digest: Digest) -> Path:
        """Where a blob lies."""
        if len(digest) != 64 or digest.strip("0123456789abcdef"):
            raise InvalidInput(f"{digest[:80]!r} is not a SHA-256 digest: 64 lower-case hexadecimal digits.")
        return self.root / digest[:2] / digest[2:]

    def put(self, source: bytes | Path) -> Digest:
        """Store bytes, or a file's content, durably; the same content is stored once."""
        if isinstance(source, bytes) and self.has(digest := hashlib.sha256(source).hexdigest()):
            return digest
        with self.writing() as file:
            if isinstance(source, bytes):
                file.write(source)
            else:
                with source.open("rb") as reader:
                    while chunk := reader.read(_CHUNK):
                        file.write(chunk)
        return file.digest()

    @contextlib.contextmanager
    def writing(self) -> Iterator[Hashing]:
        """Yield a stream whose content is a blob once the block ends well; extra memory does not grow with its size."""
        drafts = self.root / "drafts"
        try:
            make_folder(drafts)
            draft = drafts / f"{os.getpid()}-{os.urandom(8).hex()}"
            fd = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        except OSError as error:
            raise refusal(error, "store an artifact", self.root) from error
        try:
            with os.fdopen(fd, "wb", buffering=1 << 18) as raw:
                stream = Hashing(raw)
                yield stream
                raw.flush()
                self._settle(draft, raw, stream.digest())
        except OSError as error:
            if error.errno is None:
                raise
            raise refusal(error, "store an artifact", self.root) from error
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(draft)

    def _settle(self, draft: Path, raw: BinaryIO, digest: Digest) -> None:
        target = self.path(digest)
        if target.is_file() and not target.is_symlink() and target.stat().st_size == os.fstat(raw.fileno()).st_size:
            with contextlib.suppress(Damaged):
                self.verified(digest).close()
                return
        new = not target.parent.is_dir()
        make_folder(target.parent)
        os.fchmod(raw.fileno(), 0o400 | (self.root.stat().st_mode & 0o040))
        os.fsync(raw.fileno())
        os.replace(draft, target)
        for folder in (target.parent, self.root) if new else (target.parent,):
            sync_folder(folder)

    def open(self, digest: Digest) -> BinaryIO:
        """Open for reading, links refused; nothing is verified here."""
        path = self.path(digest)
        try:
            fd = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
        except FileNotFoundError:
            raise Damaged(f"Blob {digest} is missing from {self.root}; restore it from a backup.") from None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise Damaged(f"Blob {digest} is a symbolic link, which nbregistry never makes.") from error
            raise refusal(error, "read an artifact", path) from error
        return os.fdopen(fd, "rb")

    def verified(self, digest: Digest) -> BinaryIO:
        """Open bytes that were hashed and match; what is returned cannot change any more.

        Raises
        ------
        Damaged
            The bytes do not match, or are not there.
        """
        with self.open(digest) as file:
            if os.fstat(file.fileno()).st_size <= _IN_MEMORY:
                data = file.read()
                found, copy = hashlib.sha256(data).hexdigest(), cast("BinaryIO", io.BytesIO(data))
            else:
                copy = cast("BinaryIO", tempfile.TemporaryFile())
                stream = Hashing(copy)
                while chunk := file.read(_CHUNK):
                    stream.write(chunk)
                found = stream.digest()
                copy.seek(0)
        if found != digest:
            copy.close()
            raise Damaged(
                f"Blob {digest} does not match its SHA-256 (its bytes hash to {found}). It is not used; restore it from a"
                " backup, or register the model again."
            )
        return copy

    def has(self, digest: Digest) -> bool:
        """Whether there is such a blob."""
        return self.path(digest).is_file()

    def size(self, digest: Digest) -> int:
        """Size in bytes."""
        return self.path(digest).stat().st_size

    def delete(self, digest: Digest) -> None:
        """Remove a blob; absent is fine."""
        try:
            self.path(digest).unlink(missing_ok=True)
        except OSError as error:
            raise refusal(error, "remove an artifact", self.path(digest)) from error

    def digests(self) -> Iterator[Digest]:
        """Yield what is stored."""
        if not self.root.is_dir():
            return
        for entry in sorted(self._files.find(str(self.root))):
            path = Path(entry)
            name = path.parent.name + path.name
            if len(name) == 64 and not name.strip("0123456789abcdef"):
                yield name

    def sweep(self, *, grace: float = GRACE) -> int:
        """Remove unfinished uploads older than ``grace`` seconds; returns how many."""
        swept = 0
        drafts = self.root / "drafts"
        for entry in sorted(drafts.iterdir()) if drafts.is_dir() else ():
            with contextlib.suppress(OSError):
                if time.time() - entry.stat().st_mtime >= grace:
                    entry.unlink()
                    swept += 1
        return swept



