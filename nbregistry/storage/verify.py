"""``verify``: is everything there that was acknowledged, and is it what it was? Looks at all of it and changes nothing.

The chain is read from its first record. What a chain alone cannot notice (records cut off its end, a history rebuilt
from some record on) is held against what stands outside it: the seal, what this user has seen, and a receipt.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from nbregistry.domain.commits import Head, Receipt
from nbregistry.domain.entities import Finding, Report
from nbregistry.errors import Damaged, RegistryError, StoreUnavailable
from nbregistry.storage import checkpoint, records
from nbregistry.storage.journal import QUARANTINE, Exchanged
from nbregistry.storage.records import ORIGIN, Position, Scan
from nbregistry.storage.replay import Replay, differences
from nbregistry.storage.seals import Seal, Signer
from nbregistry.storage.store import Store
from nbregistry.storage.tiny import View
from nbregistry.types import Digest

_CHUNK = 1 << 20


@dataclass(slots=True)
class _Check:
    """What was looked at so far, and what was found."""

    store: Store
    tell: Callable[[str], None]
    signer: Signer | None
    replay: Replay = field(default_factory=Replay)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    blobs: int = 0
    bytes: int = 0
    seals: int = 0

    def found(self, where: str, what: str) -> None:
        self.findings.append(Finding(where, what))


def verify(
    store: Store,
    *,
    receipt: Receipt | None = None,
    blobs: bool = True,
    signer: Signer | None = None,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Check a store.

    Parameters
    ----------
    receipt : Receipt or None
        A commit that the history must still hold.
    blobs : bool
        Read and hash every artifact too; otherwise only see that it is there.
    signer : Signer or None
        Checks the seal's signature.
    progress : callable
        Told how far it is.
    """
    begun = time.monotonic()
    check = _Check(store, progress or (lambda state: None), signer)
    # What the chain is held against is read before it, so that a change made meanwhile looks like no fault.
    seal, seen, saved = store.seals.read(), store.seals.seen(), checkpoint.read(store.folder)
    end = _chain(check, saved)
    _seal(check, seal)
    identity = check.replay.view.store
    if seen is not None:
        if seen.last != identity:
            check.found("your own record", f"the store {seen.last} lay here when you last used it; {_this(identity)}")
        if identity in seen.stores:
            _hold(check, "your own record", seen.stores[identity].head, "which you have seen here")
    if receipt is not None:
        if receipt.store != identity:
            check.found("receipt", f"it is of the store {receipt.store}; {_this(identity)}")
        else:
            _hold(check, "receipt", Head(receipt.seq, receipt.hash), "which it was given for")
    if not isinstance(seal, Seal) and receipt is None and check.replay.hashes:
        check.notes.append("Not anchored: there is neither seal nor receipt, so records cut off the end go unnoticed.")
    _live(check, end)
    _blobs(check, hashed=blobs)
    _leftovers(check)
    return Report(
        (*check.replay.findings, *check.findings), len(check.replay.hashes), check.blobs, check.bytes,
        check.seals, time.monotonic() - begun, tuple(check.notes),
    )  # fmt: skip


def _chain(check: _Check, saved: tuple[View, Position] | None) -> Position:
    """Replay the journal from its first record; returns where its valid part ends."""
    replay, path, end = check.replay, check.store.journal.path, ORIGIN
    view, place = saved or (None, None)
    scan = Scan(path)
    for commit, position in scan:
        try:
            replay.add(commit)
        except Damaged:
            break
        end = position
        if place == position and view is not None and (found := differences(view, replay.view)):
            check.found(
                "checkpoint", f"it does not give what the journal gives: {', '.join(found)}; delete registry.json"
            )
        if commit.seq % 1000 == 0:
            check.tell(f"{commit.seq:,} commits")
    for seq in scan.loose:
        check.found(f"journal commit {seq}", "the byte behind it is not a newline; the commit itself is whole")
    _tail(check, scan, end)
    if place is not None and (place.seq >= len(replay.hashes) or replay.hashes[place.seq] != place.hash):
        check.found("checkpoint", f"it is of a commit {place.seq} that the journal does not have")
    if saved is None and any((check.store.folder / name).exists() for name in checkpoint.NAMES):
        check.notes.append("The checkpoint is broken or unfinished; it is passed over and made anew when it is due.")
    return end


