"""``repair``: make a damaged store writable again, losing as little as can be, keeping the original as it was found.

One flipped bit in a record is undone exactly, since the record's hash tells when it is right. Where more is gone, what
stands behind the damage is taken over in one commit: each document as the last whole commit left it, so that no version
and no number is forgotten. Its history stays readable in the kept original only; receipts from there no longer hold.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nbregistry.domain.commits import Actor, Commit, timestamp
from nbregistry.domain.lifecycle import Stage
from nbregistry.errors import Damaged
from nbregistry.storage import checkpoint, records
from nbregistry.storage.files import make_folder, refusal, replacing
from nbregistry.storage.index import entry
from nbregistry.storage.journal import QUARANTINE
from nbregistry.storage.records import FRAME, ORIGIN, Position, Scan, Tail
from nbregistry.storage.replay import MENDED, Claim, claims
from nbregistry.storage.store import Store
from nbregistry.storage.tiny import View
from nbregistry.types import Document

_MENDABLE = 1 << 14
"""Bytes of the longest record in which a flipped bit is looked for; each bit costs a hash."""
_CHUNK = 1 << 22


@dataclass(slots=True)
class Repaired:
    """What a repair did.

    Attributes
    ----------
    kept : list of Path
        What was put aside, as it was found; empty when nothing was wrong.
    mended : list of int
        Commits put right exactly.
    behind : int
        The last commit that kept its place.
    salvaged : int
        Commits behind the damage whose documents were taken over.
    lost : int
        Bytes that could not be read as commits.
    doubts : list of str
        What had been acknowledged and is not there any more.
    """

    kept: list[Path] = field(default_factory=list)
    mended: list[int] = field(default_factory=list)
    behind: int = -1
    salvaged: int = 0
    lost: int = 0
    doubts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Found:
    """The journal as it is: lines in order, then what is whole behind the damage."""

    lines: list[bytes]
    view: View
    at: Position
    strays: list[Commit]

    def holds(self, position: Position) -> bool:
        """Whether a commit is among those that keep their place."""
        line = self.lines[position.seq] if 0 <= position.seq < len(self.lines) else b""
        return line[9:73] == position.hash.encode()


def repair(store: Store, actor: Actor) -> Repaired:
    """Mend a store's journal and accept what is there; see the module."""
    with store.journal.writing():
        done = Repaired()
        scan, found = _read(store.journal.path, done)
        if (saved := _saved(store.folder, found)) is not None:
            found.strays = sorted([*found.strays, saved], key=lambda commit: commit.seq)
        done.behind, done.salvaged = found.view.seq, len(found.strays)
        done.doubts = [f"{where}: {what}" for where, what in store.seals.doubts(found.view.store, found.holds)]
        untouched = scan.tail.state == "clean" and not (scan.loose or done.doubts or found.strays)
        if not untouched:
            try:
                _keep(store, done)
                _write(store, found, actor, done)
            except OSError as error:
                raise refusal(error, "repair the registry", store.folder) from error
    store.reopen()
    return done


def _read(path: Path, done: Repaired) -> tuple[Scan, _Found]:
    found, scan = _Found([], View(), ORIGIN, []), Scan(path)
    _take(path, scan, found)
    first, seen = scan, scan.tail
    while scan.tail.state in ("damaged", "torn"):
        rest = list(records.strays(path, found.at.end))
        nth = next((i for i, (_, commit) in enumerate(rest) if isinstance(commit, Commit)), len(rest))
        broken, behind = b"".join(line for line, _ in rest[:nth]), rest[nth][1] if nth < len(rest) else None
        mended = _mended(broken, found.at, behind.prev if isinstance(behind, Commit) else "")
        if mended is None:
            found.strays += [commit for _, commit in rest if isinstance(commit, Commit)]
            done.lost = sum(len(line) for line, commit in rest if not isinstance(commit, Commit))
            break
        line, commit = mended
        found.lines.append(line)
        found.view.apply(commit)
        done.mended.append(commit.seq)
        found.at = Position(commit.seq, commit.hash, found.at.end, found.at.end + len(broken))
        scan = Scan(path, found.at)
        _take(path, scan, found)
    first.tail = seen
    return first, found


def _saved(folder: Path, found: _Found) -> Commit | None:
    """Return what a checkpoint knows that the journal has lost, as if one commit had made it."""
    saved = checkpoint.read(folder)
    if saved is None or saved[1].seq < len(found.lines):
        return None
    return Commit("checkpoint", saved[0].store, Actor(""), saved[0].time, put=saved[0].state(), seq=saved[1].seq)


def _take(path: Path, scan: Scan, found: _Found) -> None:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        for commit, position in scan:
            try:
                found.view.apply(commit)
            except Damaged as error:
                scan.tail = Tail("damaged", position.start, path.stat().st_size - position.start, str(error))
                return
            file.seek(position.start)
            found.lines.append(file.read(position.end - position.start - 1) + b"\n")
            found.at = position


