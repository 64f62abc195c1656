"""A fast way to open: the view as a plain TinyDB file, an index beside it, and a signed seal of the journal's head.

``registry.json`` opens with stock ``TinyDB("registry.json")``; each document stands on a line of its own, so that one
can be read without the rest. ``registry.index`` says where, and what each is found by. Both are derived: delete them
and the journal gives the same state.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from nbregistry.storage.files import replacing
from nbregistry.storage.journal import Position
from nbregistry.storage.tiny import TABLES, View
from nbregistry.types import Document

FORMAT = 1
_NAMES = ("registry.json", "registry.index")
_BLOCK = 1 << 22


def write(folder: Path, view: View, position: Position) -> None:
    """Store the view as it is at ``position``."""
    data, rows = folder / _NAMES[0], {}
    digest = hashlib.sha256()
    with replacing(data) as file:
        offset = 0

        def out(text: bytes) -> None:
            nonlocal offset
            file.write(text)
            digest.update(text)
            offset += len(text)

        for nth, name in enumerate(TABLES):
            out(b'%s"%s": {' % (b"{" if nth == 0 else b"},\n", name.encode()))
            found, entries = [], view.index.entries[name]
            for nth_doc, (id_, doc) in enumerate(sorted(view.tables[name].shelf.warm().items())):
                out(b'%s\n"%d": ' % (b"," if nth_doc else b"", id_))
                text = orjson.dumps(doc)
                found.append([id_, offset, len(text), *entries[id_]])
                out(text)
            rows[name] = found
        out(b"}}\n")
    body = orjson.dumps(
        {
            "format": FORMAT, "position": list(position), "time": view.time, "size": offset, "sha256": digest.hexdigest(),
            "last_id": view.index.last_id, "rows": rows,
        }
    )  # fmt: skip
    with replacing(folder / _NAMES[1]) as file:
        file.write(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def read(folder: Path) -> tuple[View, Position] | None:
    """Read the newest checkpoint; None when there is none that is whole."""
    try:
        head, _, body = (folder / _NAMES[1]).read_bytes().partition(b"\n")
        data = (folder / _NAMES[0]).open("rb")
    except OSError:
        return None
    if hashlib.sha256(body).hexdigest().encode() != head:
        data.close()
        return None
    told = orjson.loads(body)
    if told["format"] != FORMAT or not _matches(data, told["size"], told["sha256"]):
        data.close()
        return None
    view, source = View(), _Source(data)
    names: dict[str, str] = {}
    for table, rows in told["rows"].items():
        places: dict[int, tuple[int, int]] = {}
        for id_, offset, length, *entry in rows:
            places[id_] = (offset, length)
            if table == "versions":
                name = names.setdefault(entry[0], entry[0])
                view.index.add(table, id_, (name, entry[1], entry[2], tuple(entry[3]), entry[4]))
            else:
                view.index.add(table, id_, tuple(entry))
        view.tables[table].shelf.chill(places, source.fetch)
    view.index.last_id.update(told["last_id"])
    seq, digest, start, end = told["position"]
    view.seq, view.time = seq, told["time"]
    return view, Position(seq, digest, start, end)


def discard(folder: Path) -> None:
    """Remove the checkpoint; the journal gives the same state."""
    for name in _NAMES:
        with contextlib.suppress(OSError):
            (folder / name).unlink()


def _matches(file: BinaryIO, size: int, sha256: str) -> bool:
    if os.fstat(file.fileno()).st_size != size:
        return False
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest() == sha256


class _Source:
    """Reads documents from a checkpoint that was verified; holds the file open, so that a newer one takes nothing away."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def fetch(self, places: Iterable[Any]) -> Iterator[Document]:
        """Yield the documents at the (offset, length) places, reading ahead when they lie one behind the other."""
        block, base = b"", 0
        wanted = list(places)
        ahead = _BLOCK if len(wanted) > 1 else 0
        for offset, length in wanted:
            if not base <= offset <= offset + length <= base + len(block):
                base = offset
                block = os.pread(self._file.fileno(), max(length, ahead), offset)
            yield orjson.loads(block[offset - base : offset - base + length])

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self._file.close()
