"""The document layer: TinyDB's own tables and queries on the view and on the checkpoint file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tinydb import Query, TinyDB, where

from nbregistry.domain.commits import Commit
from nbregistry.errors import Damaged, StoreReadOnly
from nbregistry.storage import shelf
from nbregistry.storage.store import Store
from nbregistry.storage.tiny import TABLES, View
from tests.storage.making import ANA, changes, filled, promotes


@pytest.fixture(params=["live", "thawed", "cold"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Six versions: as objects, from a small checkpoint, from one that stays on disk; the last change always live."""
    if request.param == "cold":
        monkeypatch.setattr(shelf, "SMALL", 0)
    found = filled(tmp_path / "store")
    if request.param != "live":
        found.save()
        found.reopen()
    found.commit(ANA, changes("churn/3", metrics={"auc": 0.99}))
    yield found
    found.close()


def test_queries_of_tinydb_work(store: Store) -> None:
    """``where`` and ``Query``, nested fields, ``any``, ``test``, and their combinations find what they say."""
    versions, version = store.view().tables["versions"], Query()
    assert ["churn/3"] == [doc["ref"] for doc in versions.search(where("metrics")["auc"] > 0.9)]
    assert [1, 2] == [doc["number"] for doc in versions.search((version.number < 3) & (version.name == "churn"))]
    assert [1] == [doc.doc_id for doc in versions.search(version.stage == "Production")]
    assert [] == versions.search(version.aliases.any(["best"]))
    assert 3 == versions.count(version.number.test(lambda n: n % 2 == 0))
    assert versions.contains(version.ref == "churn/6")


def test_reading_verbs_work(store: Store) -> None:
    """``get`` by query, id and ids, ``all``, ``len``, iteration and the document's id are as in stock TinyDB."""
    versions = store.view().tables["versions"]
    assert "churn/2" == versions.get(doc_id=2)["ref"]
    assert ["churn/2", "churn/4"] == [doc["ref"] for doc in versions.get(doc_ids=[2, 4, 99])]
    assert 5 == versions.get(where("number") == 5).doc_id
    assert [None, None] == [versions.get(doc_id=99), versions.get(where("number") == 99)]
    assert list(range(1, 7)) == [doc.doc_id for doc in versions.all()] == [doc.doc_id for doc in versions]
    assert 6 == len(versions)
    with pytest.raises(RuntimeError, match="cond or doc_id"):
        versions.get()


def test_what_is_given_out_is_a_copy(store: Store) -> None:
    """Changing a document that a query returned changes nothing in the view."""
    versions = store.view().tables["versions"]
    versions.get(doc_id=1)["metrics"]["auc"] = 7
    versions.search(where("number") == 1)[0]["stage"] = "x"
    assert (0.001, "Production") == (versions.get(doc_id=1)["metrics"]["auc"], versions.get(doc_id=1)["stage"])


WRITES: dict[str, Callable[[Any], Any]] = {
    "insert": lambda t: t.insert({"a": 1}),
    "insert_multiple": lambda t: t.insert_multiple([{"a": 1}]),
    "update": lambda t: t.update({"a": 1}),
    "update_multiple": lambda t: t.update_multiple([({"a": 1}, where("number") == 1)]),
    "upsert": lambda t: t.upsert({"a": 1}, where("number") == 1),
    "remove": lambda t: t.remove(doc_ids=[1]),
    "remove all": lambda t: t.remove(where("number") > 0),
    "truncate": lambda t: t.truncate(),
}


@pytest.mark.parametrize("verb", WRITES)
def test_writing_verbs_are_refused(store: Store, verb: str) -> None:
    """No verb of a table writes past the journal; the refusal says what to use."""
    view = store.view()
    before = view.state()
    with pytest.raises(StoreReadOnly, match=r"Registry\.register"):
        WRITES[verb](view.tables["versions"])
    assert before == store.view().state()


def test_writing_verbs_of_the_database_are_refused(store: Store) -> None:
    """Neither does the database object: inserting, dropping a table or all of them."""
    db = store.view().db
    before = store.view().state()
    for act in (lambda: db.insert({"a": 1}), db.drop_tables, lambda: db.drop_table("versions")):
        with pytest.raises(StoreReadOnly):
            act()
    assert before == store.view().state()
    assert set(TABLES) == db.tables()


