"""Stages: one holder, one commit, compare-and-set, gates, rollback."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from nbregistry import Candidate, GateResult, Registry, Stage
from nbregistry.errors import Conflict, InvalidInput, NotFound, Refused


def test_promotion_displaces_in_one_commit(churn: Registry) -> None:
    """Who holds Production is archived by the very commit that brings the next one in."""
    churn.promote("churn/1", "Production", because="first")
    before = churn.core.view().seq
    done = churn.promote("churn/2", "prod", because="AUC +1 pt")
    assert ("churn/2", Stage.PRODUCTION, Stage.NONE, "churn/1") == (done.ref, done.stage, done.was, done.replaced)
    assert before + 1 == churn.core.view().seq == (done.receipt.seq if done.receipt else None)
    assert [Stage.NONE, Stage.PRODUCTION, Stage.ARCHIVED] == [v.stage for v in churn.versions("churn")]
    assert "churn/2" == churn.version("churn/production").ref


def test_expect_loses_cleanly(churn: Registry) -> None:
    """A promotion that expected another holder changes nothing, and the refusal is in the audit."""
    churn.promote("churn/1", "Production")
    with pytest.raises(Conflict, match="churn/2 was expected in Production, and churn/1 is there"):
        churn.promote("churn/3", "Production", expect="churn/2", because="mine is better")
    with pytest.raises(Conflict, match="nobody was expected"):
        churn.promote("churn/3", "Production", expect="none")
    assert "churn/1" == churn.version("churn/production").ref
    last = churn.audit("churn/3")[-2]
    assert ("refuse", "churn/3", "mine is better") == (last.action, last.target, last.reason)
    assert "promote to Production" == last.after["asked"]
    assert "churn/3" == churn.promote("churn/3", "Production", expect="churn/1").ref


def test_race_has_one_winner(churn: Registry) -> None:
    """Of many who expect the same holder, one wins."""
    churn.promote("churn/1", "Production")
    won: list[str] = []
    lost: list[str] = []
    gate = threading.Barrier(6)

    def run(ref: str) -> None:
        mine = Registry(churn.settings.uri)
        gate.wait()
        try:
            won.append(mine.promote(ref, "Production", expect="churn/1").ref)
        except Conflict:
            lost.append(ref)

    threads = [threading.Thread(target=run, args=(f"churn/{2 + i % 2}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (1, 5) == (len(won), len(lost))
    assert won == [churn.version("churn/production").ref]


def test_dry_run_changes_nothing(churn: Registry) -> None:
    """A dry run shows the evidence and who would be replaced."""
    churn.promote("churn/1", "Production")
    before = churn.core.view().seq
    told = churn.promote("churn/2", "Production", dry_run=True)
    assert (True, "churn/1", None) == (told.dry_run, told.replaced, told.receipt)
    assert ["ready"] == [g.gate for g in told.evidence]
    assert before == churn.core.view().seq


def test_gates_decide_with_evidence(churn: Registry) -> None:
    """A gate sees candidate and incumbent; its refusal stops the promotion and is kept with its figures."""
    seen: list[Candidate] = []

    def better(candidate: Candidate) -> GateResult:
        seen.append(candidate)
        gain = candidate.version.metrics["auc"] - (candidate.incumbent.metrics["auc"] if candidate.incumbent else 0)
        return GateResult("better", gain > 0, f"AUC changes by {gain:+.3f}", {"gain": gain})

    churn.add_gate(better)
    churn.promote("churn/2", "Production")
    with pytest.raises(Refused, match=r"better: AUC changes by -0\.010"):
        churn.promote("churn/1", "Production", because="hope")
    assert seen[-1].incumbent is not None
    assert "churn/2" == seen[-1].incumbent.ref
    refusal = churn.audit("churn/1")[-1]
    assert [True, False] == [g["passed"] for g in refusal.evidence["gates"]]
    kept = churn.audit("churn/2")[-1].evidence["gates"]
    assert {"gate": "better", "passed": True, "summary": "AUC changes by +0.920", "figures": {"gain": 0.92}} == kept[1]


def test_incumbent_changed_while_gates_looked(churn: Registry) -> None:
    """Evidence is about one incumbent: if another came meanwhile, nothing is promoted."""

    def slow(candidate: Candidate) -> GateResult:
        Registry(churn.settings.uri).promote("churn/2", "Production")
        return GateResult("slow", True, "took its time")

    churn.add_gate(slow)
    with pytest.raises(Conflict, match="while the gates looked"):
        churn.promote("churn/3", "Production")
    assert "churn/2" == churn.version("churn/production").ref


def test_rollback_goes_back_step_by_step(churn: Registry) -> None:
    """Rollback returns the previous holder, then the one before; with none left it says so."""
    for number in (1, 2, 3):
        churn.promote(f"churn/{number}", "Production")
    back = churn.rollback("churn", "Production", because="errors at noon")
    assert ("churn/2", "churn/3", "errors at noon") == (back.ref, back.replaced, back.reason)
    assert "churn/1" == churn.rollback("churn").ref
    with pytest.raises(Refused, match="no earlier holder"):
        churn.rollback("churn")
    assert ["rollback", "rollback", "refuse"] == [e.action for e in churn.audit("churn")][-3:]


class Open:
    """A gate that a rollback has to pass too; somebody may come while it looks."""

    always = True

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self.meanwhile = meanwhile
        self.seen: list[tuple[str, bool]] = []

    def __call__(self, candidate: Candidate) -> GateResult:
        """Let pass."""
        self.seen.append((candidate.version.ref, candidate.returns))
        self.meanwhile()
        return GateResult("open", True, "on a weekday")


def test_rollback_asks_gates_that_always_hold(churn: Registry) -> None:
    """Such a gate is asked beforehand and again; what others say of promotions does not stop a rollback."""
    for number in (1, 2, 3):
        churn.promote(f"churn/{number}", "Production")
    gate = Open(lambda: None)
    churn.add_gate(gate)
    churn.add_gate(lambda candidate: GateResult("better", False, "it is not"))
    assert churn.rollback("churn", dry_run=True).passed
    done = churn.rollback("churn")
    assert ("churn/2", ["open"]) == (done.ref, [found.gate for found in done.evidence])
    assert [("churn/2", True)] * 2 == gate.seen
    assert [("open", True)] == [(g["gate"], g["passed"]) for g in churn.audit()[-1].evidence["gates"]]


def test_rollback_overtaken_while_gates_looked(churn: Registry) -> None:
    """What a gate has not seen does not come back."""
    for number in (1, 2, 3):
        churn.promote(f"churn/{number}", "Production")
    other = Registry(churn.settings.uri, user="bo", gates=[Open(lambda: churn.rollback("churn"))])
    with other, pytest.raises(Conflict, match="while the gates looked"):
        other.rollback("churn")
    assert "churn/2" == churn.version("churn/production").ref


def test_rollback_after_withdrawal(churn: Registry) -> None:
    """A holder that was archived by hand can be put back."""
    churn.promote("churn/1", "Production")
    churn.promote("churn/1", "Archived", because="broken upstream")
    with pytest.raises(NotFound):
        churn.version("churn/production")
    assert "churn/1" == churn.rollback("churn").ref


def test_rollback_passes_over_the_trash(churn: Registry) -> None:
    """A deleted version is not put back."""
    for number in (1, 2, 3):
        churn.promote(f"churn/{number}", "Production")
    churn.delete("churn/2")
    assert "churn/1" == churn.rollback("churn").ref


def test_only_single_holder_stages_roll_back(churn: Registry) -> None:
    """Archived has many holders, so there is nobody to put back."""
    with pytest.raises(InvalidInput, match="many holders"):
        churn.rollback("churn", "Archived")


def test_promoting_the_holder_is_no_change(churn: Registry) -> None:
    """Promoting who is there already commits nothing."""
    churn.promote("churn/1", "Production")
    before = churn.core.view().seq
    again = churn.promote("churn/1", "Production")
    assert (None, False) == (again.receipt, again.dry_run)
    assert before == churn.core.view().seq


def test_repeated_promotion_with_a_key(churn: Registry) -> None:
    """A retry with the same key is the same promotion."""
    one = churn.promote("churn/1", "Production", key="deploy-1")
    churn.promote("churn/2", "Production")
    two = churn.promote("churn/1", "Production", key="deploy-1")
    assert one.receipt == two.receipt
    assert "churn/2" == churn.version("churn/production").ref


@pytest.mark.parametrize("stage", ["production", "PRODUCTION", "prod", Stage.PRODUCTION])
def test_stage_spellings(churn: Registry, stage: Any) -> None:
    """Stages are read in any case."""
    assert Stage.PRODUCTION is churn.promote("churn/1", stage).stage


def test_rollback_remembers_the_stage_it_emptied(churn: Registry) -> None:
    """Who goes from Staging back to Production can be put back in Staging afterwards."""
    for ref in ("churn/1", "churn/2"):
        churn.promote(ref, "Production")
    churn.promote("churn/1", "Staging")
    assert "churn/1" == churn.rollback("churn").ref
    assert "churn/1" == churn.rollback("churn", "Staging").ref
