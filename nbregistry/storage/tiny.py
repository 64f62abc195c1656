"""TinyDB as the document layer: a view that folds the ledger's commits, read through TinyDB's own tables and queries.

``View.db`` is a TinyDB whose storage lives in memory and whose tables read documents in place: a lookup or a search
never copies or parses what it does not return. Documents change by commits alone, so TinyDB's own writing verbs are
refused. The file that ``checkpoint`` writes is a plain TinyDB file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, NoReturn

import orjson
from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Document as TinyDocument
from tinydb.table import Table

from nbregistry.domain.commits import Commit
from nbregistry.errors import Damaged, StoreReadOnly
from nbregistry.storage.index import Entry, Index, entry
from nbregistry.storage.shelf import Shelf
from nbregistry.types import Document, Documents

TABLES = ("models", "versions", "annotations", "keys")

_NOTHING = Shelf()

UNSETTLED = -2
"""``View.seq`` while a commit is being folded: an interrupt there leaves a view that must be made anew."""


class ViewTable(Table):
    """A TinyDB table over a shelf; reading verbs work as stock, writing verbs are refused."""

    def __init__(self, storage: Storage, name: str, **options: Any) -> None:
        super().__init__(storage, name, cache_size=0)
        self.shelf: Shelf = getattr(storage, "shelves", {}).get(name, _NOTHING)

    def matching(self, cond: Callable[[Documents], bool], *, reads: Collection[str] | None = None) -> list[int]:
        """Return the ids of the documents that satisfy a query, in id order; copies nothing.

        Parameters
        ----------
        reads : collection of str, optional
            The fields of a document that the query looks at: of documents that are still on disk, only those are kept
            in memory for the next search. Without it such documents are parsed anew each time.
        """
        return sorted(id_ for id_, doc in self.shelf.scan(reads) if cond(doc))

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
        return next((_copy(doc, id_) for id_, doc in self.shelf.items() if cond(doc)), None)

    def count(self, cond: Any) -> int:
        """Return how many documents match."""
        return len(self.matching(cond))

    def __iter__(self) -> Iterator[TinyDocument]:
        for id_, doc in self.shelf.items():
            yield _copy(doc, id_)

    def __len__(self) -> int:
        return len(self.shelf)

    def _read_table(self) -> dict[int, Documents]:  # type: ignore[override]  # ids are integers here, as its callers want
        return dict(self.shelf.items())

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
        self.shelves = {name: Shelf() for name in TABLES}

    def read(self) -> dict[str, dict[str, Any]]:
        """Return every table, as stock TinyDB's JSON holds them."""
        return {name: {str(i): doc for i, doc in shelf.items()} for name, shelf in self.shelves.items()}

    def write(self, data: dict[str, dict[str, Any]]) -> NoReturn:
        """Refused: the journal is the truth, this follows it."""
        raise StoreReadOnly("The document layer follows the journal; write through Registry.")


class ViewDB(TinyDB):
    """A TinyDB whose tables are ``ViewTable``."""

    table_class: type[Table] = ViewTable


class View:
    """What the registry is after a number of commits: tables with their indexes.

    Attributes
    ----------
    seq : int
        The last commit folded.
    time : str
        Its time.
    store : str
        Identity of the store, as its first commit tells.
    """

    def __init__(self) -> None:
        storage = ViewStorage()
        self.db = ViewDB(storage=lambda: storage)
        self.tables: dict[str, ViewTable] = {name: self.db.table(name) for name in TABLES}  # type: ignore[misc]  # table_class
        self.models = self.tables["models"].shelf
        self.versions = self.tables["versions"].shelf
        self.annotations = self.tables["annotations"].shelf
        self.keys = self.tables["keys"].shelf
        self.index = Index()
        self.seq = -1
        self.time = ""
        self.store = ""

    def prepared(self, commit: Commit) -> list[tuple[str, int, Document, Entry]]:
        """Return what a commit puts, with the entries; a commit that cannot be folded must not get into the journal.

        Raises
        ------
        Damaged
            It puts or removes what cannot be.
        """
        try:
            found = [
                (name, id_, doc, entry(name, doc)) for name, docs in commit.put.items() for id_, doc in docs.items()
            ]
            for name, ids in commit.removed.items():
                known = self.tables[name].shelf
                missing = [id_ for id_ in ids if id_ not in known and id_ not in commit.put.get(name, ())]
                if missing:
                    raise KeyError(f"{name} {missing}")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Damaged(
                f"Commit {commit.seq} ({commit.action} {commit.target}) does not fit the registry before it: {error!r}."
            ) from error
        return found

    def apply(self, commit: Commit) -> None:
        """Fold one commit; costs what it changes."""
        changes = self.prepared(commit)
        self.seq = UNSETTLED
        for name, id_, doc, found in changes:
            self.tables[name].shelf[id_] = doc
            self.index.put(name, id_, found)
        for name, ids in commit.removed.items():
            for id_ in ids:
                del self.tables[name].shelf[id_]
                self.index.remove(name, id_)
        if commit.seq == 0:
            self.store = commit.target
        self.seq, self.time = commit.seq, commit.time

    def next_id(self, table: str) -> int:
        """Return an id that the table has never had."""
        return self.index.last_id.get(table, 0) + 1

    def state(self) -> dict[str, dict[int, Document]]:
        """Return every document by table and id, for comparing two views."""
        return {name: dict(table.shelf.items()) for name, table in self.tables.items()}


def _copy(doc: Document, id_: int) -> TinyDocument:
    return TinyDocument(orjson.loads(orjson.dumps(doc)), id_)