def test_stock_tinydb_opens_the_checkpoint(store: Store, tmp_path: Path) -> None:
    """``TinyDB("registry.json")`` finds the same documents under the same ids, with the same queries."""
    store.save()
    ours = store.view()
    with TinyDB(tmp_path / "store" / "registry.json") as stock:
        for name in TABLES:
            assert ours.tables[name].all() == stock.table(name).all()
        hits = [doc.doc_id for doc in stock.table("versions").search(Query().metrics.auc > 0.004)]
    assert [3, 5, 6] == hits == ours.tables["versions"].matching(Query().metrics.auc > 0.004)


def test_matching_by_some_fields(store: Store) -> None:
    """A search that says which fields it reads finds the same, also after changes and with other fields next time."""
    versions = store.view().tables["versions"]
    assert [3] == versions.matching(lambda doc: doc["metrics"]["auc"] > 0.9, reads={"metrics"})
    store.commit(ANA, changes("churn/2", metrics={"auc": 1.0}, stage="Staging"))
    assert [2, 3] == versions.matching(lambda doc: doc["metrics"]["auc"] > 0.9, reads=("metrics", "absent"))
    assert [1, 2] == versions.matching(lambda doc: doc["stage"] in ("Production", "Staging"), reads=["stage"])
    store.commit(ANA, promotes("churn/5"))
    assert [5] == versions.matching(lambda doc: doc["stage"] == "Production", reads=["stage"])
    many = [f"field{n}" for n in range(20)]
    assert [2] == versions.matching(lambda doc: doc["stage"] == "Staging", reads=["stage", *many])


def test_many_documents_at_once(store: Store) -> None:
    """Few or all of them, they come in the order asked for, changed ones as they are now."""
    versions = store.view().versions
    assert [["churn/3"], [f"churn/{n}" for n in range(1, 7)], []] == [
        [doc["ref"] for doc in versions.many(ids)] for ids in ([3], range(1, 7), [])
    ]
    assert 0.99 == next(iter(versions.many([3])))["metrics"]["auc"]


def test_a_query_that_understates_its_fields_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fields that were not named are not there: such a query errs loudly instead of finding too little."""
    monkeypatch.setattr(shelf, "SMALL", 0)
    store = filled(tmp_path / "store")
    store.save()
    with pytest.raises(KeyError):
        store.view().tables["versions"].matching(lambda doc: doc["stage"] == "Production", reads={"metrics"})
    store.close()


@pytest.mark.parametrize(
    "fields",
    [
        {"put": {"nowhere": {1: {}}}},
        {"put": {"versions": {1: {"name": "x"}}}},
        {"put": {"versions": {1: "text"}}},
        {"put": {"models": {1: {"name": ["x"]}}}},
        {"put": {"versions": {1: {"name": "x", "number": "1", "stage": "None", "aliases": [], "status": "READY"}}}},
        {"put": {"versions": {1: {"name": "x", "number": 1, "stage": "None", "aliases": [[]], "status": "READY"}}}},
        {"removed": {"versions": (99,)}},
        {"removed": {"nowhere": (1,)}},
    ],
)
def test_a_commit_that_does_not_fit_changes_nothing(fields: dict[str, Any]) -> None:
    """A commit around documents that cannot be is refused as a whole, before the first of them is taken in."""
    view = View()
    with pytest.raises(Damaged, match="does not fit"):
        view.apply(Commit("odd", "x", ANA, "2026", seq=0, **fields))
    assert (-1, {name: {} for name in TABLES}) == (view.seq, view.state())


def test_a_checkpoint_changed_in_use_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When something writes into registry.json while documents are read from it, no wrong document is given out."""
    monkeypatch.setattr(shelf, "SMALL", 0)
    filled(tmp_path / "store").close()
    store = filled(tmp_path / "store", 1)
    store.save()
    with TinyDB(tmp_path / "store" / "registry.json") as stock:
        stock.table("models").insert({"name": "mine", "note": "x" * 500})
    with pytest.raises(Damaged, match="open the registry again"):
        store.view().state()
    store.reopen()
    assert 7 == len(store.view().versions)
    store.close()
