"""Proposals, found and decided: an approval promotes, a rejection takes the version out of Staging; both say why.

Whoever decides has seen one version, its bytes and whom it would replace. If any of these is another by the time of the
click, nothing is changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from nbregistry.domain import values
from nbregistry.domain.entities import Annotation, GateResult, Promotion
from nbregistry.domain.gates import Candidate, Gate
from nbregistry.domain.lifecycle import Kind
from nbregistry.domain.proposals import AFTER, FROM, TO, Decision, Proposal, Rule, Verdict, check_decider, verdict
from nbregistry.errors import Conflict, NotFound
from nbregistry.registry.handle import Registry


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a decision.

    Attributes
    ----------
    promotion : Promotion or None
        The move that it led to; None as long as others have to decide too.
    note : Annotation
        The decision as it stands with the version.
    """

    proposal: Proposal
    verdict: Verdict
    promotion: Promotion | None
    note: Annotation


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
        goal = TO if outcome is Verdict.APPROVED else AFTER
        facts = registry.promote(proposal.ref, goal, dry_run=True).shown  # checked again under the writer lock
        _check_same(registry, proposal)
        done = registry.promote(proposal.ref, goal, because=reason, expect=facts)
    said = f"{'Approved' if approves else 'Rejected'} for {TO.value}: {reason}"
    return Decided(proposal, outcome, done, registry.annotate(proposal.ref, said, kind=Kind.DECISION))


def four_eyes(registry: Registry) -> Gate:
    """Return a gate for a registry: into Production goes only what somebody else than its user has proposed.

    The rule then holds for every way to promote, not for decisions alone.
    """

    def approved(candidate: Candidate) -> GateResult:
        by, version = registry.settings.user, candidate.version
        if candidate.stage is not TO:
            return GateResult("four eyes", True, f"only {TO.value} takes two people")
        found = next((p for p in proposals(registry, version.name) if p.number == version.number), None)
        if found is None:
            return GateResult("four eyes", False, f"it does not wait in {FROM.value}: propose it there first")
        said = "somebody else has to approve it" if found.by == by else f"approved by {by}"
        return GateResult("four eyes", found.by != by, f"proposed by {found.by}; {said}")

    return approved


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
