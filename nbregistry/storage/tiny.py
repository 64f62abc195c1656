"""TinyDB as the document layer: a view that folds the ledger's commits, read through TinyDB's own tables and queries.

``View.db`` is a TinyDB whose storage lives in memory and whose tables read documents in place: a lookup or a search
never copies or parses what it does not return. Documents change by commits alone, so TinyDB's own writing verbs are
refused. The file that ``checkpoint`` writes is a plain TinyDB file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn

import orjson
from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Document as TinyDocument
from tinydb.table import Table

from nbregistry.domain.commits import Commit
from nbregistry.errors import StoreReadOnly
from nbregistry.storage.index import Index
from nbregistry.types import Document, Documents

TABLES = ("models", "versions", "annotations", "keys")


class Shelf(Mapping[int, Document]):
    """The documents of a table by id: live ones as objects, cold ones still as text in a checkpoint file.

    Parameters
    ----------
    cold : mapping of int to anything
        Ids that ``fetch`` can read.
    fetch : callable
        Reads the documents of some ids.
    """

    def __init__(self) -> None:
        self._live: dict[int, Document] = {}
        self._cold: dict[int, Any] = {}
        self._fetch: Callable[[Iterable[Any]], Iterator[Document]] = lambda places: iter(())

    def chill(self, places: dict[int, Any], fetch: Callable[[Iterable[Any]], Iterator[Document]]) -> None:
        """Start from documents that ``fetch`` reads from ``places`` when they are asked for."""
        self._cold, self._fetch = places, fetch

    def __getitem__(self, id_: int) -> Document:
        found = self._live.get(id_)
        if found is None:
            found = next(self._fetch((self._cold[id_],)))
            self._live[id_] = found
            del self._cold[id_]
        return found

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._live.keys() | self._cold.keys())) if self._cold else iter(list(self._live))

    def __len__(self) -> int:
        return len(self._live) + len(self._cold)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._live or id_ in self._cold

    def __setitem__(self, id_: int, doc: Document) -> None:
        self._live[id_] = doc
        self._cold.pop(id_, None)

    def __delitem__(self, id_: int) -> None:
        if self._cold.pop(id_, None) is None:
            del self._live[id_]

    def warm(self) -> dict[int, Document]:
        """Read all that is cold, in one pass over the file, and return every document by id."""
        if self._cold:
            cold, self._cold = self._cold, {}
            self._live = dict(zip(cold, self._fetch(cold.values()), strict=True)) | self._live
        return self._live


class ViewTable(Table):
    """A TinyDB table over a shelf; reading verbs work as stock, writing verbs are refused."""

    def __init__(self, storage: Storage, name: str, **options: Any) -> None:
        super().__init__(storage, name, cache_size=0)
        assert isinstance(storage, ViewStorage)
        self.shelf = storage.shelves.setdefault(name, Shelf())

    def matching(self, cond: Callable[[Documents], bool]) -> list[int]:
        """Return the ids of the documents that satisfy a query, in id order; copies nothing."""
        docs = self.shelf.warm()
        return sorted(id_ for id_, doc in list(docs.items()) if cond(doc))

    def search(self, cond: Any) -> list[TinyDocument]:
        """Return copies of the matching documents."""
        return [_copy(self.shelf[id_], id_) for id_ in self.matching(cond)]

    def get(self, cond: Any = None, doc_id: int | None = None, doc_ids: list[int] | None = None) -> Any:
        """Return a copy of one document (by query or id), or a list for ids; None where there is none."""
        if doc_id is not None:
            return _copy(self.shelf[doc_id], doc_id) if doc_id in self.shelf else None
        if doc_ids is not None:
            return [_copy(self.shelf[i], i) for i in doc_ids if i in self.shelf]
        if cond is None:
            raise RuntimeError("You have to pass either cond or doc_id or doc_ids")
        for id_, doc in self.shelf.warm().items():
            if cond(doc):
                return _copy(doc, id_)
        return None

    def count(self, cond: Any) -> int:
        """Return how many documents match."""
        return len(self.matching(cond))

    def __iter__(self) -> Iterator[TinyDocument]:
        for id_ in self.shelf:
            yield _copy(self.shelf[id_], id_)

    def __len__(self) -> int:
        return len(self.shelf)

    def _read_table(self) -> dict[int, Documents]:  # type: ignore[override]
        return dict(self.shelf.warm())

    def _update_table(self, updater: Callable[[dict[int, Documents]], None]) -> NoReturn:
        raise StoreReadOnly(
            "Documents change by commits: use Registry.register, promote, tag, annotate ...; this view follows them."
        )

    def truncate(self) -> NoReturn:
        """Refused, as every writing verb here."""
        self._update_table(lambda docs: None)


class ViewStorage(Storage):
    """TinyDB's storage contract over shelves."""

    def __init__(self) -> None:
        self.shelves: dict[str, Shelf] = {}

    def read(self) -> dict[str, dict[str, Any]]:
        """Return every table, as stock TinyDB's JSON holds them."""
        return {name: {str(i): shelf[i] for i in shelf} for name, shelf in self.shelves.items()}

    def write(self, data: dict[str, dict[str, Any]]) -> NoReturn:
        """Refused: the journal is the truth, this follows it."""
        raise StoreReadOnly("The document layer follows the journal; write through Registry.")


class ViewDB(TinyDB):
    """A TinyDB whose tables are ``ViewTable``."""

    table_class = ViewTable


class View:
    """What the registry is after a number of commits: tables with their indexes.

    Attributes
    ----------
    seq : int
        The last commit folded.
    time : str
        Its time.
    """

    def __init__(self) -> None:
        storage = ViewStorage()
        self.db = ViewDB(storage=lambda: storage)
        self.tables: dict[str, ViewTable] = {name: self.db.table(name) for name in TABLES}  # type: ignore[misc]
        self.models = self.tables["models"].shelf
        self.versions = self.tables["versions"].shelf
        self.annotations = self.tables["annotations"].shelf
        self.keys = self.tables["keys"].shelf
        self.index = Index()
        self.seq = -1
        self.time = ""

    def apply(self, commit: Commit) -> None:
        """Fold one commit; costs what it changes."""
        for name, docs in commit.put.items():
            shelf = self.tables[name].shelf
            for id_, doc in docs.items():
                shelf[id_] = doc
                self.index.put(name, id_, doc)
        for name, ids in commit.removed.items():
            for id_ in ids:
                del self.tables[name].shelf[id_]
                self.index.remove(name, id_)
        self.seq, self.time = commit.seq, commit.time

    def next_id(self, table: str) -> int:
        """Return an id that the table has never had."""
        return self.index.last_id.get(table, 0) + 1

    def state(self) -> dict[str, dict[int, Document]]:
        """Return every document by table and id, for comparing two views."""
        return {name: dict(sorted(table.shelf.warm().items())) for name, table in self.tables.items()}


def _copy(doc: Document, id_: int) -> TinyDocument:
    return TinyDocument(orjson.loads(orjson.dumps(doc)), id_)
