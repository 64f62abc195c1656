"""What the view can answer without looking at documents: names, numbers, holders, aliases, threads, keys.

Each document has a short *entry*, a tuple of what it is found by. Indexes are built from entries alone, so a checkpoint
stores the entries and the documents stay on disk until somebody asks for one.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

Entry = tuple[Any, ...]
READY, FAILED, TRASHED, PURGED = "ready", "failed", "trashed", "purged"


def entry(table: str, doc: Mapping[str, Any]) -> Entry:
    """Return what a document is found by."""
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
    return (doc["key"],)


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
        self.entries: dict[str, dict[int, Entry]] = defaultdict(dict)
        self.last_id: dict[str, int] = {}
        self.model: dict[str, int] = {}
        self.numbers: dict[str, dict[int, int]] = defaultdict(dict)
        self.ready: dict[str, list[int]] = defaultdict(list)
        self.holder: dict[tuple[str, str], int] = {}
        self.stage: dict[str, set[int]] = defaultdict(set)
        self.alias: dict[str, dict[str, int]] = defaultdict(dict)
        self.aliased: dict[str, set[int]] = defaultdict(set)
        self.thread: dict[tuple[str, int | None], list[int]] = defaultdict(list)
        self.key: dict[str, int] = {}

    def put(self, table: str, id_: int, doc: Mapping[str, Any]) -> None:
        """Take in a new or changed document."""
        found = entry(table, doc)
        old = self.entries[table].get(id_)
        if old == found:
            return
        if old is not None:
            self._drop(table, id_, old)
        self.add(table, id_, found)

    def add(self, table: str, id_: int, found: Entry) -> None:
        """Take in an entry that is not there yet."""
        self.entries[table][id_] = found
        self.last_id[table] = max(self.last_id.get(table, 0), id_)
        if table == "versions":
            self._add_version(id_, found)
        elif table == "models":
            self.model[found[0].casefold()] = id_
        elif table == "annotations":
            insort(self.thread[found[0], found[1]], id_)
        else:
            self.key[found[0]] = id_

    def _add_version(self, id_: int, found: Entry) -> None:
        name, number, stage, aliases, condition = found
        self.numbers[name][number] = id_
        if condition == READY:
            ready = self.ready[name]
            if not ready or number > ready[-1]:
                ready.append(number)
            else:
                insort(ready, number)
        if condition in (TRASHED, PURGED):
            return
        if stage != "None":
            self.stage[stage].add(id_)
            if stage != "Archived":
                self.holder[name, stage] = number
        for alias in aliases:
            self.alias[name][alias] = number
            self.aliased[alias].add(id_)

    def remove(self, table: str, id_: int) -> None:
        """Forget a document; its id is not given again."""
        self._drop(table, id_, self.entries[table].pop(id_))

    def _drop(self, table: str, id_: int, old: Entry) -> None:
        if table == "models":
            # A model that changed names may have left its old one to a redirect in the same commit.
            if self.model.get(old[0].casefold()) == id_:
                del self.model[old[0].casefold()]
        elif table == "annotations":
            self.thread[old[0], old[1]].remove(id_)
        elif table == "keys":
            self.key.pop(old[0], None)
        else:
            name, number, stage, aliases, condition = old
            self.numbers[name].pop(number, None)
            if condition == READY:
                self.ready[name].remove(number)
            self.stage[stage].discard(id_)
            # Another version may have taken the place earlier in the same commit.
            if self.holder.get((name, stage)) == number:
                del self.holder[name, stage]
            for alias in aliases:
                self.aliased[alias].discard(id_)
                if self.alias[name].get(alias) == number:
                    del self.alias[name][alias]
