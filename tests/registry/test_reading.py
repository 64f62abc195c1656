"""References, search, audit, the past, and TinyDB's own queries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest
from tinydb import Query, TinyDB

from nbregistry import Registry
from nbregistry.errors import InvalidFilter, InvalidInput, NotFound


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ("churn", "churn/3"), ("churn/latest", "churn/3"), ("churn/1", "churn/1"), ("churn/production", "churn/2"),
        ("churn/PRODUCTION", "churn/2"), ("churn@champion", "churn/1"), ("models:/churn/1", "churn/1"),
        ("models:/churn@champion", "churn/1"), ("models:/churn/Production", "churn/2"),
    ],
)  # fmt: skip
def test_references(churn: Registry, ref: str, found: str) -> None:
    """One grammar everywhere."""
    churn.promote("churn/2", "Production")
    churn.alias("churn/1", "champion")
    assert found == churn.version(ref).ref


@pytest.mark.parametrize(
    ("ref", "says"),
    [
        ("chrun/1", "did you mean 'churn'"), ("churn/9", "versions 1 to 3"), ("churn/staging", "versions 1 to 3"),
        ("churn@champ", "no alias 'champ'"), ("nope", "There are churn"),
    ],
)  # fmt: skip
def test_not_found_helps(churn: Registry, ref: str, says: str) -> None:
    """What is not there is a KeyError that names what is."""
    with pytest.raises(KeyError, match=says) as caught:
        churn.version(ref)
    assert isinstance(caught.value, NotFound)
    assert str(caught.value) == caught.value.args[0]


@pytest.mark.parametrize(
    "ref", ["", "churn/", "churn/0", "churn/-1", "churn/x/y", "a b", "churn@", "@x", "../x", "churn/1\n"]
)
def test_not_a_reference(churn: Registry, ref: str) -> None:
    """What is not a reference is bad input, never a path."""
    with pytest.raises(InvalidInput):
        churn.version(ref)


def test_search(churn: Registry) -> None:
    """Filters, order and pages; a bad filter points at its column."""
    churn.promote("churn/2", "Production")
    churn.tag("churn/3", team="risk", cost=3)
    assert ["churn/3"] == [v.ref for v in churn.search("tags.team = 'risk' AND metrics.auc > 0.92")]
    assert ["churn/2"] == [v.ref for v in churn.search("stage = 'production' OR version = 9")]
    assert ["churn/1", "churn/2", "churn/3"] == [v.ref for v in churn.search(order_by="metrics.auc")]
    assert ["churn/3", "churn/2", "churn/1"] == [v.ref for v in churn.search()]
    assert ["churn/3"] == [v.ref for v in churn.search("note LIKE '%try 3%'")]
    with pytest.raises(InvalidFilter, match="did you mean"):
        churn.search("metrik.auc > 1")


def test_pages_survive_inserts(churn: Registry, model: Any) -> None:
    """A page goes on where the last one ended, whatever was registered meanwhile."""
    first = churn.search(order_by="metrics.auc", limit=2)
    churn.register(model, "churn", metrics={"auc": 0.5})
    second = churn.search(order_by="metrics.auc", limit=2, cursor=first.cursor)
    assert ["churn/1", "churn/2", "churn/3"] == [v.ref for v in [*first, *second]]
    assert second.cursor is None


def test_indexes_agree_with_a_scan(churn: Registry) -> None:
    """What an index narrows down is what a scan finds."""
    churn.promote("churn/2", "Production")
    churn.alias("churn/2", "champion")
    for text in ("name = 'churn'", "stage = 'Production'", "alias = 'champion'", "name = 'churn' AND version = 2",
                 "name = 'churn' AND stage = 'Production'"):  # fmt: skip
        assert [v.ref for v in churn.search(f"NOT NOT ({text})")] == [v.ref for v in churn.search(text)], text


def test_captured_files_are_searched(r: Registry, model: Any, iris: tuple[Any, Any]) -> None:
    """Schema columns and package versions are fields."""
    r.register(model, "churn", X=iris[0])
    assert 1 == len(r.search("schema.`petal width (cm)` IS NOT NULL AND packages.scikit-learn >= '1.0'"))
    assert 0 == len(r.search("packages.scikit-learn < '1.0'"))


def test_tinydb_reads_it(churn: Registry) -> None:
    """TinyDB's own queries work on the view, and stock TinyDB opens the checkpoint."""
    query = Query().metrics.auc > 0.915
    assert ["churn/2", "churn/3"] == [doc["ref"] for doc in churn.tables["versions"].search(query)]
    churn.core.store.save()
    stock = TinyDB(churn.core.store.folder / "registry.json")
    assert ["churn/2", "churn/3"] == [doc["ref"] for doc in stock.table("versions").search(query)]
    stock.close()


