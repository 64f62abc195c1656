"""Renaming, and the three steps of getting rid: trash, restore, purge."""

from __future__ import annotations

from collections.abc import Collection

from nbregistry.domain import values
from nbregistry.domain.lifecycle import Stage
from nbregistry.domain.refs import Ref, model_name
from nbregistry.errors import AlreadyExists, NotFound, Refused
from nbregistry.registry.core import Change, Core, Done, Target, subject
from nbregistry.storage.index import PURGED, TRASHED
from nbregistry.storage.tiny import View
from nbregistry.types import Digest, Document


def rename(core: Core, old: str, new: str, *, because: str | None) -> Done:
    """Give a model another name; the old one goes on leading to it."""
    goal = model_name(new)

    def build(view: View, time: str) -> Change:
        id_, doc = core.model(view, model_name(old))
        was = doc["name"]
        if was == goal:
            raise AlreadyExists(f"The model is called {goal!r} already.")
        taken = view.index.model.get(goal.casefold())
        redirect = taken is not None and taken != id_ and _end(view, taken) == id_
        if taken is not None and taken != id_ and not redirect:
            raise AlreadyExists(f"There is a model {view.models[taken]['name']!r} already; choose another name.")
        if taken is None and view.index.numbers.get(goal):
            raise AlreadyExists(
                f"The name {goal!r} has versions of its own, in the trash or purged; choose another name."
            )
        former = [n for n in [*doc["former_names"], was] if n != goal]
        models = {id_: {**doc, "name": goal, "former_names": former, "updated_at": time}}
        # Two names that differ in case alone share one entry of the index, so there is nothing to lead from.
        if was.casefold() != goal.casefold():
            models[taken if redirect and taken else view.next_id("models")] = {"name": was, "moved_to": goal}
        versions = {
            v: {**view.versions[v], "name": goal, "ref": f"{goal}/{number}", "updated_at": time}
            for number, v in view.index.numbers[was].items()
        }
        return Change(was, {"models": models, "versions": versions}, {"name": was}, {"name": goal})

    return core.change("rename", build, reason=because)


def delete(core: Core, target: Target, *, because: str | None) -> Done:
    """Put a version, or a model with all its versions, into the trash."""

    def build(view: View, time: str) -> Change:
        found = subject(core, view, target)
        ids = _versions(view, found.name) if found.version is None else [found.version]
        entries = view.index.entries["versions"]
        put: dict[int, Document] = {}
        for id_ in ids:
            if entries[id_][4] in (TRASHED, PURGED):
                continue
            doc = view.versions[id_]
            if doc["stage"] == Stage.PRODUCTION.value:
                raise Refused(
                    f"{doc['ref']} is in Production and was not deleted: promote another version, or archive it first."
                )
            put[id_] = {**doc, "deleted_at": time, "deleted_with_model": found.version is None, "updated_at": time}
        tables: dict[str, dict[int, Document]] = {"versions": put}
        if found.version is None:
            tables["models"] = {found.model: {**view.models[found.model], "deleted_at": time, "updated_at": time}}
        return Change(found.name, tables, {}, {"deleted": [d["ref"] for d in put.values()][:50], "count": len(put)})

    try:
        return core.change("delete", build, reason=because)
    except Refused as error:
        core.refused("delete", str(target if isinstance(target, str) else target.name), error, {}, because)
        raise


def restore(core: Core, target: Target) -> Done:
    """Take a version, or a model with what was deleted together with it, out of the trash."""

    def build(view: View, time: str) -> Change:
        ref = target if isinstance(target, str) else getattr(target, "ref", None) or target.name
        parsed = Ref.parse(ref)
        if parsed == Ref(parsed.name):
            return _restored_model(core, view, parsed.name, time)
        id_ = core.locate(view, parsed, trashed=True)
        doc = view.versions[id_]
        if "deleted_at" not in doc:
            raise NotFound(f"{doc['ref']} is not in the trash.")
        if "purged_at" in doc:
            raise Refused(f"{doc['ref']} was purged: its files are gone for good, and there is nothing to restore.")
        model_id = view.index.model[doc["name"].casefold()]
        tables = {"versions": {id_: _alive(view, doc, time)}}
        if "deleted_at" in view.models[model_id]:
            tables["models"] = {model_id: _undeleted(view.models[model_id], time)}
        return Change(doc["ref"], tables, {}, {"restored": doc["ref"]})

    return core.change("restore", build)


