"""The documents of one table: what changed lately as objects, the rest as text in a checkpoint file.

A hundred thousand parsed documents take half a gigabyte, and making or walking them keeps Python's cycle collector busy
for longer than the search itself. So a small table is kept parsed as a whole; of a large one only what was asked for
lately, and, for searches, the fields that searches look at.
"""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Collection, ItemsView, Iterator, Mapping, ValuesView
from heapq import merge
from operator import itemgetter
from typing import NamedTuple

import orjson

from nbregistry.errors import Damaged
from nbregistry.storage.cold import Cold
from nbregistry.types import Document

SMALL = 24 << 20
"""A table whose text has at most so many bytes is kept parsed once it was searched, in about four times the memory."""
_NEAR = 4096
_FIELDS = 8


class Parts(NamedTuple):
    """A shelf that stands still: live documents, cold ones, and which of the cold ones are outdated."""

    live: dict[int, Document]
    cold: Cold
    gone: set[int]

    def texts(self) -> Iterator[tuple[int, bytes]]:
        """Yield every document's JSON in id order; what is cold is passed on as it lies there."""
        cold = ((id_, text) for id_, text in self.cold.texts() if id_ not in self.gone)
        live = ((id_, orjson.dumps(doc)) for id_, doc in sorted(self.live.items()))
        return merge(cold, live, key=itemgetter(0))


class Shelf(Mapping[int, Document]):
    """The documents of a table by id. Documents are never changed in place, only replaced."""

    def __init__(self) -> None:
        self._live: dict[int, Document] = {}
        self._cold = Cold()
        self._gone: set[int] = set()
        self._near: dict[int, Document] = {}
        self._slim: dict[int, Document] = {}
        self._fields: frozenset[str] = frozenset()
        self._lock = threading.RLock()

    # -- reading: without the lock where a document is at hand

    def __getitem__(self, id_: int) -> Document:
        found = self._live.get(id_) or self._near.get(id_)
        if found is None:
            with self._lock:
                found = self._live.get(id_) or self._fetched(id_)
        return found

    def _fetched(self, id_: int) -> Document:
        if id_ in self._gone:
            raise KeyError(id_)
        doc = _parsed(self._cold.text(id_))
        if len(self._near) >= _NEAR:
            self._near = {}
        self._near[id_] = doc
        return doc

    def __contains__(self, id_: object) -> bool:
        if id_ in self._live:
            return True
        with self._lock:
            return id_ in self._live or (id_ in self._cold and id_ not in self._gone)

    def __len__(self) -> int:
        with self._lock:
            return len(self._live) + len(self._cold) - len(self._gone)

    def __iter__(self) -> Iterator[int]:
        parts = self.parts()
        return iter(sorted([*parts.live, *(i for i in parts.cold if i not in parts.gone)]))

    def items(self) -> ItemsView[int, Document]:
        """Every (id, document) in id order; what is on disk is read in one go and not kept."""
        return _Items(self)

    def values(self) -> ValuesView[Document]:
        """Every document, as ``items``."""
        return _Values(self)

    def warm(self) -> dict[int, Document]:
        """Return every document by id."""
        return dict(self.walk())

    def walk(self) -> Iterator[tuple[int, Document]]:
        """Yield every (id, document) in id order."""
        self._thaw_small()
        parts = self.parts()
        cold = ((id_, _parsed(text)) for id_, text in parts.cold.texts() if id_ not in parts.gone)
        live = sorted(parts.live.items(), key=itemgetter(0))
        return merge(cold, live, key=itemgetter(0)) if len(parts.cold) else iter(live)

    def many(self, ids: Collection[int]) -> Iterator[Document]:
        """Yield the documents of some ids, given in ascending order; many are read in one go."""
        if len(ids) * 4 < len(self._cold):
            return (self[id_] for id_ in ids)
        wanted = set(ids)
        return (doc for id_, doc in self.walk() if id_ in wanted)

    def scan(self, reads: Collection[str] | None = None) -> Iterator[tuple[int, Document]]:
        """Yield every (id, document), in any order, quickly; ``reads`` as for ``ViewTable.matching``."""
        self._thaw_small()
        with self._lock:
            live, slim = self._live, {} if reads is None else self._slimmed(frozenset(reads))
            cold, gone = self._cold, self._gone
        for found in (live, slim):
            for id_ in list(found):  # other threads may change it meanwhile
                doc = found.get(id_)
                if doc is not None:
                    yield id_, doc
        if reads is None:
            for id_, text in cold.texts():
                if id_ not in gone:
                    yield id_, _parsed(text)

    def parts(self) -> Parts:
        """Return what the shelf holds now, standing still."""
        with self._lock:
            return Parts(dict(self._live), self._cold, set(self._gone))

    # -- changing

    def __setitem__(self, id_: int, doc: Document) -> None:
        with self._lock:
            self._live[id_] = doc
            self._outdate(id_)

    def __delitem__(self, id_: int) -> None:
        with self._lock:
            if id_ not in self:
                raise KeyError(id_)
            self._live.pop(id_, None)
            self._outdate(id_)

    def _outdate(self, id_: int) -> None:
        if id_ in self._cold:
            self._gone.add(id_)
            self._near.pop(id_, None)
            self._slim.pop(id_, None)

    def chill(self, cold: Cold, since: Parts | None = None) -> None:
        """Go over to documents in a checkpoint; ``since`` is what it was written from, where changes came since."""
        with self._lock:
            live, gone = {}, set()
            if since is not None:
                live = {id_: doc for id_, doc in self._live.items() if since.live.get(id_) is not doc}
                # Removed since: of those that were cold, and of those that were live.
                gone = (self._gone - since.gone - self._live.keys()) | (since.live.keys() - self._live.keys())
            self._live, self._gone = live, gone | {id_ for id_ in live if id_ in cold}
            self._cold, self._near, self._slim, self._fields = cold, {}, {}, frozenset()

    def _thaw_small(self) -> None:
        """Parse and keep what is cold, if it is little."""
        with self._lock:
            if not len(self._cold) or self._cold.bytes > SMALL:
                return
            with uncollected():
                found = {id_: _parsed(text) for id_, text in self._cold.texts() if id_ not in self._gone}
            self._live = found | self._live
            self._cold, self._gone, self._near, self._slim, self._fields = Cold(), set(), {}, {}, frozenset()

    def _slimmed(self, fields: frozenset[str]) -> dict[int, Document]:
        """Return the cold documents cut down to some fields; those asked for before are kept, if they are few."""
        if not fields <= self._fields or not self._fields:
            both = fields | self._fields
            self._fields = both if len(both) <= _FIELDS else fields
            with uncollected():
                self._slim = {
                    id_: {name: doc[name] for name in self._fields if name in doc}
                    for id_, doc in ((i, _parsed(text)) for i, text in self._cold.texts() if i not in self._gone)
                }
        return self._slim


class _Items(ItemsView[int, Document]):
    _mapping: Shelf

    def __iter__(self) -> Iterator[tuple[int, Document]]:
        return self._mapping.walk()


class _Values(ValuesView[Document]):
    _mapping: Shelf

    def __iter__(self) -> Iterator[Document]:
        return (doc for _, doc in self._mapping.walk())


def _parsed(text: bytes) -> Document:
    try:
        found: Document = orjson.loads(text)
    except ValueError as error:
        raise Damaged(
            "The checkpoint registry.json was changed while it was in use: open the registry again. It is derived from"
            " the journal; what something else writes into it is lost."
        ) from error
    return found


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Keep the cycle collector from walking everything again and again while many objects without cycles are made."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
