"""The same ports in dicts: the reference that the conformance tests hold every other store against."""

from __future__ import annotations

import contextlib
import hashlib
import io
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nbregistry.domain.commits import GENESIS_HASH, Actor, Commit, Head, timestamp
from nbregistry.errors import Conflict, Damaged
from nbregistry.storage import records
from nbregistry.storage.blobs import Hashing
from nbregistry.storage.files import GRACE
from nbregistry.types import Digest


class MemoryLedger:
    """A ledger that ends with the process."""

    def __init__(self) -> None:
        self._commits: list[Commit] = []
        self._lock = threading.RLock()

    @property
    def store(self) -> str:
        """Identity of the store."""
        return self._commits[0].target if self._commits else ""

    def head(self) -> Head:
        """Return the newest (seq, hash)."""
        return Head(self._commits[-1].seq, self._commits[-1].hash) if self._commits else Head(-1, GENESIS_HASH)

    def since(self, seq: int) -> Iterator[Commit]:
        """Yield the commits after ``seq``."""
        yield from self._commits[seq + 1 :]

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the right to append for a block."""
        with self._lock:
            yield

    def begin(self, actor: Actor) -> None:
        """Write the first record if there is none."""
        if not self._commits:
            first, _ = records.sealed(Commit("init", uuid.uuid4().hex, actor, timestamp()), self.head())
            self._commits.append(first)

    def append(self, commit: Commit, *, expect: int) -> Commit:
        """Seal and keep a commit; see ``Ledger.append``."""
        with self._lock:
            head = self.head()
            if head.seq != expect:
                raise Conflict(
                    f"The registry moved on from commit {expect} to {head.seq} meanwhile; repeat on its news."
                )
            found, _ = records.sealed(commit, head)
            self._commits.append(found)
            return found


class MemoryBlobs:
    """A blob store that ends with the process."""

    def __init__(self) -> None:
        self._bytes: dict[Digest, bytes] = {}

    def put(self, source: bytes | Path) -> Digest:
        """Store bytes, or a file's content."""
        with self.writing() as stream:
            stream.write(source if isinstance(source, bytes) else source.read_bytes())
        return stream.digest()

    @contextlib.contextmanager
    def writing(self) -> Iterator[Hashing]:
        """Yield a stream whose content is a blob once the block ends well."""
        gathered = io.BytesIO()
        stream = Hashing(gathered)
        yield stream
        self._bytes[stream.digest()] = gathered.getvalue()

    def open(self, digest: Digest) -> BinaryIO:
        """Open for reading."""
        if digest not in self._bytes:
            raise Damaged(f"Blob {digest} is missing.")
        return io.BytesIO(self._bytes[digest])

    def verified(self, digest: Digest) -> BinaryIO:
        """Open after checking the hash."""
        file = self.open(digest)
        if hashlib.sha256(self._bytes[digest]).hexdigest() != digest:
            raise Damaged(f"Blob {digest} does not match its SHA-256.")
        return file

    def has(self, digest: Digest) -> bool:
        """Whether there is such a blob."""
        return digest in self._bytes

    def size(self, digest: Digest) -> int:
        """Size in bytes; Damaged when it is missing."""
        with self.open(digest) as file:
            return len(file.read())

    def delete(self, digest: Digest) -> None:
        """Remove a blob; absent is fine."""
        self._bytes.pop(digest, None)

    def digests(self) -> Iterator[Digest]:
        """Yield what is stored."""
        yield from sorted(self._bytes)

    def sweep(self, *, grace: float = GRACE) -> int:
        """There is nothing unfinished to remove."""
        return 0
