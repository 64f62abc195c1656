"""Questions: models, versions, search, audit, annotations, comparison, and the registry as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from nbregistry.domain import search as language
from nbregistry.domain.commits import Commit, moment, timestamp
from nbregistry.domain.entities import Annotation, Event, ModelVersion, RegisteredModel
from nbregistry.domain.lifecycle import Kind, Stage
from nbregistry.domain.literals import Literal, period
from nbregistry.domain.order import parse_order
from nbregistry.domain.refs import Ref, model_name
from nbregistry.domain.results import Annotations, Events, Models, Versions
from nbregistry.errors import InvalidInput, NotFound
from nbregistry.registry.core import Core, Target, subject
from nbregistry.storage.index import PURGED, TRASHED
from nbregistry.storage.tiny import View
from nbregistry.types import Document

MAX_PAGE = 100_000


def model(core: Core, view: View, name: str) -> RegisteredModel:
    """Return a model by name."""
    return _model(view, core.model(view, model_name(name))[1])


def _model(view: View, doc: Document) -> RegisteredModel:
    name, ready = doc["name"], view.index.ready[doc["name"]]
    held = {s.value: view.index.holder[name, s.value] for s in Stage if (name, s.value) in view.index.holder}
    return RegisteredModel(
        name=name, uid=doc["uid"], description=doc["description"], tags=dict(doc["tags"]),
        created_at=moment(doc["created_at"]), created_by=doc["created_by"], updated_at=moment(doc["updated_at"]),
        last_number=doc["last_number"], versions=len(ready), latest=ready[-1] if ready else None, stages=held,
        aliases=dict(sorted(view.index.alias[name].items())), former_names=tuple(doc["former_names"]),
        deleted="deleted_at" in doc,
    )  # fmt: skip


def models(view: View) -> Models:
    """Return every model that is not in the trash, by name."""
    docs = (doc for doc in view.models.values() if "moved_to" not in doc and "deleted_at" not in doc)
    return Models(_model(view, doc) for doc in sorted(docs, key=lambda doc: str(doc["name"]).casefold()))


def versions(core: Core, view: View, name: str, *, deleted: bool = False) -> Versions:
    """Return the versions of a model, newest first; ``deleted`` adds the trash."""
    try:
        name = core.model(view, model_name(name))[1]["name"]
    except NotFound:
        if not deleted or not view.index.numbers[name]:
            raise
    entries = view.index.entries["versions"]
    shown = (TRASHED,) if deleted else ()
    return Versions(
        core.version(view, id_)
        for _, id_ in sorted(view.index.numbers[name].items(), reverse=True)
        if entries[id_][4] not in (TRASHED, PURGED) or entries[id_][4] in shown
    )


def find(
    core: Core, view: View, text: str, *, order_by: str | Sequence[str] | None, limit: int | None, cursor: str | None
) -> Versions:
    """Search; see ``Registry.search``."""
    if limit is not None and (not isinstance(limit, int) or not 1 <= limit <= MAX_PAGE):
        raise InvalidInput(f"limit={limit!r} is no page: give 1 to {MAX_PAGE:,}, or None for everything.")
    wanted = language.parse(text, now=datetime.now(UTC), details=core.detail_of)
    order = parse_order(order_by or "created DESC", filter_text=text, details=core.detail_of)

    def matches(doc: Mapping[str, Any]) -> bool:
        return wanted(doc) and "deleted_at" not in doc and "purged_at" not in doc

    ids = _narrowed(view, wanted.equal)
    if ids is None:
        reads = None if wanted.reads is None else wanted.reads | {"deleted_at", "purged_at"}
        ids = view.tables["versions"].matching(matches, reads=reads)
        found: Iterable[Document] = view.versions.many(ids)
    else:
        found = (doc for doc in (view.versions[id_] for id_ in ids) if matches(doc))
    page, following = order.page(found, limit=limit or max(len(view.versions), 1), after=cursor)
    return Versions((ModelVersion.from_document(doc, reader=core.details) for doc in page), cursor=following)


def _narrowed(view: View, equal: Mapping[str, object]) -> list[int] | None:
    """Return the ids that an index leaves to look at, or None when only a scan answers."""
    index, name = view.index, equal.get("name")
    if name is not None:
        ids = index.numbers.get(str(name), {})
        number = equal.get("number")
        if isinstance(number, int):
            return [ids[number]] if number in ids else []
        stage = equal.get("stage")
        if stage in (Stage.PRODUCTION, Stage.STAGING):
            holder = index.holder.get((str(name), str(stage)))
            return [] if holder is None else [ids[holder]]
        return list(ids.values())
    if "alias" in equal:
        return sorted(index.aliased.get(str(equal["alias"]), ()))
    if "stage" in equal and equal["stage"] != Stage.NONE:
        return sorted(index.stage.get(str(equal["stage"]), ()))
    return None


def thread(core: Core, view: View, target: Target) -> Annotations:
    """Return the thread of a version, or of a model for a bare name, oldest first."""
    found = subject(core, view, target, trashed=True)
    return Annotations(annotation(view, id_) for id_ in view.index.thread[found.thread])


def annotation(view: View, id_: int) -> Annotation:
    """Return the picture of an annotation's document."""
    doc = view.annotations[id_]
    return Annotation(
        id_, doc["target"], doc["text"], Kind(doc["kind"]), doc["author"], moment(doc["created_at"]),
        doc.get("reply_to"), tuple((moment(e["at"]), e["by"], e["text"]) for e in doc.get("edits", ())),
    )  # fmt: skip


