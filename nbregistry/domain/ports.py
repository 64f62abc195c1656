"""The few verbs we need of a ledger and of a blob store; everything above folds a ledger's commits into one view."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from nbregistry.domain.commits import Commit, Head
from nbregistry.types import Digest


class Ledger(Protocol):
    """An ordered, hash-chained list of commits."""

    def head(self) -> Head:
        """Return the newest (seq, hash) known to be there; looks at the medium each time."""
        ...

    def since(self, seq: int) -> Iterator[Commit]:
        """Yield the commits after ``seq`` in order."""
        ...

    def append(self, commit: Commit, *, expect: int) -> Commit:
        """Make one commit durable and return it sealed (seq, previous hash, hash).

        Raises
        ------
        nbregistry.errors.Conflict
            The head is not ``expect`` any more: read the news, check the rules again, retry.
        """
        ...


class Blobs(Protocol):
    """Content-addressed bytes."""

    def put(self, source: bytes | Path) -> Digest:
        """Store bytes, or a file's content, durably; the same content is stored once."""
        ...

    def open(self, digest: Digest) -> BinaryIO:
        """Open for reading; nothing is verified here."""
        ...

    def verified(self, digest: Digest) -> BinaryIO:
        """Open bytes that were hashed and match; what is returned cannot change any more.

        Raises
        ------
        nbregistry.errors.Damaged
            The bytes do not match, or are not there.
        """
        ...

    def has(self, digest: Digest) -> bool:
        """Whether there is such a blob."""
        ...

    def size(self, digest: Digest) -> int:
        """Size in bytes."""
        ...

    def delete(self, digest: Digest) -> None:
        """Remove a blob; absent is fine."""
        ...

    def digests(self) -> Iterator[Digest]:
        """Yield what is stored."""
        ...
