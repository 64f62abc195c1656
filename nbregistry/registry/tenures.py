"""Who held a stage, from when until when: worked out from the history, told with the names of now."""

from __future__ import annotations

from collections.abc import Iterator

from nbregistry.domain.commits import moment
from nbregistry.domain.entities import Annotation, ModelVersion
from nbregistry.domain.lifecycle import Kind, Stage
from nbregistry.domain.refs import model_name
from nbregistry.domain.tenure import Chronicle, Spell, Tenure, Tenures, Turn
from nbregistry.errors import InvalidInput, NotFound
from nbregistry.registry.core import Core
from nbregistry.registry.reading import annotation
from nbregistry.storage.records import ORIGIN, Position
from nbregistry.storage.tiny import View

_TOLD = (Kind.DECISION.value, Kind.INCIDENT.value)
_Group = list[tuple[ModelVersion, Spell]]


def tenures(core: Core, view: View, name: str | None, stage: str | Stage) -> Tenures:
    """Return the tenures of one model or of all; see ``Registry.tenures``."""
    goal = Stage.parse(stage)
    if not goal.single_holder:
        raise InvalidInput(f"{goal.value} can have many holders at a time; ask for Production or Staging.")
    only = None if name is None else _known(core, view, model_name(name))
    groups: dict[str, _Group] = {}
    for spell in _chronicle(core, view).spells(view.seq):
        # A version of which nothing is left at all has no name any more to be told by.
        if spell.stage is goal and spell.id in view.versions:
            version = core.version(view, spell.id)
            if only is None or version.name == only:
                groups.setdefault(version.name, []).append((version, spell))
    found = [t for key in sorted(groups, key=str.casefold) for t in _told(view, groups[key])]
    past = moment(core.asked) if core.asked else None
    vacant = tuple(n for n in _models(view) if (n, goal.value) not in view.index.holder and only in (None, n))
    return Tenures(found, stage=goal, name=only, vacant=vacant, past=past)


def _known(core: Core, view: View, name: str) -> str:
    """Return the name that a model has now; one in the trash is still asked about what it was."""
    try:
        return str(core.model(view, name)[1]["name"])
    except NotFound:
        if not view.index.numbers.get(name):
            raise
        return name


def _models(view: View) -> list[str]:
    docs = view.models.values()
    names = (str(doc["name"]) for doc in docs if "moved_to" not in doc and "deleted_at" not in doc)
    return sorted(names, key=str.casefold)


def _chronicle(core: Core, view: View) -> Chronicle:
    """Return a chronicle that reaches the view, or further; what was read before is not read again."""
    kept: tuple[Chronicle, Position] = core.chronicle or (Chronicle(), ORIGIN)
    found, at = kept
    if found.seq >= 0 and not core.store.journal.holds(at):
        found, at = Chronicle(), ORIGIN  # the journal was repaired or exchanged
    if found.seq < view.seq:
        found = found.copy()  # another thread may be reading the one that is kept
        for commit, place in core.store.after(at):
            found.take(commit)
            at = place
        core.chronicle = found, at
    return found


def _told(view: View, group: _Group) -> Iterator[Tenure]:
    """Yield the tenures of one model, the newest first."""
    for at in reversed(range(len(group))):
        version, spell = group[at]
        before = group[at - 1] if at else None
        after = group[at + 1] if at + 1 < len(group) else None
        began, ended = spell.began, spell.ended
        # Who comes in the very commit in which the other goes has displaced it.
        displaced = before is not None and before[1].ended is not None and before[1].ended.seq == began.seq
        yield Tenure(
            name=version.name, number=version.number, digest=version.digest, stage=spell.stage, since=began.time,
            until=ended.time if ended else None, decided_by=began.by, because=began.because, how=began.how,
            evidence=began.evidence, replaced=before[0].ref if before and displaced else None, ended=ended,
            replaced_by=after[0].ref if after and ended and after[1].began.seq == ended.seq else None,
            notes=_notes(view, version, began, ended), seq=began.seq, version=version,
            predecessor=before[0] if before else None,
        )  # fmt: skip


def _notes(view: View, version: ModelVersion, began: Turn, ended: Turn | None) -> tuple[Annotation, ...]:
    """Return the decisions and incidents of a version's time, on itself and on its model."""
    ids = sorted((*view.index.thread[version.uid, version.number], *view.index.thread[version.uid, None]))
    documents = ((id_, view.annotations[id_]) for id_ in ids)
    told = (annotation(view, id_) for id_, doc in documents if doc["kind"] in _TOLD)
    return tuple(note for note in told if began.time <= note.created_at and (not ended or note.created_at < ended.time))
