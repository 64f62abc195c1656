"""Anchors outside the chain: a chain alone does not notice that its last records are gone, or that it was rebuilt.

A seal names a commit and is signed. One lies beside the journal; another, in the user's own folder, is what this user
has seen of the store in that place, and speaks up when the whole store is put back to an older state.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

from nbregistry.domain.commits import canonical, timestamp
from nbregistry.storage.files import make_folder, replacing
from nbregistry.storage.records import Position

EVERY = 1.0
"""Seconds between two seals of a busy writer; the last one is written when the registry is closed."""


class Key(Protocol):
    """A key that somebody trusts."""

    @property
    def public_key(self) -> str:
        """The key's public half, base64."""
        ...


class Signer(Protocol):
    """A key that signs for its owner."""

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

    def trusted(self) -> Sequence[Key]:
        """The keys that the reader knows, the own one among them."""
        ...


@dataclass(frozen=True, slots=True)
class Seal:
    """A signed statement that the store's journal had this commit in this place."""

    store: str
    seq: int
    hash: str
    start: int
    end: int
    time: str
    public_key: str = ""
    signature: str = ""

    @property
    def position(self) -> Position:
        """The commit's place."""
        return Position(self.seq, self.hash, self.start, self.end)

    def message(self) -> bytes:
        """The bytes that are signed."""
        told = asdict(self)
        del told["signature"]
        return canonical({"seal": 1, **told})


@dataclass(frozen=True, slots=True)
class Seen:
    """What this user saw in a folder.

    Attributes
    ----------
    last : str
        The store that lay there.
    stores : mapping
        The newest commit seen of each store that ever lay there.
    """

    last: str
    stores: Mapping[str, Position]


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
        # By place and not by store: a copied registry lives a life of its own, and is no older state of the first.
        place = hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()
        self.record = home / "seen" / f"{place[:32]}.json"
        self._written = 0.0
        self._due: tuple[str, Position, Signer | None] | None = None

    def note(self, store: str, position: Position, signer: Callable[[], Signer | None]) -> None:
        """Remember a commit that was acknowledged; written at most once in ``EVERY`` seconds. Never fails."""
        key: Signer | None = None
        with contextlib.suppress(Exception):  # no key can be had here: an unsigned seal still tells an accident
            # The key itself is kept, not whoever gives it, since that may hold on to the whole registry.
            key = signer()
        self._due = (store, position, key)
        if time.monotonic() - self._written >= EVERY:
            self.flush()

    def flush(self) -> None:
        """Write what is due. A seal is advice for ``verify``: a place that takes none is no reason to fail."""
        if self._due is None:
            return
        (store, position, signer), self._due = self._due, None
        self._written = time.monotonic()
        seal = Seal(store, *position, timestamp())
        with contextlib.suppress(Exception):  # as above
            if signer is not None:
                seal = replace(seal, public_key=signer.public_key)
                seal = replace(seal, signature=signer.sign(seal.message()))
        known = self.read()
        if not isinstance(known, Seal) or known.store != store or known.seq <= position.seq:
            with contextlib.suppress(OSError), replacing(self.path, durable=False) as file:
                file.write(canonical(asdict(seal)))
        self._remember(store, position)

    def _remember(self, store: str, position: Position) -> None:
        known = self.seen()
        if known and known.last == store and known.stores[store].seq >= position.seq:
            return
        stores = {**(known.stores if known else {}), store: position}
        with contextlib.suppress(OSError):
            make_folder(self.record.parent)
            with replacing(self.record, durable=False) as file:
                file.write(canonical({"last": store, "stores": {name: list(at) for name, at in stores.items()}}))

    def seen(self) -> Seen | None:
        """What this user last saw in this place."""
        try:
            told = json.loads(self.record.read_bytes())
            return Seen(str(told["last"]), {name: _position(*at) for name, at in told["stores"].items()})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def read(self) -> Seal | str | None:
        """Return the store's seal, a text that says why it cannot be read, or None where there is none."""
        try:
            told = json.loads(self.path.read_bytes())
            place = _position(told["seq"], told["hash"], told["start"], told["end"])
            return Seal(told["store"], *place, *(str(told[name]) for name in ("time", "public_key", "signature")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            return f"it cannot be read ({error})"

    def doubts(self, store: str, holds: Callable[[Position], bool]) -> list[tuple[str, str]]:
        """Return which anchors the journal contradicts, and how: what was once acknowledged is not there.

        Parameters
        ----------
        store : str
            Identity that the journal tells; empty when there is none.
        holds : callable
            Whether the journal has a commit in its place.
        """
        found, seal, seen = [], self.read(), self.seen()
        if isinstance(seal, Seal) and seal.store != store:
            found.append(("seal", f"it is of the store {seal.store}; {_this(store)}"))
        elif isinstance(seal, Seal) and not holds(seal.position):
            found.append(("seal", f"commit {seal.seq}, sealed at {seal.time}, is not in the journal any more"))
        if seen and store in seen.stores and not holds(seen.stores[store]):
            found.append(
                ("your own record", f"commit {seen.stores[store].seq}, which you have seen here, is gone or replaced")
            )
        return found


def _position(seq: object, digest: object, start: object, end: object) -> Position:
    if not (isinstance(seq, int) and isinstance(start, int) and isinstance(end, int)):
        raise TypeError(f"{seq!r:.20}, {start!r:.20} and {end!r:.20} should be numbers")
    return Position(seq, str(digest), start, end)


def _this(store: str) -> str:
    return f"this one is {store}" if store else "there is no journal"