def _tail(check: _Check, scan: Scan, end: Position) -> None:
    tail, seq = scan.tail, check.replay.view.seq
    if tail.state == "damaged":
        left = sum(1 for _, found in records.strays(scan.path, end.end) if not isinstance(found, str))
        check.found(
            f"journal commit {seq + 1}",
            f"damaged from byte {tail.offset} on ({tail.size} bytes): {tail.why}; {left} commits behind it are whole",
        )
    elif tail.state == "torn":
        check.notes.append(
            f"{tail.size} bytes of an unfinished write lie behind commit {seq}; nobody was told that it was done."
        )
    elif tail.state == "bare" and seq not in scan.loose:
        check.notes.append(f"The newline behind commit {seq}, the last one, is missing; the commit is whole.")


def _seal(check: _Check, seal: Seal | str | None) -> None:
    if isinstance(seal, str):
        check.found("seal", seal)
    if not isinstance(seal, Seal):
        return
    check.seals += 1
    identity = check.replay.view.store
    if seal.store != identity:
        check.found("seal", f"it is of the store {seal.store}; {_this(identity)}")
    else:
        _hold(check, "seal", Head(seal.seq, seal.hash), f"which it names as of {seal.time}")
    if not seal.signature:
        check.notes.append("The seal is not signed: it tells an accident, not a forgery.")
    elif check.signer is not None:
        if not check.signer.verify(seal.public_key, seal.message(), seal.signature):
            check.found("seal", "its signature does not match it")
        elif seal.public_key not in {key.public_key for key in check.signer.trusted()}:
            check.notes.append("The seal is signed with a key that is neither yours nor trusted by you.")


def _hold(check: _Check, where: str, head: Head, which: str) -> None:
    hashes = check.replay.hashes
    if head.seq >= len(hashes):
        check.found(where, f"commit {head.seq}, {which}, is gone: the journal ends with commit {len(hashes) - 1}")
    elif head.seq < 0 or hashes[head.seq] != head.hash:
        check.found(where, f"commit {head.seq} is not the one {which}: history was rewritten at or before it")


def _this(store: str) -> str:
    return f"this one is {store}" if store else "there is no journal"


def _live(check: _Check, end: Position) -> None:
    """Hold what this process shows against the journal."""
    replay = check.replay
    try:
        with check.store.steady() as live:
            for commit, _ in Scan(check.store.journal.path, end):
                if replay.view.seq < live.seq:
                    replay.add(commit)
            found = differences(live, replay.view) if live.seq == replay.view.seq else [f"commit {live.seq}"]
    except (Damaged, Exchanged, StoreUnavailable) as error:
        check.found("view", str(error))
        return
    if found:
        check.found("view", f"this process shows something else than the journal: {', '.join(found)}; open it again")


def _blobs(check: _Check, *, hashed: bool) -> None:
    """See that every artifact that a version names is there and is what it was."""
    wanted: dict[Digest, tuple[int, str]] = {}
    for id_, doc in check.replay.view.versions.items():
        for name, digest in doc.get("files", {}).items():
            wanted.setdefault(digest, (id_, f"{name} of {doc['ref']}"))
    for digest, (id_, what) in wanted.items():
        problem = _problem(check, digest, hashed=hashed)
        if problem and digest in check.store.view().versions[id_].get("files", {}).values():  # not purged meanwhile
            check.found(f"blob {str(digest)[:12]}", f"{problem} ({what}, {digest})")
        check.blobs += 1
        check.tell(f"{check.blobs:,} of {len(wanted):,} artifacts, {check.bytes / 1e6:,.0f} MB")
    extra = sum(1 for digest in check.store.blobs.digests() if digest not in wanted)
    if extra:
        check.notes.append(f"{extra} artifacts belong to no version: of registrations never finished, or purged ones.")


def _problem(check: _Check, digest: Digest, *, hashed: bool) -> str:
    found = hashlib.sha256()
    try:
        with check.store.blobs.open(digest) as file:
            while hashed and (block := file.read(_CHUNK)):
                found.update(block)
                check.bytes += len(block)
    except Damaged as error:
        return next(
            (f"it is {kind}" for kind in ("a symbolic link", "no regular file") if kind in str(error)), "it is missing"
        )
    except (OSError, RegistryError) as error:
        return f"it cannot be read: {error}"
    return "" if not hashed or found.hexdigest() == digest else f"its bytes hash to {found.hexdigest()[:12]}"


def _leftovers(check: _Check) -> None:
    place = check.store.folder / QUARANTINE
    kept = len(list(place.iterdir())) if place.is_dir() else 0
    if kept:
        check.notes.append(f"{kept} files of what was put aside lie in {place}.")
