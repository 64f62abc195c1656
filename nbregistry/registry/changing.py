"""Stages: promotion with its gates and its compare-and-set, and rollback."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from nbregistry.domain.commits import Receipt, moment, timestamp
from nbregistry.domain.entities import GateResult, Promotion
from nbregistry.domain.gates import Candidate, Gate, always, judge
from nbregistry.domain.lifecycle import Stage
from nbregistry.domain.refs import Ref, model_name
from nbregistry.domain.shown import Shown
from nbregistry.errors import Conflict, InvalidInput, Refused
from nbregistry.registry import loading
from nbregistry.registry.core import Change, Core, Target
from nbregistry.registry.expecting import Expect, Outdated, audited, check, expectation, facts, holder
from nbregistry.storage.index import READY
from nbregistry.storage.tiny import View
from nbregistry.types import Document

_REMEMBERED = 50


def promote(
    core: Core,
    target: Target,
    stage: str | Stage,
    *,
    because: str | None,
    expect: Expect | None,
    dry_run: bool,
    gates: Sequence[Gate],
    key: str | None,
) -> Promotion:
    """Move a version into a stage; see ``Registry.promote``."""
    goal, view = Stage.parse(stage), core.view()
    expected = expectation(core, view, expect, goal)
    ref = expected.ref if isinstance(expected, Shown) else view.versions[core.locate(view, target)]["ref"]
    asked, what, evidence = f"promote to {goal.value}", f"{ref} was not promoted to {goal.value}", list[GateResult]()
    with audited(core, asked, ref, what=what, expected=expected, because=because, quiet=dry_run) as kept:
        id_ = core.locate(view, target)
        doc, found = view.versions[id_], facts(view, id_, goal)
        if not dry_run:
            check(expected, view, id_, goal, what=what)
        evidence += _ask(core, view, id_, goal, gates=gates)
        kept["gates"] = [_plain(g) for g in evidence]
        told = partial(
            _told, core, doc, goal, replaced=found.holder if found.holder != found.ref else None, because=because,
            evidence=tuple(evidence),
        )  # fmt: skip
        if dry_run:
            return told(shown=found)
        _let_pass(evidence, what)
        if found.holder == found.ref:
            return told()

        def build(now: View, time: str) -> Change:
            check(expected, now, id_, goal, what=what)
            if (held := facts(now, id_, goal).holder) != found.holder:
                raise Conflict(
                    f"{goal.value} went from {found.holder or 'nobody'} to {held or 'nobody'} while the gates looked."
                    " Nothing was changed; look at it and repeat."
                )
            core.locate(now, Ref(now.versions[id_]["name"], now.versions[id_]["number"]))  # not in the trash meanwhile
            return _moved(now, id_, goal, time, evidence=evidence)

        return told(receipt=core.change("promote", build, reason=because, key=key).receipt)


def rollback(
    core: Core,
    name: str,
    stage: str | Stage,
    *,
    because: str | None,
    expect: Expect | None,
    dry_run: bool,
    gates: Sequence[Gate],
    key: str | None,
) -> Promotion:
    """Put back who held the stage before; see ``Registry.rollback``."""
    goal = Stage.parse(stage)
    if not goal.single_holder:
        raise InvalidInput(f"{goal.value} can have many holders, so there is no one to put back; use promote.")
    view = core.view()
    expected, what = expectation(core, view, expect, goal), f"{goal.value} of {name} was not rolled back"
    seen: dict[str, tuple[Document, Shown]] = {}
    asking, judged, evidence = always(gates), list[Shown](), list[GateResult]()

    def look(view: View) -> int:
        model = core.model(view, model_name(name))[1]
        id_ = _earlier(view, model, goal)
        if id_ is None:
            if isinstance(expected, Shown):
                raise Outdated(expected, None)
            raise Refused(f"{model['name']!r} has no earlier holder of {goal.value} that can be used; promote one.")
        check(None if dry_run else expected, view, id_, goal, what=what)
        seen["back"] = view.versions[id_], facts(view, id_, goal)
        return id_

    def build(view: View, time: str) -> Change:
        id_ = look(view)
        if asking and judged != [seen["back"][1]]:
            raise Conflict(f"{what}: somebody moved a version while the gates looked. Nothing was changed; look again.")
        return _moved_back(view, id_, goal, time, evidence=evidence)

    asked = f"rollback of {goal.value}"
    with audited(core, asked, name, what=what, expected=expected, because=because, quiet=dry_run) as kept:
        if dry_run or (asking and (key is None or key not in view.index.key)):  # a repeat has passed before
            evidence += _ask(core, view, look(view), goal, gates=asking, returns=True)
            judged.append(seen["back"][1])
            kept["gates"] = [_plain(g) for g in evidence]
        _let_pass(() if dry_run else evidence, what)
        done = None if dry_run else core.change("rollback", build, reason=because, key=key)
    if done is not None and done.repeated:
        return _told(core, core.view().versions[core.locate(core.view(), done.target)], goal, replaced=None,
                     because=because, receipt=done.receipt)  # fmt: skip
    back, found = seen["back"]
    return _told(core, back, goal, replaced=found.holder, because=because, evidence=tuple(evidence),
                 receipt=done.receipt if done else None, shown=found if dry_run else None)  # fmt: skip


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
    incumbent = holder(view, doc["name"], goal)
    put = {id_: {**doc, "stage": goal.value, "updated_at": time}}
    before, after = {doc["ref"]: doc["stage"]}, {doc["ref"]: goal.value}
    model_id = view.index.model[doc["name"].casefold()]
    model = {**view.models[model_id], "updated_at": time}
    held = dict(model.get("held", {}))
    if incumbent is not None and incumbent != id_:
        old = view.versions[incumbent]
        put[incumbent] = {**old, "stage": Stage.ARCHIVED.value, "updated_at": time}
        before[old["ref"]], after[old["ref"]] = old["stage"], Stage.ARCHIVED.value
        held[goal.value] = _first(old["number"], held.get(goal.value, ()))
    left = Stage(doc["stage"])
    if left.single_holder and left is not goal:
        held[left.value] = _first(doc["number"], held.get(left.value, ()))
    model["held"] = held
    shown = {"gates": [_plain(g) for g in evidence]} if evidence else {}
    return Change(doc["ref"], {"versions": put, "models": {model_id: model}}, before, after, shown)


def _moved_back(view: View, id_: int, goal: Stage, time: str, *, evidence: Sequence[GateResult]) -> Change:
    """As ``_moved``; who goes is not remembered as a holder to put back, so the next rollback goes one further."""
    change, doc = _moved(view, id_, goal, time, evidence=evidence), view.versions[id_]
    model_id = view.index.model[doc["name"].casefold()]
    kept = [n for n in view.models[model_id].get("held", {}).get(goal.value, ()) if n != doc["number"]]
    changed = change.put["models"][model_id]
    changed["held"] = {**changed["held"], goal.value: kept}
    return change


def moved(view: View, id_: int, goal: Stage, time: str) -> Change:
    """As a promotion does, without its gates: for verbs that have decided already."""
    return _moved(view, id_, goal, time, evidence=())


def _first(number: int, numbers: Sequence[int]) -> list[int]:
    return [number, *(n for n in numbers if n != number)][:_REMEMBERED]


def _ask(
    core: Core, view: View, id_: int, goal: Stage, *, gates: Sequence[Gate], returns: bool = False
) -> tuple[GateResult, ...]:
    incumbent = holder(view, view.versions[id_]["name"], goal)
    candidate = Candidate(
        core.version(view, id_), goal, None if incumbent is None else core.version(view, incumbent),
        lambda version: loading.load(core, version), returns,
    )  # fmt: skip
    return judge(candidate, gates)


def _let_pass(evidence: Sequence[GateResult], what: str) -> None:
    if failed := [g for g in evidence if not g.passed]:
        said = "; ".join(f"{g.gate}: {g.summary}" for g in failed)
        raise Refused(f"{what}: {said}. Nothing was changed.")


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
    shown: Shown | None = None,
) -> Promotion:
    return Promotion(
        ref=doc["ref"], stage=goal, was=Stage(doc["stage"]), replaced=replaced, reason=because or "",
        evidence=evidence, dry_run=shown is not None, time=moment(timestamp()), user=core.settings.user,
        receipt=receipt, shown=shown,
    )  # fmt: skip
