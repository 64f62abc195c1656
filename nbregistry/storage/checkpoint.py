"""A fast way to open: the view as a plain TinyDB file, and an index beside it.

``registry.json`` opens with stock ``TinyDB("registry.json")``; each document stands on a line of its own, so that one
can be read without the rest. ``registry.index`` says where, and what each is found by. Both are derived: delete them
and the journal gives the same state.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson

from nbregistry.storage.cold import Cold, Source
from nbregistry.storage.files import Draft
from nbregistry.storage.index import Entry
from nbregistry.storage.records import Position
from nbregistry.storage.shelf import Parts
from nbregistry.storage.tiny import TABLES, View

FORMAT = 1
"""Number of the checkpoint's format. Raise it with any change: one of another number is passed over and made anew."""

NAMES = ("registry.json", "registry.index")
_BLOCK = 1 << 22


class Snapshot(NamedTuple):
    """A view that stands still: what a checkpoint is written from while commits go on."""

    view: View
    position: Position
    about: dict[str, Any]
    tables: dict[str, tuple[Parts, dict[int, Entry]]]

    @classmethod
    def of(cls, view: View, position: Position) -> Snapshot:
        """Copy what commits change; the documents themselves never do."""
        about = {"store": view.store, "time": view.time, "last_id": dict(view.index.last_id)}
        tables = {n: (table.shelf.parts(), dict(view.index.entries[n])) for n, table in view.tables.items()}
        return cls(view, position, about, tables)


def write(folder: Path, snapshot: Snapshot, moving: contextlib.AbstractContextManager[None]) -> dict[str, Cold]:
    """Store a snapshot; returns where its documents lie.

    Parameters
    ----------
    moving : context manager
        Entered while both files are put in place: held by one writer at a time, so that the two belong together.
    """
    with Draft(folder / NAMES[0]) as data, Draft(folder / NAMES[1]) as index:
        told, cold = _write_tables(data.file, snapshot, Source(data.path))
        body = orjson.dumps({"format": FORMAT, "position": list(snapshot.position), **snapshot.about, **told})
        index.file.write(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
        with moving:
            data.settle(durable=False)
            index.settle(durable=False)
    return cold


def _write_tables(file: BinaryIO, snapshot: Snapshot, source: Source) -> tuple[dict[str, Any], dict[str, Cold]]:
    digest, offset = hashlib.sha256(), 0
    rows: dict[str, list[list[Any]]] = {}
    cold = {name: Cold(source) for name in snapshot.tables}

    def out(text: bytes) -> int:
        nonlocal offset
        file.write(text)
        digest.update(text)
        offset += len(text)
        return offset

    for name, (parts, entries) in snapshot.tables.items():
        out(b'%s"%s": {' % (b",\n" if rows else b"{", name.encode()))
        found = rows[name] = []
        for id_, text in parts.texts():
            start = out(b'%s\n"%d": ' % (b"," if found else b"", id_))
            out(text)
            found.append([id_, start, len(text), *entries[id_]])
            cold[name].add(id_, start, len(text))
        out(b"}")
    out(b"}\n")
    return {"size": offset, "sha256": digest.hexdigest(), "rows": rows}, cold


def read(folder: Path) -> tuple[View, Position] | None:
    """Read the newest checkpoint; None when there is none that is whole."""
    try:
        head, _, body = (folder / NAMES[1]).read_bytes().partition(b"\n")
        if hashlib.sha256(body).hexdigest().encode() != head:
            return None
        told = orjson.loads(body)
        source = Source(folder / NAMES[0])
        if told["format"] != FORMAT or not _matches(folder / NAMES[0], told["size"], told["sha256"]):
            return None
        return _view(told, source), Position(*told["position"])
    except (OSError, ValueError, KeyError, TypeError, IndexError):  # derived: whatever is wrong, the journal knows
        return None


def _view(told: dict[str, Any], source: Source) -> View:
    view, texts = View(), dict[str, str]()
    same = texts.setdefault
    for table in TABLES:
        cold, add = Cold(source), view.index.add
        for id_, start, size, *found in told["rows"][table]:
            cold.add(id_, start, size)
            if table == "versions":
                name, number, stage, aliases, condition = found
                # The same few texts a hundred thousand times: kept once.
                entry = (same(name, name), number, same(stage, stage), tuple(aliases), same(condition, condition))
                add(table, id_, entry)
            else:
                add(table, id_, tuple(found))
        view.tables[table].shelf.chill(cold)
    view.index.last_id.update(told["last_id"])
    view.seq, view.time, view.store = told["position"][0], told["time"], told["store"]
    return view


def discard(folder: Path) -> None:
    """Remove the checkpoint; the journal gives the same state."""
    for name in NAMES:
        with contextlib.suppress(OSError):
            (folder / name).unlink()


def _matches(path: Path, size: int, sha256: str) -> bool:
    digest, found = hashlib.sha256(), 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            found += len(block)
    return found == size and digest.hexdigest() == sha256
