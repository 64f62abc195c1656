"""What may be written on a model or a version: aliases, tags, descriptions, annotations."""

from __future__ import annotations

from typing import Any

from nbregistry.domain import values
from nbregistry.domain.lifecycle import Kind
from nbregistry.domain.refs import alias_name, model_name
from nbregistry.errors import InvalidInput, NotFound, Refused, did_you_mean
from nbregistry.registry.core import Change, Core, Done, Target, subject
from nbregistry.storage.tiny import View
from nbregistry.types import Document


def alias(core: Core, target: Target, name: str, *, because: str | None, expect: str | None, key: str | None) -> Done:
    """Point an alias at a version; whoever had it loses it in the same commit."""
    word = alias_name(name)

    def build(view: View, time: str) -> Change:
        id_ = core.locate(view, target)
        doc = view.versions[id_]
        number = view.index.alias[doc["name"]].get(word)
        old = None if number is None else view.index.numbers[doc["name"]][number]
        if expect is not None and (old is None or view.versions[old]["ref"] != expect):
            found = "nothing" if old is None else view.versions[old]["ref"]
            raise Refused(f"@{word} points at {found}, not at {expect}. Nothing was changed.")
        put = {id_: {**doc, "aliases": sorted({*doc["aliases"], word}), "updated_at": time}}
        before: Document = {}
        if old is not None and old != id_:
            put[old] = _without(view.versions[old], word, time)
            before = {f"@{word}": view.versions[old]["ref"]}
        return Change(doc["ref"], {"versions": put}, before, {f"@{word}": doc["ref"]})

    return core.change("alias", build, reason=because, key=key)


def unalias(core: Core, model: str, name: str, *, because: str | None) -> Done:
    """Remove an alias."""

    def build(view: View, time: str) -> Change:
        owner = core.model(view, model_name(model))[1]["name"]
        number = view.index.alias[owner].get(name)
        if number is None:
            raise NotFound(f"{owner!r} has no alias {name!r}{did_you_mean(name, view.index.alias[owner]) or '.'}")
        id_ = view.index.numbers[owner][number]
        doc = view.versions[id_]
        return Change(doc["ref"], {"versions": {id_: _without(doc, name, time)}}, {f"@{name}": doc["ref"]})

    return core.change("unalias", build, reason=because)


def _without(doc: Document, word: str, time: str) -> Document:
    return {**doc, "aliases": [a for a in doc["aliases"] if a != word], "updated_at": time}


def tag(core: Core, target: Target, tags: dict[str, Any]) -> Done:
    """Set tags of a version, or of a model for a bare name."""
    new = values.scalars(tags, "tag")
    if not new:
        raise InvalidInput('Give at least one tag, as in tag("churn/3", team="risk").')

    def revise(doc: Document) -> tuple[Document, Document, Document]:
        merged = {**doc["tags"], **new}
        if len(merged) > values.MAX_ENTRIES:
            raise InvalidInput(f"{len(merged):,} tags are too many: {values.MAX_ENTRIES:,} are allowed.")
        return {"tags": merged}, {k: doc["tags"][k] for k in new if k in doc["tags"]}, new

    return _revise(core, "tag", target, revise)


def untag(core: Core, target: Target, names: tuple[str, ...]) -> Done:
    """Remove tags."""

    def revise(doc: Document) -> tuple[Document, Document, Document]:
        for name in names:
            if name not in doc["tags"]:
                raise NotFound(f"No tag {name!r}{did_you_mean(name, doc['tags']) or '.'}")
        kept = {k: v for k, v in doc["tags"].items() if k not in names}
        return {"tags": kept}, {k: doc["tags"][k] for k in names}, {}

    return _revise(core, "untag", target, revise)


def describe(core: Core, target: Target, markdown: str) -> Done:
    """Replace the description of a model (bare name) or of a version."""
    text = values.text(markdown, "The description")

    def revise(doc: Document) -> tuple[Document, Document, Document]:
        return {"description": text}, {"description": doc["description"]}, {"description": text}

    return _revise(core, "describe", target, revise)


def _revise(core: Core, action: str, target: Target, revise: Any) -> Done:
    def build(view: View, time: str) -> Change:
        found = subject(core, view, target)
        table, id_ = ("models", found.model) if found.version is None else ("versions", found.version)
        doc = view.tables[table].shelf[id_]
        fields, before, after = revise(doc)
        return Change(found.name, {table: {id_: {**doc, **fields, "updated_at": time}}}, before, after)

    return core.change(action, build)


def annotate(
    core: Core, target: Target, text: str, *, kind: str | Kind, reply_to: int | None, key: str | None
) -> tuple[Done, int]:
    """Add a note to the thread of a version, or of a model for a bare name; returns its id as well."""
    said, sort = values.text(text, "The annotation", required=True), Kind.parse(kind)
    ids: list[int] = []

    def build(view: View, time: str) -> Change:
        found = subject(core, view, target)
        uid, number = found.thread
        if reply_to is not None and reply_to not in view.index.thread[found.thread]:
            raise NotFound(f"{found.name} has no annotation {reply_to} to reply to.")
        id_ = view.next_id("annotations")
        ids.append(id_)
        doc: Document = {
            "target": found.name, "target_uid": uid, "target_number": number, "text": said, "kind": sort.value,
            "author": core.settings.user, "created_at": time,
        }  # fmt: skip
        if reply_to is not None:
            doc["reply_to"] = reply_to
        after = {"annotation": id_, "kind": sort.value, "text": said[: values.MAX_VALUE]}
        return Change(found.name, {"annotations": {id_: doc}}, {}, after)

    done = core.change("annotate", build, key=key)
    if done.repeated:
        view = core.view()
        wanted = next(c for c in core.store.history() if c.seq == done.receipt.seq)
        ids = [i for i in wanted.put["annotations"] if i in view.annotations]
    return done, ids[-1]


def amend(core: Core, id_: int, text: str) -> Done:
    """Replace the text of one's own annotation; the earlier text is kept with it."""
    said = values.text(text, "The annotation", required=True)

    def build(view: View, time: str) -> Change:
        if id_ not in view.annotations:
            raise NotFound(f"No annotation {id_}.")
        doc = view.annotations[id_]
        if doc["author"] != core.settings.user:
            raise Refused(f"Annotation {id_} is {doc['author']}'s; reply to it instead (reply_to={id_}).")
        edits = [*doc.get("edits", ()), {"at": time, "by": core.settings.user, "text": doc["text"]}]
        put = {"annotations": {id_: {**doc, "text": said, "edits": edits}}}
        limit = values.MAX_VALUE
        return Change(doc["target"], put, {"annotation": id_, "text": doc["text"][:limit]},
                      {"annotation": id_, "text": said[:limit]})  # fmt: skip

    return core.change("amend", build)
