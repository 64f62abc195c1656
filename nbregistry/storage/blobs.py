"""Artifacts by what they contain: a blob's name is the SHA-256 of its bytes, so equal content is stored once.

``FolderBlobs`` keeps them on a local disk, where a new one is written beside, made durable and renamed into place.
``BucketBlobs`` keeps them wherever fsspec reaches.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from nbregistry.errors import Damaged, InvalidInput
from nbregistry.storage.files import GRACE, NEW, make_folder, open_regular, refusal, sweep, sync_folder, unreadable
from nbregistry.types import Digest

_CHUNK = 1 << 20
_DRAFTS = "drafts"
_IN_MEMORY = 64 << 20
"""Blobs up to this many bytes are verified in memory, larger ones in a private unnamed copy on disk."""


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

    def path(self, digest: Digest) -> Path:
        """Where a blob lies."""
        _checked(digest)
        return self.root / digest[:2] / digest[2:]

    def put(self, source: bytes | Path) -> Digest:
        """Store bytes, or a file's content, durably; the same content is stored once."""
        if isinstance(source, bytes) and self._is(digest := hashlib.sha256(source).hexdigest(), source):
            return digest
        with self.writing() as file:
            _copy(source, file)
        return file.digest()

    def _is(self, digest: Digest, content: bytes) -> bool:
        """Whether a blob is there, whole and durable: one that was damaged is written anew."""
        try:
            with contextlib.suppress(Damaged), self.open(digest) as file:
                if file.read() == content:
                    # Whoever put it first may be between renaming it and making that durable.
                    sync_folder(self.path(digest).parent)
                    return True
        except OSError as error:
            raise refusal(error, "store an artifact", self.root) from error
        return False

    @contextlib.contextmanager
    def writing(self) -> Iterator[Hashing]:
        """Yield a stream whose content is a blob once the block ends well; extra memory does not grow with its size."""
        drafts = self.root / _DRAFTS
        try:
            make_folder(drafts)
            draft = drafts / f"{os.getpid()}-{os.urandom(8).hex()}"
            fd = os.open(draft, os.O_RDWR | NEW, 0o600)
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
            with contextlib.suppress(OSError):
                os.unlink(draft)

    def _settle(self, draft: Path, raw: BinaryIO, digest: Digest) -> None:
        target = self.path(digest)
        if target.is_file() and not target.is_symlink() and target.stat().st_size == os.fstat(raw.fileno()).st_size:
            with contextlib.suppress(Damaged):
                self.verified(digest).close()
                sync_folder(target.parent)
                return
        make_folder(target.parent)
        os.fchmod(raw.fileno(), 0o400 | (self.root.stat().st_mode & 0o040))
        os.fsync(raw.fileno())
        os.replace(draft, target)
        sync_folder(target.parent)

    def open(self, digest: Digest) -> BinaryIO:
        """Open for reading, links refused; nothing is verified here."""
        path = self.path(digest)
        try:
            return open_regular(path, follow=False)
        except FileNotFoundError:
            raise _missing(digest, self.root) from None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EINVAL):
                kind = "a symbolic link" if error.errno == errno.ELOOP else "no regular file"
                raise Damaged(f"Blob {digest} is {kind}; nbregistry never makes such.") from error
            raise unreadable(error, path) from error

    def verified(self, digest: Digest) -> BinaryIO:
        """Open bytes that were hashed and match; what is returned cannot change any more.

        Raises
        ------
        Damaged
            The bytes do not match, or are not there.
        """
        try:
            with self.open(digest) as file:
                return _verified(file, digest, os.fstat(file.fileno()).st_size)
        except OSError as error:
            raise unreadable(error, self.path(digest)) from error

    def has(self, digest: Digest) -> bool:
        """Whether there is such a blob."""
        return self.path(digest).is_file()

    def size(self, digest: Digest) -> int:
        """Size in bytes; Damaged when it is missing."""
        with self.open(digest) as file:
            return os.fstat(file.fileno()).st_size

    def delete(self, digest: Digest) -> None:
        """Remove a blob; absent is fine."""
        try:
            self.path(digest).unlink(missing_ok=True)
        except OSError as error:
            raise refusal(error, "remove an artifact", self.path(digest)) from error

    def digests(self) -> Iterator[Digest]:
        """Yield what is stored."""
        for folder in sorted(self.root.iterdir()) if self.root.is_dir() else ():
            for name in sorted(os.listdir(folder)) if len(folder.name) == 2 and folder.is_dir() else ():
                if _is_digest(folder.name + name):
                    yield folder.name + name

    def sweep(self, *, grace: float = GRACE) -> int:
        """Remove uploads that were left unfinished ``grace`` seconds ago or earlier; returns how many."""
        return sweep(self.root / _DRAFTS, ending="", grace=grace)


