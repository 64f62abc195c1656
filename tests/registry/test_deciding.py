"""Proposals found and decided, in the name of whoever decides, on what was shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from nbregistry import Registry
from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.lifecycle import Kind, Stage
from nbregistry.domain.proposals import Proposal, Rule, Verdict
from nbregistry.errors import Conflict, InvalidInput, Refused, StoreReadOnly, StoreUnavailable
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


@pytest.fixture
def bo(churn: Registry) -> Iterator[Registry]:
    """Bo, for whom four eyes are the rule; churn/1 and then churn/2 were put into Production by ana alone."""
    churn.promote("churn/1", "Production", because="first model")
    churn.promote("churn/2", "Production", because="our baseline")
    with Registry(churn.settings.uri, user="bo") as found:
        found.add_gate(four_eyes(found))
        yield found


def test_no_rollback_leads_around_four_eyes(bo: Registry) -> None:
    """What one person put into Production is no more brought back alone than promoted; the audit keeps the refusal."""
    told = bo.rollback("churn", dry_run=True)
    assert (False, "four eyes", "churn/1") == (told.passed, told.evidence[0].gate, told.ref)
    before = bo.core.view().seq
    with pytest.raises(Refused, match="ana put it into Production before with nobody else on record") as refusal:
        bo.rollback("churn", because="alone", key="undo")
    assert "have churn/1 proposed in Staging, for somebody else to approve" in str(refusal.value)
    assert "churn/2" == bo.version("churn/production").ref
    kept = bo.audit()[-1]
    assert (before + 1, "refuse", "churn", "alone", "rollback of Production") == (
        kept.seq, kept.action, kept.target, kept.reason, kept.after["asked"]
    )  # fmt: skip
    assert [("four eyes", False)] == [(gate["gate"], gate["passed"]) for gate in kept.evidence["gates"]]


def test_back_to_what_two_people_approved(churn: Registry, bo: Registry) -> None:
    """What went through the rule comes back at one person's word, again and again, and so does what is proposed."""
    churn.promote("churn/3", "Staging", because="ready")
    bo.promote("churn/3", "Production", because="better")
    churn.promote("churn/1", "Production", because="from a notebook")
    done = bo.rollback("churn", because="odd scores", key="undo")
    assert ("churn/3", "two people were behind churn/3 when it came into Production before") == (
        done.ref, done.evidence[0].summary
    )  # fmt: skip
    assert done.evidence == bo.tenures("churn")[0].evidence
    assert ("churn/3", done.receipt) == ((again := bo.rollback("churn", key="undo")).ref, again.receipt)
    churn.promote("churn/1", "Production", because="from a notebook")
    assert "churn/3" == bo.rollback("churn", because="odd again").ref
    churn.promote("churn/2", "Staging", because="it was better")
    assert "proposed by ana; approved by bo" == bo.rollback("churn").evidence[0].summary
    assert "churn/2" == bo.version("churn/production").ref


def test_back_by_a_notebook_is_no_approval(churn: Registry, bo: Registry) -> None:
    """The last time counts: what one person alone has put back since is not what two people stand behind."""
    churn.promote("churn/3", "Staging", because="ready")
    bo.promote("churn/3", "Production", because="better")
    churn.promote("churn/1", "Production")
    churn.promote("churn/3", "Production")
    churn.promote("churn/2", "Production")
    with pytest.raises(Refused, match="ana put it into Production"):
        bo.rollback("churn")


def test_a_name_is_one_person_however_it_is_spelled(churn: Registry, proposed: Proposal) -> None:
    """Ana, as a sign-on spells her, is the ana whose notebook proposed."""
    with Registry(churn.settings.uri, user="Ana") as sign_on:
        sign_on.add_gate(four_eyes(sign_on))
        with pytest.raises(Refused, match="somebody else has to approve it"):
            sign_on.promote("churn/3", "Production", because="mine")
        with pytest.raises(Refused, match="may not approve"):
            decide(sign_on, proposed, approves=True, because="mine", rule=Rule(own=False))


def test_a_note_that_cannot_be_written(churn: Registry, proposed: Proposal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decision that has moved the version says so, and that its note is missing; one that has not, raises."""

    def full(*_: object, **__: object) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(Registry, "annotate", full)
    with pytest.raises(StoreUnavailable):
        decide(churn, proposed, approves=True, because="I am for it", rule=Rule(quorum=2))
    done = decide(churn, proposed, approves=True, because="better")
    assert (None, "churn/3") == (done.note, done.promotion and done.promotion.ref)
    assert "churn/3 was moved to Production, but the note" in done.notice
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
