"""Aliases, tags, descriptions, annotations."""

from __future__ import annotations

import pytest

from nbregistry import Registry
from nbregistry.domain.lifecycle import Kind
from nbregistry.errors import InvalidInput, NotFound, Refused


def test_alias_moves_in_one_commit(churn: Registry) -> None:
    """An alias points at one version; its history is in the audit."""
    churn.alias("churn/1", "champion")
    moved = churn.alias("churn/2", "champion", because="better")
    assert (("champion",), ()) == (moved.aliases, churn.version("churn/1").aliases)
    assert {"champion": 2} == dict(churn.model("churn").aliases)
    last = churn.audit("churn/2")[-1]
    assert ({"@champion": "churn/1"}, {"@champion": "churn/2"}) == (dict(last.before), dict(last.after))
    with pytest.raises(Refused, match="points at churn/2"):
        churn.alias("churn/3", "champion", expect="churn/1")
    churn.unalias("churn", "champion")
    with pytest.raises(NotFound):
        churn.unalias("churn", "champion")


def test_tags_keep_their_type(churn: Registry) -> None:
    """Texts, numbers and truth values are not mixed up; a bare name tags the model."""
    churn.tag("churn/1", team="risk", cost=1.5, n=3, ok=True, none=None)
    assert {"team": "risk", "cost": 1.5, "n": 3, "ok": True, "none": None} == dict(churn.version("churn/1").tags)
    churn.tag("churn", {"my key": "v"})
    assert {"my key": "v"} == dict(churn.model("churn").tags)
    churn.untag("churn/1", "team", "n")
    assert {"cost", "ok", "none"} == set(churn.version("churn/1").tags)
    with pytest.raises(NotFound, match="did you mean 'cost'"):
        churn.untag("churn/1", "costs")


def test_annotations_thread_and_edits(churn: Registry) -> None:
    """Notes have kinds, replies and kept edits."""
    first = churn.annotate("churn/2", "drifts in *March*", kind="warning")
    reply = churn.annotate("churn/2", "retrained", kind="decision", reply_to=first.id)
    churn.amend(first, "drifts in April")
    thread = churn.annotations("churn/2")
    assert [(first.id, Kind.WARNING, None), (reply.id, Kind.DECISION, first.id)] == [
        (a.id, a.kind, a.reply_to) for a in thread
    ]
    assert ("drifts in April", "drifts in *March*") == (thread[0].text, thread[0].edits[0][2])
    assert first.receipt is not None
    with pytest.raises(NotFound):
        churn.annotate("churn/1", "lost", reply_to=first.id)
    with pytest.raises(Refused, match="reply to it"):
        Registry(churn.settings.uri, user="ben").amend(first.id, "never mind")
    with pytest.raises(InvalidInput, match="did you mean 'warning'"):
        churn.annotate("churn/1", "x", kind="warnin")


def test_notes_follow_a_rename(churn: Registry) -> None:
    """Annotations belong to the model, not to its name."""
    churn.annotate("churn/2", "keep me")
    churn.rename("churn", "attrition")
    assert ["keep me"] == [a.text for a in churn.annotations("attrition/2")]


def test_description(churn: Registry) -> None:
    """A bare name describes the model, a reference the version."""
    churn.describe("churn", "# Churn")
    churn.describe("churn/1", "one")
    assert ("# Churn", "one") == (churn.model("churn").description, churn.version("churn/1").description)
