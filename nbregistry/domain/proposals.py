"""Proposals: a version that waits in Staging for a decision about Production, and whether what was decided is enough.

The rule stands here once. Today one approval is enough; a rule that asks for several needs no more than a larger
``quorum`` and decisions that are kept, since ``verdict`` already counts them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from nbregistry.domain.lifecycle import Stage
from nbregistry.errors import Refused
from nbregistry.types import Digest

FROM, TO, AFTER = Stage.STAGING, Stage.PRODUCTION, Stage.ARCHIVED
"""Where a proposed version waits, where it wants to go, and where a rejected one goes."""


class Verdict(StrEnum):
    """What the decisions on a proposal amount to."""

    WAITS = "waits"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Rule:
    """When a proposal is decided.

    Attributes
    ----------
    quorum : int
        Different people who have to approve; one rejection is enough.
    own : bool
        Whether who proposed a version may approve it too.
    """

    quorum: int = 1
    own: bool = True


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person decided."""

    by: str
    approves: bool
    because: str
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A version that waits for a decision.

    Attributes
    ----------
    digest : str
        SHA-256 of its stored bytes.
    by, since, because : str, datetime, str
        Who put it into Staging, when and why.
    holder : str or None
        Reference of the version that it would replace.
    """

    name: str
    number: int
    digest: Digest
    by: str
    since: datetime
    because: str
    holder: str | None
    decisions: tuple[Decision, ...] = field(default=())

    @property
    def ref(self) -> str:
        """The reference that names exactly this version."""
        return f"{self.name}/{self.number}"


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's: ``Ana`` of the sign-on is the ``ana`` of the notebook."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def verdict(decisions: Sequence[Decision], rule: Rule) -> Verdict:
    """Return what decisions amount to; who decides twice is counted once, by the later decision."""
    last = {_folded(decision.by): decision.approves for decision in decisions}
    if not all(last.values()):
        return Verdict.REJECTED
    return Verdict.APPROVED if len(last) >= rule.quorum else Verdict.WAITS


def check_decider(proposal: Proposal, by: str, rule: Rule, *, approves: bool) -> None:
    """Refuse who may not decide; to reject what one has proposed oneself is always allowed.

    Raises
    ------
    Refused
        Who proposed may not approve as well.
    """
    if approves and not rule.own and same_person(by, proposal.by):
        raise Refused(
            f"{proposal.ref} was put into {FROM.value} by {by}, and whoever proposes a version may not approve it here."
            " Ask somebody else to decide; nothing was changed."
        )
