"""Stages: promotion with its gates and its compare-and-set, and rollback."""

from __future__ import annotations

from collections.abc import Sequence

from nbregistry.domain.commits import Receipt, moment, timestamp
from nbregistry.domain.entities import GateResult, ModelVersion, Promotion
from nbregistry.domain.gates import Candidate, Gate, judge
from nbregistry.domain.lifecycle import Stage
from nbregistry.domain.refs import Ref, model_name
from nbregistry.errors import Conflict, InvalidInput, Refused
from nbregistry.registry import loading
from nbregistry.registry.core import Change, Core, Target
from nbregistry.storage.index import READY
from nbregistry.storage.tiny import View
from nbregistry.types import Document

NOBODY = "none"
"""What ``expect`` says to expect a vacant stage."""
_REMEMBERED = 50


def promote(
    core: Core,
    target: Target,
    stage: str | Stage,
    *,
    because: str | None,
    expect: str | ModelVersion | None,
    dry_run: bool,
    gates: Sequence[Gate],
    key: str | None,
) -> Promotion:
    """Move a version into a stage; see ``Registry.promote``."""
    goal, view = Stage.parse(stage), core.view()
    id_ = core.locate(view, target)
    ref, expected = view.versions[id_]["ref"], _expected(core, view, expect)
    incumbent = _holder(view, view.versions[id_]["name"], goal)
    evidence = _ask(core, view, id_, goal, incumbent=incumbent, gates=gates)
    if dry_run:
        replaced = _ref(view, incumbent) if incumbent != id_ else None
        return _told(
            core, view.versions[id_], goal, replaced=replaced, because=because, evidence=evidence, dry_run=True
        )
    was = Stage(view.versions[id_]["stage"])
    try:
        _check_expected(ref, goal, _ref(view, incumbent), expected)
        if failed := [g for g in evidence if not g.passed]:
            said = "; ".join(f"{g.gate}: {g.summary}" for g in failed)
            raise Refused(f"{ref} was not promoted to {goal.value}: {said}. Nothing was changed.")

        def build(now: View, time: str) -> Change:
            held = _holder(now, now.versions[id_]["name"], goal)
            if held != incumbent:
                _check_expected(ref, goal, _ref(now, held), expected)
                raise Conflict(
                    f"{goal.value} went from {_ref(view, incumbent) or 'nobody'} to {_ref(now, held) or 'nobody'} while"
                    " the gates looked. Nothing was changed; look at it and repeat."
                )
            core.locate(
                now, Ref(now.versions[id_]["name"], now.versions[id_]["number"])
            )  # still there, not in the trash
            return _moved(now, id_, goal, time, evidence=evidence)

        if was == goal and incumbent == id_:
            return _told(core, view.versions[id_], goal, replaced=None, because=because, evidence=evidence)
        done = core.change("promote", build, reason=because, key=key)
    except (Refused, Conflict) as error:
        core.refused(f"promote to {goal.value}", ref, error, {"gates": [_plain(g) for g in evidence]}, because)
        raise
    replaced = _ref(view, incumbent) if incumbent != id_ else None
    before = {**view.versions[id_], "was": was}
    return _told(core, before, goal, replaced=replaced, because=because, evidence=evidence, receipt=done.receipt)


def rollback(core: Core, name: str, stage: str | Stage, *, because: str | None, key: str | None) -> Promotion:
    """Put back who held the stage before; see ``Registry.rollback``."""
    goal = Stage.parse(stage)
    if not goal.single_holder:
        raise InvalidInput(f"{goal.value} can have many holders, so there is no one to put back; use promote.")
    told: dict[str, str] = {}
    replaced: list[str | None] = [None]

    def build(view: View, time: str) -> Change:
        model_id, model = core.model(view, model_name(name))
        earlier = _earlier(view, model, goal)
        if earlier is None:
            raise Refused(f"{model['name']!r} has no earlier holder of {goal.value} that can be used; promote one.")
        holder = _holder(view, model["name"], goal)
        replaced[0], told["was"] = _ref(view, holder), view.versions[earlier]["stage"]
        change = _moved(view, earlier, goal, time, evidence=())
        kept = [n for n in model.get("held", {}).get(goal.value, ()) if n != view.versions[earlier]["number"]]
        changed = change.put["models"][model_id]
        changed["held"] = {**changed["held"], goal.value: kept}
        return change

    try:
        done = core.change("rollback", build, reason=because, key=key)
    except Refused as error:
        core.refused(f"rollback of {goal.value}", name, error, {}, because)
        raise
    view = core.view()
    doc = view.versions[core.locate(view, done.target)]
    return _told(core, {**doc, **told}, goal, replaced=replaced[0], because=because, receipt=done.receipt)


