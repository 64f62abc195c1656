"""Proposals found and decided, in the name of whoever decides, on what was shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nbregistry import Registry
from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.lifecycle import Kind, Stage
from nbregistry.domain.proposals import Proposal, Rule, Verdict
from nbregistry.errors import Conflict, InvalidInput, Refused, StoreReadOnly
from nbregistry.registry.deciding import decide, four_eyes, proposals


@pytest.fixture
def proposed(churn: Registry) -> Proposal:
    """churn/3 waits, to replace churn/2."""
    churn.promote("churn/2", "Production", because="our baseline")
    churn.promote("churn/3", "Staging", because="ready")
    return proposals(churn)[0]


def test_what_waits(churn: Registry, proposed: Proposal) -> None:
    """What is in Staging waits, told with who put it there, why, and whom it would replace."""
    assert ("churn/3", "ana", "ready", "churn/2") == (proposed.ref, proposed.by, proposed.because, proposed.holder)
    assert churn.version("churn/3").digest == proposed.digest
    assert [] == proposals(churn, "churn")[1:]


def test_approve(churn: Registry, proposed: Proposal) -> None:
    """An approval promotes with its reason, and leaves a decision with the version, both in one person's name."""
    bo = Registry(churn.settings.uri, user="bo")
    done = decide(bo, proposed, approves=True, because="better on the holdout")
    assert (Verdict.APPROVED, "churn/2") == (done.verdict, done.promotion and done.promotion.replaced)
    assert Stage.PRODUCTION is churn.version("churn/3").stage
    promoted, noted = churn.audit("churn")[-2:]
    assert [("promote", "bo"), ("annotate", "bo")] == [(e.action, e.user) for e in (promoted, noted)]
    assert "better on the holdout" == promoted.reason
    note = churn.annotations("churn/3")[-1]
    assert (Kind.DECISION, "Approved for Production: better on the holdout") == (note.kind, note.text)
    assert [] == proposals(churn)
    bo.close()


def test_reject(churn: Registry, proposed: Proposal) -> None:
    """A rejection takes it out of Staging, says why, and leaves Production as it was."""
    done = decide(churn, proposed, approves=False, because="too slow")
    assert Verdict.REJECTED is done.verdict
    assert [Stage.ARCHIVED, Stage.PRODUCTION] == [churn.version(f"churn/{n}").stage for n in (3, 2)]
    assert "Rejected for Production: too slow" == churn.annotations("churn/3")[-1].text
    assert [] == proposals(churn)


STALE: dict[str, Callable[[Registry], object]] = {
    "another in production": lambda r: r.promote("churn/1", "Production", because="x"),
    "moved away": lambda r: r.promote("churn/3", "None", because="x"),
    "decided": lambda r: r.promote("churn/3", "Production", because="x"),
    "proposed anew": lambda r: (r.promote("churn/3", "None"), r.promote("churn/3", "Staging", because="again")),
    "trashed": lambda r: (r.promote("churn/3", "None"), r.delete("churn/3", because="x")),
}


@pytest.mark.parametrize("approves", [True, False])
@pytest.mark.parametrize("meanwhile", STALE.values(), ids=STALE)
def test_what_was_shown_is_what_is_decided(
    churn: Registry, proposed: Proposal, meanwhile: Callable[[Registry], object], approves: bool
) -> None:
    """If it is no longer what was shown, nothing is changed, whichever the decision was."""
    meanwhile(churn)
    before = [(v.ref, v.stage) for v in churn.versions("churn", deleted=True)]
    with pytest.raises(Conflict):
        decide(churn, proposed, approves=approves, because="as I saw it")
    assert before == [(v.ref, v.stage) for v in churn.versions("churn", deleted=True)]


def test_refusals(churn: Registry, proposed: Proposal) -> None:
    """Without a reason, read-only, or for one's own version where that is not allowed, nothing is decided."""
    with pytest.raises(InvalidInput):
        decide(churn, proposed, approves=True, because=" ")
    with pytest.raises(StoreReadOnly), Registry(churn.settings.uri, read_only=True) as reader:
        decide(reader, proposed, approves=True, because="x")
    with pytest.raises(Refused):
        decide(churn, proposed, approves=True, because="mine", rule=Rule(own=False))
    assert [proposed] == proposals(churn)
    refusal = churn.audit()[-1]
    assert ("refuse", "churn/3", "mine", "approve") == (
        refusal.action, refusal.target, refusal.reason, refusal.after["asked"]
    )  # fmt: skip


def test_four_eyes_hold_for_every_way(churn: Registry, proposed: Proposal) -> None:
    """Where two people are needed, neither a promotion nor a decision of one's own leads around it."""
    churn.add_gate(four_eyes(churn))
    with pytest.raises(Refused, match="proposed by ana; somebody else has to approve it"):
        churn.promote("churn/3", "Production", because="mine")
    with pytest.raises(Refused, match="it does not wait in Staging: propose it there first"):
        churn.promote("churn/1", "Production", because="straight")
    assert churn.promote("churn/1", "Archived", because="old").passed
    with Registry(churn.settings.uri, user="bo") as bo:
        bo.add_gate(four_eyes(bo))
        done = decide(bo, proposals(bo)[0], approves=True, because="better", rule=Rule(own=False))
    assert done.promotion is not None
    assert "proposed by ana; approved by bo" == done.promotion.evidence[-1].summary
    assert "churn/3" == churn.version("churn/production").ref


def test_others_have_to_decide_too(churn: Registry, proposed: Proposal) -> None:
    """Under a rule of two, one approval is noted and moves nothing."""
    done = decide(churn, proposed, approves=True, because="I am for it", rule=Rule(quorum=2))
    assert (Verdict.WAITS, None) == (done.verdict, done.promotion)
    assert Stage.STAGING is churn.version("churn/3").stage


def test_nothing_waits(r: Registry, model: object) -> None:
    """A registry without models, and one without proposals, have none."""
    assert [] == proposals(r)
    found: ModelVersion = r.register(model, "churn")
    assert ([], Stage.NONE) == (proposals(r), found.stage)