class BucketBlobs:
    """Blobs at any URL that fsspec understands, such as ``s3://bucket/models`` or ``memory://models``.

    Content is first gathered in an unnamed local file, then put in one go, so that a blob appears whole or not at all.

    Parameters
    ----------
    url : str
        The folder; whatever options the protocol takes come as further keywords.
    """

    def __init__(self, url: str, **options: Any) -> None:
        import fsspec  # takes tens of milliseconds, which a local registry need not spend

        self.url = url
        self._files, self._root = fsspec.core.url_to_fs(url, **options)

    def path(self, digest: Digest) -> str:
        """Where a blob lies."""
        return f"{self._root}/{_checked(digest)[:2]}/{digest[2:]}"

    def put(self, source: bytes | Path) -> Digest:
        """Store bytes, or a file's content; the same content is stored once."""
        with self.writing() as file:
            _copy(source, file)
        return file.digest()

    @contextlib.contextmanager
    def writing(self) -> Iterator[Hashing]:
        """Yield a stream whose content is a blob once the block ends well."""
        with tempfile.TemporaryFile() as spool:
            stream = Hashing(cast("BinaryIO", spool))
            yield stream
            path = self.path(stream.digest())
            try:
                if self._files.exists(path) and self._files.size(path) == stream.size:
                    with contextlib.suppress(Damaged):
                        self.verified(stream.digest()).close()
                        return
                spool.seek(0)
                self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
                with self._files.open(path, "wb") as target:
                    while chunk := spool.read(_CHUNK):
                        target.write(chunk)
            except OSError as error:
                raise refusal(error, "store an artifact", self.url) from error

    def open(self, digest: Digest) -> BinaryIO:
        """Open for reading; nothing is verified here."""
        try:
            return cast("BinaryIO", self._files.open(self.path(digest), "rb"))
        except FileNotFoundError:
            raise _missing(digest, self.url) from None
        except OSError as error:
            raise unreadable(error, self.url) from error

    def verified(self, digest: Digest) -> BinaryIO:
        """Open bytes that were hashed and match; what is returned cannot change any more.

        Raises
        ------
        Damaged
            The bytes do not match, or are not there.
        """
        try:
            with self.open(digest) as file:
                return _verified(file, digest, self.size(digest))
        except OSError as error:
            raise unreadable(error, self.url) from error

    def has(self, digest: Digest) -> bool:
        """Whether there is such a blob."""
        return bool(self._files.exists(self.path(digest)))

    def size(self, digest: Digest) -> int:
        """Size in bytes; Damaged when it is missing."""
        try:
            return int(self._files.size(self.path(digest)))
        except FileNotFoundError:
            raise _missing(digest, self.url) from None

    def delete(self, digest: Digest) -> None:
        """Remove a blob; absent is fine."""
        try:
            with contextlib.suppress(FileNotFoundError):
                self._files.rm_file(self.path(digest))
        except OSError as error:
            raise refusal(error, "remove an artifact", self.url) from error

    def digests(self) -> Iterator[Digest]:
        """Yield what is stored."""
        for entry in sorted(self._files.find(self._root)):
            name = "".join(entry.split("/")[-2:])
            if _is_digest(name):
                yield name

    def sweep(self, *, grace: float = GRACE) -> int:
        """There is nothing unfinished to remove: what is gathered has no name."""
        return 0


def _is_digest(text: str) -> bool:
    return len(text) == 64 and not text.strip("0123456789abcdef")


def _checked(digest: Digest) -> Digest:
    if not _is_digest(digest):
        raise InvalidInput(f"{digest[:80]!r} is not a SHA-256 digest: 64 lower-case hexadecimal digits.")
    return digest


def _missing(digest: Digest, place: object) -> Damaged:
    return Damaged(f"Blob {digest} is missing from {place}; restore it from a backup.")


def _copy(source: bytes | Path, target: Hashing) -> None:
    if isinstance(source, bytes):
        target.write(source)
        return
    with source.open("rb") as reader:
        while chunk := reader.read(_CHUNK):
            target.write(chunk)


def _verified(file: BinaryIO, digest: Digest, size: int) -> BinaryIO:
    """Return a private copy of what ``file`` holds, hashed on the way."""
    # Handed to the caller, who closes it.
    copy = cast("BinaryIO", io.BytesIO() if size <= _IN_MEMORY else tempfile.TemporaryFile())  # noqa: SIM115  see above
    stream = Hashing(copy)
    try:
        while chunk := file.read(_CHUNK):
            stream.write(chunk)
        if stream.digest() != digest:
            raise Damaged(
                f"Blob {digest} does not match its SHA-256 (its bytes hash to {stream.digest()}). It is not used;"
                " restore it from a backup, or register the model again."
            )
        copy.seek(0)
    except BaseException:
        copy.close()
        raise
    return copy