def _restored_model(core: Core, view: View, name: str, time: str) -> Change:
    id_ = view.index.model.get(name.casefold())
    if id_ is not None:
        id_ = _end(view, id_) if view.models[id_]["name"] == name else None
    if id_ is None or "deleted_at" not in view.models[id_]:
        core.model(view, name)
        raise NotFound(f"The model {name!r} is not in the trash. For one of its versions, restore('{name}/1').")
    name = view.models[id_]["name"]
    put: dict[int, Document] = {}
    # The newest first: versions of a model that was deleted twice may have held the same stage or alias.
    for _, version in sorted(view.index.numbers[name].items(), reverse=True):
        doc = view.versions[version]
        if doc.get("deleted_with_model") and "purged_at" not in doc:
            put[version] = _alive(view, doc, time, beside=put.values())
    tables = {"models": {id_: _undeleted(view.models[id_], time)}, "versions": put}
    return Change(name, tables, {}, {"restored": [d["ref"] for d in put.values()][:50], "count": len(put)})


def _end(view: View, id_: int) -> int:
    """Return the model that a name leads to, through every rename."""
    while (moved := view.models[id_].get("moved_to")) is not None:
        id_ = view.index.model[moved.casefold()]
    return id_


def _undeleted(doc: Document, time: str) -> Document:
    return {k: v for k, v in doc.items() if k != "deleted_at"} | {"updated_at": time}


def _alive(view: View, doc: Document, time: str, *, beside: Collection[Document] = ()) -> Document:
    """Return the document out of the trash. What it held may be another's by now: that is not taken back.

    ``beside`` are the versions that come out of the trash in the same commit.
    """
    alive = {k: v for k, v in doc.items() if k not in ("deleted_at", "deleted_with_model")} | {"updated_at": time}
    held = (doc["name"], doc["stage"]) in view.index.holder or any(d["stage"] == doc["stage"] for d in beside)
    if Stage(doc["stage"]).single_holder and held:
        alive["stage"] = Stage.ARCHIVED.value
    taken = {*view.index.alias[doc["name"]], *(a for d in beside for a in d["aliases"])}
    alive["aliases"] = [a for a in doc["aliases"] if a not in taken]
    return alive


def purge(core: Core, target: Target, *, because: str | None) -> Done:
    """Destroy the content of a trashed version for good; a tombstone keeps its number and digest."""
    reason = values.text(because, "The reason for a purge (because=)", required=True)
    doomed: set[Digest] = set()

    def build(view: View, time: str) -> Change:
        id_ = core.locate(view, target if not hasattr(target, "ref") else target.ref, trashed=True)
        doc = view.versions[id_]
        if "deleted_at" not in doc:
            raise Refused(f"{doc['ref']} is not in the trash: delete it first, then purge what you are sure of.")
        if "purged_at" in doc:
            raise Refused(f"{doc['ref']} was purged before: only its tombstone is left.")
        kept = ("ref", "name", "number", "uid", "digest", "size", "created_at", "created_by", "signer", "deleted_at")
        stone: Document = {k: doc[k] for k in kept if k in doc}
        empty: Document = {
            "status": "FAILED", "status_reason": "purged", "stage": Stage.NONE.value, "aliases": [], "metrics": {},
            "params": {}, "tags": {}, "files": {}, "updated_at": time, "purged_at": time,
        }  # fmt: skip
        doomed.update(doc.get("files", {}).values())
        return Change(
            doc["ref"], {"versions": {id_: stone | empty}}, {"digest": doc.get("digest", "")}, {"purged": True}
        )

    done = core.change("purge", build, reason=reason)
    _collect(core, doomed)
    return done


def _collect(core: Core, doomed: set[Digest]) -> None:
    """Remove blobs that no version names any more; under the writer lock, so that none is registered meanwhile."""
    with core.store.journal.writing():
        view = core.store.view()
        used = {digest for doc in view.versions.warm().values() for digest in doc.get("files", {}).values()}
        for digest in doomed - used:
            core.store.blobs.delete(digest)


def _versions(view: View, name: str) -> list[int]:
    return list(view.index.numbers[name].values())
