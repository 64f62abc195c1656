"""What the view can answer without looking at documents: names, numbers, holders, aliases, threads, keys.

Each document has a short *entry*, a tuple of what it is found by. Indexes are built from entries alone, so a checkpoint
stores the entries and the documents stay on disk until somebody asks for one.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")

Entry = tuple[Any, ...]
READY, FAILED, TRASHED, PURGED = "ready", "failed", "trashed", "purged"


def entry(table: str, doc: Mapping[str, Any]) -> Entry:
    """Return what a document is found by.

    Raises
    ------
    KeyError, TypeError
        It is no document of that table.
    """
    found = _entry(table, doc)
    texts = (*found[:1], *found[2:3], *found[3], *found[4:]) if table == "versions" else found[:1]
    if not all(type(text) is str for text in texts) or (table == "versions" and type(found[1]) is not int):
        raise TypeError(f"{table}: {found!r:.200}")
    return found


def _entry(table: str, doc: Mapping[str, Any]) -> Entry:
    if table == "versions":
        condition = (
            PURGED if doc.get("purged_at")
            else TRASHED if doc.get("deleted_at")
            else READY if doc["status"] == "READY"
            else FAILED
        )  # fmt: skip
        return (doc["name"], doc["number"], doc["stage"], tuple(doc["aliases"]), condition)
    if table == "models":
        return (doc["name"],)
    if table == "annotations":
        return (doc["target_uid"], doc.get("target_number"))
    if table == "keys":
        return (doc["key"],)
    raise KeyError(table)


class Lookup(dict[K, V]):
    """A dict that answers an unknown key with something empty, and does not keep it: a question changes nothing."""

    def __init__(self, empty: Callable[[], V]) -> None:
        super().__init__()
        self._empty = empty

    def __missing__(self, key: K) -> V:
        return self._empty()

    def make(self, key: K) -> V:
        """Return the value of ``key``, made when there is none."""
        found = self.get(key)
        if found is None:
            found = self[key] = self._empty()
        return found


class Index:
    """Lookups over entries.

    Attributes
    ----------
    model : dict
        Casefolded name to document id.
    numbers : dict
        Name to ``{number: document id}`` of every version ever kept under it.
    ready : dict
        Name to the ascending numbers of its versions that can be used.
    holder : dict
        ``(name, stage)`` to number, for the single-holder stages.
    stage : dict
        Stage to the ids of the versions in it (``None`` is not indexed).
    alias : dict
        Name to ``{alias: number}``.
    aliased : dict
        Alias to the ids of the versions that carry it, of whatever model.
    thread : dict
        ``(model uid, number or None)`` to annotation ids.
    key : dict
        Idempotency key to document id.
    """

    def __init__(self) -> None:
        self.entries: Lookup[str, dict[int, Entry]] = Lookup(dict)
        self.last_id: dict[str, int] = {}
        self.model: dict[str, int] = {}
        self.numbers: Lookup[str, dict[int, int]] = Lookup(dict)
        self.ready: Lookup[str, list[int]] = Lookup(list)
        self.holder: dict[tuple[str, str], int] = {}
        self.stage: Lookup[str, set[int]] = Lookup(set)
        self.alias: Lookup[str, dict[str, int]] = Lookup(dict)
        self.aliased: Lookup[str, set[int]] = Lookup(set)
        self.thread: Lookup[tuple[str, int | None], list[int]] = Lookup(list)
        self.key: dict[str, int] = {}

    def put(self, table: str, id_: int, found: Entry) -> None:
        """Take in the entry of a new or changed document."""
        old = self.entries[table].get(id_)
        if old == found:
            return
        if old is not None:
            self._drop(table, id_, old)
        self.add(table, id_, found)

    def add(self, table: str, id_: int, found: Entry) -> None:
        """Take in an entry that is not there yet."""
        self.entries.make(table)[id_] = found
        self.last_id[table] = max(self.last_id.get(table, 0), id_)
        if table == "versions":
            self._add_version(id_, found)
        elif table == "models":
            self.model[found[0].casefold()] = id_
        elif table == "annotations":
            insort(self.thread.make((found[0], found[1])), id_)
        else:
            self.key[found[0]] = id_

    def _add_version(self, id_: int, found: Entry) -> None:
        name, number, stage, aliases, condition = found
        self.numbers.make(name)[number] = id_
        if condition == READY:
            ready = self.ready.make(name)
            if not ready or number > ready[-1]:
                ready.append(number)
            else:
                insort(ready, number)
        if condition in (TRASHED, PURGED):
            return
        if stage != "None":
            self.stage.make(stage).add(id_)
            if stage != "Archived":
                self.holder[name, stage] = number
        for alias in aliases:
            self.alias.make(name)[alias] = number
            self.aliased.make(alias).add(id_)

    def remove(self, table: str, id_: int) -> None:
        """Forget a document; its id is not given again."""
        self._drop(table, id_, self.entries[table].pop(id_))

    def _drop(self, table: str, id_: int, old: Entry) -> None:
        """Take back what an entry added, save for what another document took over earlier in the same commit."""
        if table == "models":
            _pop(self.model, old[0].casefold(), id_)
        elif table == "annotations":
            self.thread[old[0], old[1]].remove(id_)
        elif table == "keys":
            _pop(self.key, old[0], id_)
        else:
            name, number, stage, aliases, condition = old
            _pop(self.numbers[name], number, id_)
            if condition == READY:
                ready = self.ready[name]
                del ready[bisect_left(ready, number)]
            self.stage[stage].discard(id_)
            _pop(self.holder, (name, stage), number)
            for alias in aliases:
                self.aliased[alias].discard(id_)
                _pop(self.alias[name], alias, number)

    def state(self) -> dict[str, Any]:
        """Return every lookup without what is empty, for comparing two indexes."""
        return {
            name: {k: v for k, v in found.items() if v or v == 0} if isinstance(found, dict) else found
            for name, found in vars(self).items()
        }


def _pop(lookup: dict[K, V], key: K, mine: V) -> None:
    if lookup.get(key) == mine:
        del lookup[key]