def test_returned_documents_are_copies(churn: Registry) -> None:
    """Changing what was returned changes nothing."""
    doc = churn.tables["versions"].get(doc_id=1)
    doc["metrics"]["auc"] = 9
    assert 0.91 == pytest.approx(churn.version("churn/1").metrics["auc"])
    with pytest.raises(AttributeError):
        churn.version("churn/1").metrics.update(auc=9)  # type: ignore[attr-defined]  # that it cannot is the point


def test_as_of_takes_what_pandas_has(churn: Registry) -> None:
    """A Timestamp without a zone is local time, as a datetime is; NaT is refused."""
    now = pd.Timestamp(datetime.now()) + pd.Timedelta(minutes=1)
    assert 3 == len(churn.as_of(now).versions("churn"))
    with pytest.raises(InvalidInput, match="NaT"):
        churn.as_of(pd.Timestamp("NaT"))


def test_answers_from_a_damaged_journal_say_so(churn: Registry) -> None:
    """Reading goes on with what is whole, and every answer says that it may be old; so when the end is cut off."""
    path = churn.core.store.journal.path
    churn.close()  # which writes the seal that is due
    whole = path.read_bytes()
    place = whole.index(b"churn/3")
    for broken in (whole[:place] + b"x" + whole[place + 1 :], whole[: place - 200]):
        path.write_bytes(broken)
        with Registry(path.parent) as found:
            for _ in range(2):
                assert "churn/2" == found.version("churn").ref
                assert ["THIS MAY BE OLD"] == [notice[:15] for notice in found.notices()]
            found.as_of("now")
            assert 1 == len(found.notices())
    path.write_bytes(whole)
    with Registry(path.parent) as found:
        assert ("churn/3", ()) == (found.version("churn").ref, found.notices())


def test_as_of(churn: Registry, model: Any) -> None:
    """Every read can be asked as of a time: what was in production then, and what was known."""
    churn.promote("churn/1", "Production", because="first")
    then = datetime.now(UTC)
    churn.promote("churn/2", "Production", because="better")
    churn.tag("churn/1", later=True)
    churn.register(model, "fraud")
    past = churn.as_of(then)
    assert ("churn/1", "churn/2") == (past.version("churn/production").ref, churn.version("churn/production").ref)
    assert ({}, ["churn"]) == (dict(past.version("churn/1").tags), [m.name for m in past.models()])
    assert ["register", "register", "register", "promote"] == [e.action for e in past.audit("churn")]
    assert 1 == len(past.search("stage = 'Production'"))
    assert past.load("churn/production") is not None
    assert [] == list(churn.as_of("2020-01-01").models())
    with pytest.raises(InvalidInput):
        churn.as_of("soon")


def test_audit_answers_who_when_what_why(churn: Registry) -> None:
    """An event has who, when, where, what, before, after, why."""
    churn.promote("churn/1", "Production")
    churn.promote("churn/2", "Production", because="AUC +1 pt")
    event = churn.audit("churn/1")[-1]
    assert ("promote", "churn/2", "ana", "AUC +1 pt") == (event.action, event.target, event.user, event.reason)
    assert {"churn/1": "Production", "churn/2": "None"} == dict(event.before)
    assert {"churn/1": "Archived", "churn/2": "Production"} == dict(event.after)
    assert (event.host, event.time.tzinfo) != ("", None)
    assert len(churn.audit()) == churn.core.view().seq + 1
    assert 1 == len(churn.audit("churn", limit=1))
    assert "AUC +1 pt" in list(churn.audit("churn").to_frame()["reason"])


def test_compare(churn: Registry, iris: tuple[Any, Any]) -> None:
    """Two versions side by side, and what they predict on the same rows."""
    found = churn.compare("churn/1", "churn/3", X=iris[0], y=iris[1])
    sections = {section.name: section for section in found.sections}
    assert {"metrics", "predictions"} <= set(sections)
    with pytest.raises(InvalidInput, match="two to five"):
        churn.compare("churn/1")
