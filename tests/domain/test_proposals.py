"""The rule for proposals: what is enough, and who may decide."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nbregistry.domain.proposals import Decision, Proposal, Rule, Verdict, check_decider, verdict
from nbregistry.errors import Refused

PROPOSAL = Proposal("churn", 3, "ab" * 32, "mira", datetime(2026, 11, 1, tzinfo=UTC), "ready", "churn/2")


def decisions(text: str) -> list[Decision]:
    """Read ``ana+ bo-``: who decided, and how."""
    return [Decision(word[:-1], word.endswith("+"), "because") for word in text.split()]


@pytest.mark.parametrize(
    ("text", "quorum", "expected"),
    [
        ("", 1, Verdict.WAITS),
        ("ana+", 1, Verdict.APPROVED),
        ("ana-", 1, Verdict.REJECTED),
        ("ana+", 2, Verdict.WAITS),
        ("ana+ ana+", 2, Verdict.WAITS),
        ("ana+ Ana+", 2, Verdict.WAITS),
        ("ana+ bo+", 2, Verdict.APPROVED),
        ("ana+ bo-", 2, Verdict.REJECTED),
        ("ana- ana+", 1, Verdict.APPROVED),
        ("ana+ ana-", 1, Verdict.REJECTED),
    ],
)
def test_verdict(text: str, quorum: int, expected: Verdict) -> None:
    """So many different people have to approve, one is enough to reject, and the last word of each counts."""
    assert expected is verdict(decisions(text), Rule(quorum))


def test_two_pairs_of_eyes() -> None:
    """Under that rule whoever proposed may not approve, and may always take it back."""
    strict = Rule(own=False)
    with pytest.raises(Refused, match="mira"):
        check_decider(PROPOSAL, "mira", strict, approves=True)
    with pytest.raises(Refused, match="Mira"):
        check_decider(PROPOSAL, "Mira", strict, approves=True)
    check_decider(PROPOSAL, "mira", strict, approves=False)
    check_decider(PROPOSAL, "ana", strict, approves=True)
    check_decider(PROPOSAL, "mira", Rule(), approves=True)
