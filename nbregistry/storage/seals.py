"""Anchors outside the chain: a chain alone does not notice that its last records are gone, or that all of it was rebuilt.

A seal names a commit and is signed. One lies beside the journal; another, in the user's own folder, is what this user
has seen of the store, and speaks up when the whole store is put back to an older state.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nbregistry.domain.commits import Head, canonical, timestamp
from nbregistry.storage.files import make_folder, replacing

EVERY = 1.0
"""Seconds between two seals of a busy writer; the last one is written when the registry is closed."""


class Signer(Protocol):
    """A key that signs for its owner."""

    @property
    def fingerprint(self) -> str:
        """Short name of the key."""
        ...

    @property
    def public_key(self) -> str:
        """The key's public half, base64."""
        ...

    def sign(self, message: bytes) -> str:
        """Return a signature, base64."""
        ...

    def verify(self, public_key: str, message: bytes, signature: str) -> bool:
        """Whether the signature is that key's."""
        ...


@dataclass(frozen=True, slots=True)
class Seal:
    """A signed statement that the store's journal had this head."""

    store: str
    seq: int
    hash: str
    time: str
    public_key: str = ""
    signature: str = ""

    def message(self) -> bytes:
        """The bytes that are signed."""
        return canonical({"seal": 1, "store": self.store, "seq": self.seq, "hash": self.hash, "time": self.time})


class Seals:
    """The seals of one store.

    Parameters
    ----------
    folder : Path
        The store's.
    home : Path
        The user's; ``seen/`` is kept there.
    """

    def __init__(self, folder: Path, home: Path) -> None:
        self.path = folder / "seal.json"
        self.home = home / "seen"
        self._written = 0.0
        self._due: tuple[str, Head] | None = None

    def note(self, store: str, head: Head, signer: Signer | None) -> None:
        """Remember a head that was acknowledged; written at most once in ``EVERY`` seconds."""
        self._due = (store, head)
        if time.monotonic() - self._written >= EVERY:
            self.flush(signer)

    def flush(self, signer: Signer | None) -> None:
        """Write what is due. A seal is advice for ``verify``: a place that takes none is no reason to fail."""
        if self._due is None:
            return
        (store, head), self._due = self._due, None
        self._written = time.monotonic()
        seal = Seal(store, head.seq, head.hash, timestamp())
        if signer is not None:
            with contextlib.suppress(Exception):  # no key here: an unsigned seal still tells an accident
                seal = Seal(
                    seal.store, seal.seq, seal.hash, seal.time, signer.public_key, signer.sign(seal.message())
                )
        body = canonical({name: getattr(seal, name) for name in Seal.__slots__})
        with contextlib.suppress(OSError), replacing(self.path, durable=False) as file:
            file.write(body)
        self.remember(store, head)

    def remember(self, store: str, head: Head) -> None:
        """Note in the user's own folder what was seen of the store."""
        if not store or (known := self.seen(store)) is not None and known.seq >= head.seq:
            return
        with contextlib.suppress(OSError):
            make_folder(self.home)
            with replacing(self.home / f"{store}.json", durable=False) as file:
                file.write(canonical({"seq": head.seq, "hash": head.hash}))

    def seen(self, store: str) -> Head | None:
        """What this user last saw of the store."""
        try:
            told = json.loads((self.home / f"{store}.json").read_bytes())
            return Head(int(told["seq"]), str(told["hash"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def read(self) -> Seal | str | None:
        """Return the store's seal, a text that says why it cannot be read, or None where there is none."""
        try:
            told = json.loads(self.path.read_bytes())
            return Seal(**{name: told[name] for name in Seal.__slots__})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            return f"unreadable ({error})"
