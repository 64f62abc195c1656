"""``verify``: is everything there that was acknowledged, and is it what it was? Looks at all of it and changes nothing.

The chain is read from its first record. What a chain alone cannot notice (records cut off its end, a history rebuilt from
some record on) is held against what stands outside it: the seal, what this user has seen, and a receipt.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from nbregistry.domain.commits import Commit, Head, Receipt
from nbregistry.domain.entities import Finding, Report
from nbregistry.domain.lifecycle import Stage
from nbregistry.errors import Damaged, StoreUnavailable
from nbregistry.storage import checkpoint
from nbregistry.storage.journal import ORIGIN, Journal
from nbregistry.storage.seals import Seal, Seals, Signer
from nbregistry.storage.store import Store
from nbregistry.storage.tiny import View
from nbregistry.types import Digest

_CHUNK = 1 << 20
_HELD = tuple(s.value for s in Stage if s.single_holder)


@dataclass(slots=True)
class _Check:
    """What was looked at so far, and what was found."""

    tell: Callable[[str], None]
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
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
    progress: Callable[[str], None] = lambda state: None,
) -> Report:
    """Check a store.

    Parameters
    ----------
    receipt : Receipt or None
        A commit that the history must still hold.
    blobs : bool
        Read and hash every artifact too.
    signer : Signer or None
        Checks the seal's signature.
    progress : callable
        Told how far it is.
    """
    begun = time.monotonic()
    check = _Check(progress)
    view = _chain(store, check)
    _anchors(store, check, receipt, signer)
    _derived(store, check, view)
    if blobs:
        _blobs(store, check, view)
    return Report(
        tuple(check.findings), len(check.hashes), check.blobs, check.bytes, check.seals, time.monotonic() - begun,
        tuple(check.notes),
    )  # fmt: skip


def _chain(store: Store, check: _Check) -> View:
    """Fold the journal from its first record, checking each commit against the rules."""
    journal, view = Journal(store.folder), View()
    numbers: dict[str, int] = {}
    for commit, _ in journal.scan(ORIGIN):
        if commit.time < view.time:
            check.found(
                f"journal commit {commit.seq}", f"its time {commit.time} is before that of the commit before it"
            )
        check.hashes.append(commit.hash)
        for number, name in _first_seen(commit, view):
            if number != numbers.get(name, 0) + 1:
                check.found(
                    f"journal commit {commit.seq}", f"{name}/{number} does not follow {name}/{numbers.get(name, 0)}"
                )
            numbers[name] = number
        view.apply(commit)
        if "name" in commit.after and commit.action == "rename":
            numbers[commit.after["name"]] = numbers.get(commit.target, 0)
        for what in _rule_breaks(commit, view):
            check.found(f"journal commit {commit.seq}", what)
        if commit.seq % 1000 == 0:
            check.tell(f"{commit.seq:,} commits")
    for seq in journal.loose:
        check.found(f"journal commit {seq}", "the byte behind it is not a newline; the commit itself is whole")
    tail = journal.tail
    if tail.state == "damaged":
        check.found(
            f"journal commit {view.seq + 1}", f"damaged from byte {tail.offset} on ({tail.size} bytes): {tail.why}"
        )
    elif tail.state == "torn":
        check.notes.append(
            f"{tail.size} bytes of an unfinished write lie behind commit {view.seq}; nobody was told it was done"
        )
    return view


def _first_seen(commit: Commit, view: View) -> Iterator[tuple[int, str]]:
    for id_, doc in commit.put.get("versions", {}).items():
        if id_ not in view.versions:
            yield doc["number"], doc["name"]


def _rule_breaks(commit: Commit, view: View) -> Iterator[str]:
    """Yield what a commit left behind that no commit may: two holders of a stage."""
    for doc in commit.put.get("versions", {}).values():
        if doc["stage"] in _HELD and "deleted_at" not in doc and "purged_at" not in doc:
            held = [
                n for n, i in view.index.numbers[doc["name"]].items()
                if i in view.index.stage[doc["stage"]] and n != doc["number"]
            ]  # fmt: skip
            if held:
                yield f"{doc['name']}/{doc['number']} and {doc['name']}/{held[0]} hold {doc['stage']} at once"


def _anchors(store: Store, check: _Check, receipt: Receipt | None, signer: Signer | None) -> None:
    """Hold the chain against the seal, what this user has seen, and a receipt."""
    seals = Seals(store.folder, store.home)
    seal = seals.read()
    if isinstance(seal, str):
        check.found("seal", seal)
    elif seal is not None:
        check.seals += 1
        _hold(check, "seal", Head(seal.seq, seal.hash), "it was signed for")
        if problem := _unsigned(store, seal, signer):
            check.found("seal", problem)
    if store.id and (seen := seals.seen(store.id)) is not None:
        _hold(check, "your own record of this store", seen, "you have seen")
    if receipt is not None:
        if receipt.store != store.id:
            check.found("receipt", f"it is of the store {receipt.store}; this one is {store.id or 'empty'}")
        else:
            _hold(check, "receipt", Head(receipt.seq, receipt.hash), "it was given for")
    if seal is None and receipt is None:
        check.notes.append("not anchored: there is neither seal nor receipt, so a cut end would not be noticed")


def _unsigned(store: Store, seal: Seal, signer: Signer | None) -> str:
    if seal.store != store.id:
        return f"it belongs to the store {seal.store}; this one is {store.id or 'empty'}"
    if not seal.signature:
        return ""
    if signer is not None and not signer.verify(seal.public_key, seal.message(), seal.signature):
        return "its signature does not match it"
    return ""


def _hold(check: _Check, where: str, head: Head, how: str) -> None:
    if head.seq >= len(check.hashes):
        last = len(check.hashes) - 1
        check.found(where, f"commit {head.seq}, which {how}, is gone: the journal ends with commit {last}")
    elif check.hashes[head.seq] != head.hash:
        check.found(where, f"commit {head.seq} is not the one {how}: history was rewritten at or before it")


def _derived(store: Store, check: _Check, truth: View) -> None:
    """Hold the checkpoint and the live view against the journal."""
    found = checkpoint.read(store.folder)
    if found is not None:
        view, position = found
        if position.seq >= len(check.hashes) or check.hashes[position.seq] != position.hash:
            check.found("checkpoint", f"it is of a commit {position.seq} that the journal does not have")
        else:
            journal = Journal(store.folder)
            if journal.resume(position):
                for commit in journal.news():
                    view.apply(commit)
                if view.state() != truth.state():
                    check.found("checkpoint", "it does not give the state that the journal gives; delete registry.json")
    elif any((store.folder / name).exists() for name in ("registry.json", "registry.index")):
        check.notes.append("the checkpoint is broken or unfinished; it is passed over and written anew when needed")
    try:
        live = store.view()
    except (Damaged, StoreUnavailable) as error:
        check.found("view", str(error))
        return
    if live.seq == truth.seq and live.state() != truth.state():
        check.found("view", "what this process shows is not what the journal gives; open the registry again")


def _blobs(store: Store, check: _Check, view: View) -> None:
    """Read and hash every artifact that a version names."""
    wanted: dict[Digest, str] = {}
    for doc in view.versions.values():
        for name, digest in doc.get("files", {}).items():
            wanted.setdefault(digest, f"{name} of {doc['ref']}")
    for digest, what in wanted.items():
        problem = _problem(store, check, digest)
        if problem:
            check.found(f"blob {digest[:12]}", f"{problem} ({what}, {digest})")
        check.blobs += 1
        check.tell(f"{check.blobs:,} of {len(wanted):,} artifacts, {check.bytes / 1e6:,.0f} MB")
    extra = sum(1 for digest in store.blobs.digests() if digest not in wanted)
    if extra:
        check.notes.append(
            f"{extra} artifacts belong to no version: registrations that were never finished, or purged ones"
        )


def _problem(store: Store, check: _Check, digest: Digest) -> str:
    try:
        with store.blobs.open(digest) as file:
            found = hashlib.sha256()
            while block := file.read(_CHUNK):
                found.update(block)
                check.bytes += len(block)
    except Damaged as error:
        return "it is a link" if "symbolic" in str(error) else "it is missing"
    except (OSError, StoreUnavailable) as error:
        return f"it cannot be read: {error}"
    return "" if found.hexdigest() == digest else f"its bytes hash to {found.hexdigest()[:12]}"