def audit(core: Core, view: View, target: Target | None, *, limit: int | None) -> Events:
    """Return what happened, newest last; see ``Registry.audit``."""
    concerns = _concerns(core, view, target)
    found: list[Event] = []
    for commit in core.store.history():
        if commit.seq > view.seq:
            break
        if concerns(commit):
            found.append(event(commit))
    return Events(found[-limit:] if limit else found)


def event(commit: Commit) -> Event:
    """Return a commit as a line of the audit."""
    who = commit.actor
    return Event(
        commit.seq, moment(commit.time), commit.action, commit.target, who.user, who.host, who.notebook, who.cell,
        commit.before, commit.after, commit.reason, commit.evidence, commit.hash,
    )  # fmt: skip


def _concerns(core: Core, view: View, target: Target | None) -> Callable[[Commit], bool]:
    if target is None:
        return lambda commit: True
    text = target if isinstance(target, str) else getattr(target, "ref", None) or target.name
    ref = Ref.parse(text)
    try:
        doc = core.model(view, ref.name)[1]
        names = {doc["name"], *doc["former_names"]}
    except NotFound:
        if not view.index.numbers.get(ref.name):
            raise
        names = {ref.name}
    if ref == Ref(ref.name):
        return lambda commit: commit.target.partition("/")[0].partition("@")[0] in names
    number = view.versions[core.locate(view, ref, trashed=True)]["number"]
    refs = {f"{name}/{number}" for name in names}
    return lambda commit: (
        commit.target in refs or not refs.isdisjoint(commit.before) or not refs.isdisjoint(commit.after)
    )


def instant(when: str | datetime) -> str:
    """Return the moment that ``as_of`` is asked for, as stored; a date alone is the end of that day.

    Parameters
    ----------
    when : str or datetime
        ISO 8601, or what a filter takes: ``yesterday``, ``7d`` (ago). Without a zone it is local time.
    """
    try:
        if isinstance(when, datetime):
            # By its text, since a pandas Timestamp without a zone refuses to be taken for local time.
            return timestamp(datetime.fromisoformat(when.isoformat(timespec="microseconds")).astimezone(UTC))
        found = period(Literal(str(when), True, 0), datetime.now().astimezone())
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidInput(f"as_of {str(when)[:80]!r}: {error}.") from error
    whole_day = moment(found.end) - moment(found.start) >= timedelta(hours=1)
    return timestamp(moment(found.end) - timedelta(microseconds=1)) if whole_day else found.start
