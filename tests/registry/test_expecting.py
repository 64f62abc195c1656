"""Compare-and-set on all that was shown: what is no longer so is refused, audited, and told with who was quicker."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from nbregistry import GateResult, Registry, Stage
from nbregistry.domain.shown import Shown
from nbregistry.errors import Conflict, InvalidInput, Refused

ROUNDS = 30


@pytest.fixture
def held(churn: Registry) -> Registry:
    """churn/1 is in Production, churn/2 was before it."""
    churn.promote("churn/2", "Production", because="first")
    churn.promote("churn/1", "Production", because="better")
    return churn


def look(registry: Registry, ref: str = "churn/3", stage: str = "Production") -> Shown:
    """Return what a dry run shows."""
    shown = registry.promote(ref, stage, dry_run=True).shown
    assert shown is not None
    return shown


def test_a_dry_run_tells_all_that_there_is_to_see(held: Registry) -> None:
    """Version, model, bytes, from, to, holder: what a box that asks once more shows."""
    version = held.version("churn/3")
    shown = look(held)
    assert Shown("churn/3", version.uid, version.digest, Stage.NONE, Stage.PRODUCTION, "churn/1") == shown
    assert held.core.view().seq == shown.seq
    back = held.rollback("churn", dry_run=True)
    assert ("churn/2", "churn/1", True) == (back.ref, back.replaced, back.dry_run)
    assert back.shown == replace(look(held, "churn/2"), seq=0)


def test_what_is_as_shown_is_done(held: Registry) -> None:
    """Unchanged facts let a promotion and a rollback through, whatever else was written meanwhile."""
    shown = look(held)
    held.annotate("churn/3", "meanwhile")
    held.tag("churn/3", team="risk")
    done = held.promote("churn/3", "Production", expect=shown)
    assert ("churn/3", "churn/1", None) == (done.ref, done.replaced, done.shown)
    back = held.rollback("churn", dry_run=True)
    assert "churn/1" == held.rollback("churn", expect=back.shown).ref


MEANWHILE: dict[str, tuple[Callable[[Registry], object], str, str]] = {
    "another holds the stage": (
        lambda r: r.promote("churn/2", "Production", because="mine"),
        "churn/1 was in Production, and churn/2 is there now", 'promoted churn/2 to Production at .* UTC: "mine"',
    ),
    "the stage is vacant": (
        lambda r: r.promote("churn/1", "Archived"),
        "churn/1 was in Production, and nobody is there now", "promoted churn/1 to Archived at .* without a reason",
    ),
    "the version is elsewhere": (
        lambda r: r.promote("churn/3", "Staging", because="trial"),
        "churn/3 was in None, and is in Staging now", 'promoted churn/3 to Staging at .*: "trial"',
    ),
    "it was promoted already": (
        lambda r: r.promote("churn/3", "Production", because="too"),
        "churn/3 was in None, and is in Production now; churn/1 was in Production, and churn/3 is there now",
        'promoted churn/3 to Production at .*: "too"',
    ),
    "it is in the trash": (
        lambda r: r.delete("churn/3", because="leaked"),
        "churn/3 can no longer be used", 'put churn/3 into the trash at .*: "leaked"',
    ),
    "the model has another name": (
        lambda r: r.rename("churn", "attrition", because="clearer"),
        "churn/3 was shown, and it would be attrition/3 now", 'renamed churn at .*: "clearer"',
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", list(MEANWHILE))
def test_what_is_no_longer_as_shown_is_refused(held: Registry, what: str) -> None:
    """One fact that changed stops a promotion; the refusal says what, who, when and why, and is in the audit."""
    change, fact, who = MEANWHILE[what]
    shown = look(held)
    change(Registry(held.settings.uri, user="eve"))
    before = {v.number: v.stage for v in held.versions("churn", deleted=True)}
    with pytest.raises(Conflict, match=rf"churn/3 was not promoted to Production: {fact}\. eve {who}") as told:
        held.promote("churn/3", "Production", because="AUC", expect=shown)
    assert not isinstance(told.value, Refused)
    assert before == {v.number: v.stage for v in held.versions("churn", deleted=True)}
    refusal = held.audit()[-1]
    assert ("refuse", "churn/3", "AUC") == (refusal.action, refusal.target, refusal.reason)
    assert str(told.value) == refusal.evidence["why"]


def test_a_change_that_was_undone_is_no_change(held: Registry) -> None:
    """Facts are compared, not the time that passed: who left and came back is the one that was shown."""
    shown = look(held)
    held.promote("churn/2", "Production")
    held.promote("churn/1", "Production")
    assert "churn/3" == held.promote("churn/3", "Production", expect=shown).ref


@pytest.mark.parametrize(
    ("field", "fact"),
    [({"uid": "0" * 32}, "the model called 'churn' now is another one than the 'churn' that was shown"),
     ({"digest": "0" * 64}, "the bytes of churn/3 were 000000000000, and are")],
)  # fmt: skip
def test_another_model_or_other_bytes_under_the_name(held: Registry, field: dict[str, Any], fact: str) -> None:
    """A registry that was made anew in the same place may have a churn/3 too: it is not the one that was shown."""
    with pytest.raises(Conflict, match=fact):
        held.promote("churn/3", "Production", expect=replace(look(held), **field))
    assert "churn/1" == held.version("churn/production").ref


def test_an_old_name_that_leads_elsewhere(held: Registry, model: Any) -> None:
    """A reference that means another version by now promotes nothing."""
    held.alias("churn/3", "next")
    shown = held.promote("churn@next", "Production", dry_run=True).shown
    held.alias("churn/2", "next")
    with pytest.raises(Conflict, match="churn/3 was shown, and it would be churn/2 now"):
        held.promote("churn@next", "Production", expect=shown)


def test_shown_for_another_stage(held: Registry) -> None:
    """What was shown for Staging is no leave for Production."""
    with pytest.raises(InvalidInput, match="shown for Staging, and Production is asked for"):
        held.promote("churn/3", "Production", expect=look(held, stage="Staging"))


def test_it_is_checked_under_the_lock(held: Registry) -> None:
    """Who comes between the first check and the commit, while gates look, is noticed too."""
    shown = look(held)
    first = [True]

    def slow(candidate: Any) -> GateResult:
        if first.pop() if first else False:
            Registry(held.settings.uri, user="eve").promote("churn/2", "Production", because="mine")
        return GateResult("slow", True, "took its time")

    held.add_gate(slow)
    with pytest.raises(Conflict, match=r'churn/2 is there now\. eve promoted churn/2 .*: "mine"'):
        held.promote("churn/3", "Production", expect=shown)
    assert "churn/2" == held.version("churn/production").ref


def test_a_rollback_expects_as_well(held: Registry) -> None:
    """Rollback is refused when another holds the stage, or another would come back; the refusal is audited."""
    shown = held.rollback("churn", dry_run=True).shown
    eve = Registry(held.settings.uri, user="eve")
    eve.promote("churn/3", "Production", because="new")
    with pytest.raises(Conflict, match=r"not rolled back: churn/2 was shown, and it would be churn/1 now; churn/1 was"):
        held.rollback("churn", expect=shown, because="errors")
    with pytest.raises(Conflict, match="churn/1 was expected in Production, and churn/3 is there now"):
        held.rollback("churn", expect="churn/1", because="errors")
    assert [("refuse", "errors")] * 2 == [(e.action, e.reason) for e in held.audit("churn")[-2:]]
    assert "churn/1" == held.rollback("churn", expect="churn/3").ref
    shown = held.rollback("churn", dry_run=True).shown
    eve.delete("churn/3")
    eve.delete("churn/2")
    with pytest.raises(Conflict, match="can no longer be used"):
        held.rollback("churn", expect=shown)


def test_a_dry_rollback_changes_nothing(held: Registry) -> None:
    """It tells who would come back, or that nobody can; neither is written down."""
    before = held.core.view().seq
    held.rollback("churn", dry_run=True)
    with pytest.raises(Refused, match="no earlier holder of Staging"):
        held.rollback("churn", "Staging", dry_run=True)
    assert before == held.core.view().seq


def test_a_repeated_rollback_with_a_key(held: Registry) -> None:
    """A retry with the same key is the same rollback."""
    one = held.rollback("churn", key="undo")
    two = held.rollback("churn", key="undo")
    assert ("churn/2", one.receipt) == (two.ref, two.receipt)
    assert "churn/2" == held.version("churn/production").ref


def test_threads_race_for_a_rollback(held: Registry) -> None:
    """Of many who were shown the same, one goes back, and only one step."""
    held.promote("churn/3", "Production")
    shown = held.rollback("churn", dry_run=True).shown
    told: list[str] = []
    gate = threading.Barrier(4)

    def run() -> None:
        mine = Registry(held.settings.uri)
        gate.wait()
        try:
            told.append(mine.rollback("churn", expect=shown).ref)
        except Conflict as error:
            told.append(type(error).__name__)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ["Conflict", "Conflict", "Conflict", "churn/1"] == sorted(told)
    assert "churn/1" == held.version("churn/production").ref


def _racer(uri: str, user: str, place: int, gate: Any, answers: Any) -> None:
    """Race for Production, round after round: both have been shown the same, and both are past the first check."""
    registry = Registry(uri, user=user)
    racing = False

    def start(candidate: Any) -> GateResult:
        if racing:
            gate.wait(60)
        return GateResult("start", True, "at once")

    registry.add_gate(start)
    for round_ in range(ROUNDS):
        holder = registry.version("churn/production").ref
        mine = [ref for ref in ("churn/1", "churn/2", "churn/3") if ref != holder][place]
        shown = registry.promote(mine, "Production", dry_run=True).shown
        racing = True
        try:
            registry.promote(mine, "Production", because=f"{user} in round {round_}", expect=shown)
            answers.put((round_, user, mine, ""))
        except Conflict as error:
            answers.put((round_, user, mine, str(error)))
        racing = False
        gate.wait(60)


def test_two_processes_race(held: Registry) -> None:
    """Thirty times two processes promote from the same facts: one wins, the other is told who, what and why."""
    context = multiprocessing.get_context("spawn")
    gate, answers = context.Barrier(2), context.SimpleQueue()
    racers = [
        context.Process(target=_racer, args=(held.settings.uri, user, place, gate, answers), daemon=True)
        for place, user in enumerate(("ana", "bob"))
    ]
    for racer in racers:
        racer.start()
    told: dict[int, list[tuple[str, str, str]]] = {}
    for _ in range(2 * ROUNDS):
        round_, *rest = answers.get()
        told.setdefault(round_, []).append(tuple(rest))
    for racer in racers:
        racer.join(60)
    for round_, answer in told.items():
        (winner, ref, nothing), (_, mine, said) = sorted(answer, key=lambda one: one[2])
        assert "" == nothing
        assert f"{mine} was not promoted to Production" in said
        assert f"{winner} promoted {ref} to Production at " in said
        assert f'"{winner} in round {round_}"' in said
    assert ROUNDS == len(told)
    actions = [e.action for e in held.audit("churn")]
    assert (2 + ROUNDS, ROUNDS) == (actions.count("promote"), actions.count("refuse"))