def _earlier(view: View, model: Document, goal: Stage) -> int | None:
    """Return the newest earlier holder that can still be used."""
    numbers, entries = view.index.numbers[model["name"]], view.index.entries["versions"]
    now = view.index.holder.get((model["name"], goal.value))
    for number in model.get("held", {}).get(goal.value, ()):
        id_ = numbers.get(number)
        if id_ is not None and number != now and entries[id_][4] == READY:
            return id_
    return None


def _moved(view: View, id_: int, goal: Stage, time: str, *, evidence: Sequence[GateResult]) -> Change:
    """Return the commit that moves a version into a stage and whoever holds it out: one commit, or two holders."""
    doc = view.versions[id_]
    holder = _holder(view, doc["name"], goal)
    put = {id_: {**doc, "stage": goal.value, "updated_at": time}}
    before, after = {doc["ref"]: doc["stage"]}, {doc["ref"]: goal.value}
    model_id = view.index.model[doc["name"].casefold()]
    model = {**view.models[model_id], "updated_at": time}
    held = dict(model.get("held", {}))
    if holder is not None and holder != id_:
        old = view.versions[holder]
        put[holder] = {**old, "stage": Stage.ARCHIVED.value, "updated_at": time}
        before[old["ref"]], after[old["ref"]] = old["stage"], Stage.ARCHIVED.value
        held[goal.value] = _first(old["number"], held.get(goal.value, ()))
    left = Stage(doc["stage"])
    if left.single_holder and left is not goal:
        held[left.value] = _first(doc["number"], held.get(left.value, ()))
    model["held"] = held
    shown = {"gates": [_plain(g) for g in evidence]} if evidence else {}
    return Change(doc["ref"], {"versions": put, "models": {model_id: model}}, before, after, shown)


def moved(view: View, id_: int, goal: Stage, time: str) -> Change:
    """As a promotion does, without its gates: for verbs that have decided already."""
    return _moved(view, id_, goal, time, evidence=())


def _first(number: int, numbers: Sequence[int]) -> list[int]:
    return [number, *(n for n in numbers if n != number)][:_REMEMBERED]


def _holder(view: View, name: str, goal: Stage) -> int | None:
    if not goal.single_holder:
        return None
    number = view.index.holder.get((name, goal.value))
    return None if number is None else view.index.numbers[name][number]


def _ref(view: View, id_: int | None) -> str | None:
    return None if id_ is None else str(view.versions[id_]["ref"])


def _ask(
    core: Core, view: View, id_: int, goal: Stage, *, incumbent: int | None, gates: Sequence[Gate]
) -> tuple[GateResult, ...]:
    candidate = Candidate(
        core.version(view, id_), goal, None if incumbent is None else core.version(view, incumbent),
        lambda version: loading.load(core, version),
    )  # fmt: skip
    return judge(candidate, gates)


def _expected(core: Core, view: View, expect: str | ModelVersion | None) -> str | None:
    """Return the reference that is expected to hold the stage, ``NOBODY``, or None when the caller does not mind."""
    if expect is None:
        return None
    if isinstance(expect, str) and expect.casefold() in (NOBODY, "nobody", ""):
        return NOBODY
    try:
        return str(view.versions[core.locate(view, expect, trashed=True)]["ref"])
    except KeyError as error:
        raise InvalidInput(f"expect={expect!r}: {error}") from error


def _check_expected(ref: str, goal: Stage, found: str | None, expected: str | None) -> None:
    if expected is None or (found or NOBODY) == expected:
        return
    wanted = "nobody" if expected == NOBODY else expected
    raise Conflict(
        f"{ref} was not promoted: {wanted} was expected in {goal.value}, and {found or 'nobody'} is there now."
        f" Nothing was changed; look at {found or 'the model'} and decide again."
    )


def _plain(result: GateResult) -> Document:
    return {"gate": result.gate, "passed": result.passed, "summary": result.summary, "figures": dict(result.figures)}


def _told(
    core: Core,
    doc: Document,
    goal: Stage,
    *,
    replaced: str | None,
    because: str | None,
    evidence: tuple[GateResult, ...] = (),
    receipt: Receipt | None = None,
    dry_run: bool = False,
) -> Promotion:
    return Promotion(
        ref=doc["ref"], stage=goal, was=Stage(str(doc.get("was", doc["stage"]))), replaced=replaced,
        reason=because or "", evidence=evidence, dry_run=dry_run, time=moment(timestamp()), user=core.settings.user,
        receipt=receipt,
    )  # fmt: skip
