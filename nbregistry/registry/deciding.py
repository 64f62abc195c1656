"""Proposals, found and decided: an approval promotes, a rejection takes the version out of Staging; both say why.

Whoever decides has seen one version, its bytes and whom it would replace. If any of these is another by the time of the
click, nothing is changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from nbregistry.domain import values
from nbregistry.domain.entities import Annotation, GateResult, ModelVersion, Promotion
from nbregistry.domain.gates import Candidate, Gate
from nbregistry.domain.lifecycle import Kind
from nbregistry.domain.proposals import (
    AFTER,
    FROM,
    TO,
    Decision,
    Proposal,
    Rule,
    Verdict,
    check_decider,
    same_person,
    verdict,
)
from nbregistry.domain.shown import Shown
from nbregistry.errors import Conflict, NotFound, RegistryError
from nbregistry.registry.handle import Registry

_NAME = "four eyes"


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a decision.

    Attributes
    ----------
    promotion : Promotion or None
        The move that it led to; None as long as others have to decide too.
    note : Annotation or None
        The decision as it stands with the version.
    notice : str
        What went wrong after the move, which stands all the same: the note could not be written.
    """

    proposal: Proposal
    verdict: Verdict
    promotion: Promotion | None
    note: Annotation | None
    notice: str = ""


def proposals(registry: Registry, name: str | None = None) -> list[Proposal]:
    """Return what waits for a decision, the longest waiting first."""
    found = []
    for tenure in registry.tenures(name, FROM).current:
        held = registry.model(tenure.name).stages.get(TO.value)
        holder = f"{tenure.name}/{held}" if held is not None else None
        found.append(
            Proposal(tenure.name, tenure.number, tenure.digest, tenure.decided_by, tenure.since, tenure.because, holder)
        )
    return sorted(found, key=lambda proposal: proposal.since)


def decide(
    registry: Registry, proposal: Proposal, *, approves: bool, because: str, rule: Rule | None = None
) -> Decided:
    """Approve or reject what was shown, as the user of the registry.

    Parameters
    ----------
    proposal : Proposal
        As ``proposals`` gave it: what the one who decides has seen.
    because : str
        Why; it stands in the audit and in the thread of the version.

    Raises
    ------
    nbregistry.errors.InvalidInput
        No reason.
    nbregistry.errors.Conflict
        It is no longer what was shown; nothing was changed.
    nbregistry.errors.Refused
        A rule or a gate says no.
    """
    rule = rule or Rule()
    reason = values.text(because, "The reason", required=True)
    registry.core.writable("decide")
    by = registry.settings.user
    try:
        _check_same(registry, proposal)
        check_decider(proposal, by, rule, approves=approves)
    except Conflict as error:
        registry.core.refused("approve" if approves else "reject", proposal.ref, error, {}, reason)
        raise
    mine = Decision(by, approves, reason or "", datetime.now(UTC))
    outcome = verdict((*proposal.decisions, mine), rule)
    done: Promotion | None = None
    if outcome is not Verdict.WAITS:
        facts = foresee(registry, proposal, approves=outcome is Verdict.APPROVED)  # checked again under the writer lock
        done = registry.promote(proposal.ref, facts.stage, because=reason, expect=facts)
    said = f"{'Approved' if approves else 'Rejected'} for {TO.value}: {reason}"
    try:
        return Decided(proposal, outcome, done, registry.annotate(proposal.ref, said, kind=Kind.DECISION))
    except RegistryError as error:
        if done is None:
            raise
        notice = f"{done.ref} was moved to {done.stage.value}, but the note that says so could not be written: {error}"
        return Decided(proposal, outcome, done, None, notice)


def foresee(registry: Registry, proposal: Proposal, *, approves: bool) -> Shown:
    """Return which move a decision would lead to.

    Raises
    ------
    nbregistry.errors.Conflict
        It is no longer what was shown.
    """
    _check_same(registry, proposal)
    facts = registry.promote(proposal.ref, TO if approves else AFTER, dry_run=True).shown
    _check_same(registry, proposal)
    if facts is None:
        raise Conflict(f"{proposal.ref} is in no state to be moved. Nothing was changed; look at it again.")
    return facts


@dataclass(frozen=True, slots=True)
class FourEyes:
    """A gate: two different people stand behind whatever comes into Production through a registry.

    A promotion passes if somebody else than the registry's user has put the version into Staging, where it waits. A
    rollback brings back a version that two people may have approved before: it passes if the version went through this
    gate when it was last put into Production. One that came there otherwise (by one person alone, or before this rule)
    is to be proposed in Staging like any other, and may be rolled back to or promoted by somebody else from there.
    """

    registry: Registry
    always: ClassVar[bool] = True

    def __call__(self, candidate: Candidate) -> GateResult:
        """Judge by who proposed the version, and by how it was put into Production before."""
        by, version = self.registry.settings.user, candidate.version
        if candidate.stage is not TO:
            return GateResult(_NAME, True, f"only {TO.value} takes two people")
        found = next((p for p in proposals(self.registry, version.name) if p.number == version.number), None)
        if found is not None and not same_person(found.by, by):
            return GateResult(_NAME, True, f"proposed by {found.by}; approved by {by}")
        if candidate.returns:
            return self._returns(version)
        if found is None:
            return GateResult(_NAME, False, f"it does not wait in {FROM.value}: propose it there first")
        return GateResult(_NAME, False, f"proposed by {found.by}; somebody else has to approve it")

    def _returns(self, version: ModelVersion) -> GateResult:
        last = next((t for t in self.registry.tenures(version.name, TO) if t.number == version.number), None)
        if last is not None and any(gate.gate == _NAME and gate.passed for gate in last.evidence):
            return GateResult(_NAME, True, f"two people were behind {version.ref} when it came into {TO.value} before")
        by = last.decided_by if last is not None else "somebody"
        return GateResult(
            _NAME, False,
            f"{by} put it into {TO.value} before with nobody else on record, and a rollback brings back only what two"
            f" people stand behind; have {version.ref} proposed in {FROM.value}, for somebody else to approve",
        )  # fmt: skip


def four_eyes(registry: Registry) -> Gate:
    """Return ``FourEyes`` for a registry; it holds for promotions and rollbacks through it, not for decisions alone."""
    return FourEyes(registry)


def _check_same(registry: Registry, shown: Proposal) -> None:
    """Refuse to decide about something other than what was shown."""
    try:
        now = next(iter(p for p in proposals(registry, shown.name) if p.number == shown.number), None)
    except NotFound:
        now = None
    if now is None:
        raise Conflict(
            f"{shown.ref} no longer waits in {FROM.value}: somebody has decided or moved it. Nothing was changed; look"
            f" at {shown.name} again."
        )
    if (now.digest, now.since) != (shown.digest, shown.since):
        raise Conflict(f"{shown.ref} is not what was shown any more. Nothing was changed; look at it again.")
    if now.holder != shown.holder:
        raise Conflict(
            f"{shown.holder or 'nobody'} was in {TO.value} when you looked, and {now.holder or 'nobody'} is there now."
            " Nothing was changed; look again and decide."
        )