def _mended(broken: bytes, at: Position, digest: str) -> tuple[bytes, Commit] | None:
    """Return the record that a line was before something small happened to it, if that can be told for certain.

    Parameters
    ----------
    digest : str
        The hash by which the commit behind it names it; empty when there is none.
    """
    payload = broken[FRAME:].removesuffix(b"\n")
    if not payload or len(payload) > _MENDABLE:
        return None
    told = broken[9:73].decode("ascii", "replace")
    for candidate in _flipped(payload):
        found = hashlib.sha256(candidate).hexdigest()
        # Nearly the hash in the frame will do for a payload as it lies there: then the frame is what was damaged.
        near = candidate is payload and sum(a != b for a, b in zip(found, told, strict=False)) <= 1
        if found == (digest or told) or (not digest and near):
            line = b"%08x %s %s\n" % (len(candidate), found.encode(), candidate)
            commit = records.read(line, 0)
            if isinstance(commit, Commit) and commit.seq == at.seq + 1 and commit.prev == at.hash:
                return line, commit
    return None


def _flipped(payload: bytes) -> Iterator[bytes]:
    yield payload
    buffer = bytearray(payload)
    for nth in range(len(buffer)):
        for bit in range(8):
            buffer[nth] ^= 1 << bit
            yield bytes(buffer)
            buffer[nth] ^= 1 << bit


def _keep(store: Store, done: Repaired) -> None:
    place = store.folder / QUARANTINE
    make_folder(place)
    mark = uuid.uuid4().hex[:8]
    for name in ("journal", "seal.json", checkpoint.NAMES[0]):
        source = store.folder / name
        if source.is_file():
            with source.open("rb") as old, replacing(place / f"{name}-before-repair-{mark}") as new:
                while chunk := old.read(_CHUNK):
                    new.write(chunk)
            done.kept.append(place / f"{name}-before-repair-{mark}")


def _write(store: Store, found: _Found, actor: Actor, done: Repaired) -> None:
    view, lines, at = found.view, found.lines, found.at
    if not lines:
        first, line = records.sealed(Commit("init", uuid.uuid4().hex, actor, timestamp()), ORIGIN.head)
        lines.append(line)
        view.apply(first)
        at = Position(first.seq, first.hash, 0, len(line))
    put, removed = _merged(view, found.strays)
    time = max([timestamp(), view.time, *(str(commit.time) for commit in found.strays)])
    told: Document = {
        "original": [path.name for path in done.kept], "mended": done.mended, "salvaged": done.salvaged,
        "lost_bytes": done.lost, "doubts": done.doubts,
    }  # fmt: skip
    commit = Commit(
        MENDED, view.store, actor, time, put=put, removed=removed, evidence=told, reason="nbregistry repair"
    )
    view.prepared(commit)
    _, line = records.sealed(commit, at.head)
    with replacing(store.journal.path) as file:
        file.writelines(lines)
        file.write(line)
    checkpoint.discard(store.folder)
    for path in (store.seals.path, store.seals.record) if done.doubts else ():
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _merged(view: View, strays: list[Commit]) -> tuple[dict[str, dict[int, Document]], dict[str, tuple[int, ...]]]:
    """Return what the commits behind the damage come to, made to keep the rules with what stands before it."""
    put: dict[str, dict[int, Document]] = {table: {} for table in view.tables}
    gone: dict[str, set[int]] = {table: set() for table in view.tables}
    holders: dict[Claim, int] = {}
    for commit in strays:
        with contextlib.suppress(KeyError, TypeError, AttributeError):  # a record may be whole and hold anything
            for table, docs in commit.put.items():
                for id_, doc in docs.items():
                    found = entry(table, doc)
                    put[table][id_] = doc
                    gone[table].discard(id_)
                    for claim in claims(found) if table == "versions" else ():
                        _give_up(view, put["versions"], holders.get(claim, _holder(view, claim)), id_, claim)
                        holders[claim] = id_
            for table, ids in commit.removed.items():
                gone[table].update(ids)
                for id_ in ids:
                    put[table].pop(id_, None)
    removed = {table: tuple(sorted(i for i in ids if i in view.tables[table].shelf)) for table, ids in gone.items()}
    return put, removed


def _holder(view: View, claim: Claim) -> int | None:
    name, what = claim
    number = view.index.alias[name].get(what[1:]) if what.startswith("@") else view.index.holder.get(claim)
    return None if number is None else view.index.numbers[name].get(number)


def _give_up(view: View, put: dict[int, Document], former: int | None, newer: int, claim: Claim) -> None:
    """Take from the former holder what a newer one holds: the commit that did so may be the one that is lost."""
    if former is None or former == newer:
        return
    old = put.get(former) or view.versions[former]
    if claim in claims(entry("versions", old)):
        stage = old["stage"] if claim[1].startswith("@") else Stage.ARCHIVED.value
        put[former] = {**old, "stage": stage, "aliases": [a for a in old["aliases"] if f"@{a}" != claim[1]]}
