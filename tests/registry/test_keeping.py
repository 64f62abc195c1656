"""Rename, trash, restore, purge; numbers that never come back."""

from __future__ import annotations

from typing import Any

import pytest

from nbregistry import Registry
from nbregistry.domain.lifecycle import Stage
from nbregistry.errors import AlreadyExists, Damaged, InvalidInput, NotFound, Refused


def test_numbers_are_never_reused(churn: Registry, model: Any) -> None:
    """Deleting the newest version, the model, or purging both gives no number back."""
    churn.delete("churn/3")
    assert 4 == churn.register(model, "churn").number
    churn.purge("churn/3", because="test data")
    churn.delete("churn")
    made = churn.register(model, "churn")
    assert 5 == made.number
    assert [5] == [v.number for v in churn.versions("churn")]


def test_recreated_model_is_another(churn: Registry, model: Any) -> None:
    """Tags, description, notes and aliases of a deleted model do not pass to the one made after it."""
    churn.tag("churn", owner="ben")
    churn.annotate("churn", "old")
    churn.alias("churn/3", "champion")
    old = churn.model("churn").uid
    churn.delete("churn")
    churn.register(model, "churn")
    found = churn.model("churn")
    assert old != found.uid
    assert ({}, {}, []) == (dict(found.tags), dict(found.aliases), list(churn.annotations("churn")))


def test_trash_and_restore(churn: Registry) -> None:
    """A deleted version is not found, searched or latest, and comes back as it was."""
    churn.alias("churn/3", "champion")
    before = churn.version("churn/3")
    churn.delete("churn/3", because="wrong data")
    with pytest.raises(NotFound, match="in the trash"):
        churn.version("churn/3")
    assert ("churn/2", 2) == (churn.version("churn").ref, len(churn.search("name = 'churn'")))
    with pytest.raises(NotFound):
        churn.version("churn@champion")
    churn.restore("churn/3")
    after = churn.version("churn/3")
    assert (before.metrics, before.aliases, before.digest) == (after.metrics, after.aliases, after.digest)


def test_restored_version_takes_nothing_back(churn: Registry) -> None:
    """What it held may be another's by now."""
    churn.promote("churn/1", "Staging")
    churn.alias("churn/1", "champion")
    churn.delete("churn/1")
    churn.promote("churn/2", "Staging")
    churn.alias("churn/2", "champion")
    churn.restore("churn/1")
    assert (Stage.ARCHIVED, ()) == (churn.version("churn/1").stage, churn.version("churn/1").aliases)
    assert "churn/2" == churn.version("churn/staging").ref == churn.version("churn@champion").ref


def test_model_trash_and_restore(churn: Registry) -> None:
    """A restored model brings back what was deleted with it, not what was deleted before."""
    churn.delete("churn/1")
    churn.delete("churn")
    with pytest.raises(NotFound, match="in the trash"):
        churn.model("churn")
    churn.restore("churn")
    assert [3, 2] == [v.number for v in churn.versions("churn")]


def test_production_is_not_deleted(churn: Registry) -> None:
    """What is in Production is refused, alone or with its model."""
    churn.promote("churn/2", "Production")
    for target in ("churn/2", "churn"):
        with pytest.raises(Refused, match="in Production"):
            churn.delete(target)
    assert 3 == len(churn.versions("churn"))


def test_purge_leaves_a_tombstone(churn: Registry, iris: tuple[Any, Any]) -> None:
    """Purging needs the trash and a reason; the content goes, number and digest stay."""
    from sklearn.dummy import DummyClassifier

    only = churn.register(DummyClassifier().fit(*iris), "churn")
    with pytest.raises(Refused, match="not in the trash"):
        churn.purge(only.ref, because="x")
    churn.delete(only.ref)
    with pytest.raises(InvalidInput, match="reason"):
        churn.purge(only.ref, because=" ")
    churn.purge(only.ref, because="right to erasure")
    with pytest.raises(NotFound, match="tombstone"):
        churn.version(only.ref)
    with pytest.raises(Damaged):
        churn.core.store.blobs.open(only.digest)
    stone = churn.tables["versions"].get(lambda doc: doc["ref"] == only.ref)
    assert only.digest == stone["digest"]
    with pytest.raises(Refused, match="nothing to restore"):
        churn.restore(only.ref)
    assert churn.verify().ok


def test_purge_keeps_what_others_use(churn: Registry, model: Any) -> None:
    """A blob that another version names survives."""
    churn.delete("churn/3")
    churn.purge("churn/3", because="tidy")
    assert model.classes_.tolist() == churn.load("churn/2").classes_.tolist()


def test_rename_redirects(churn: Registry, model: Any) -> None:
    """The old name leads to the new one, for reading and for the next version."""
    churn.promote("churn/2", "Production")
    churn.rename("churn", "attrition", because="clearer")
    assert ["attrition"] == [m.name for m in churn.models()]
    assert "attrition/2" == churn.version("churn/production").ref == churn.version("attrition/2").ref
    assert "attrition/4" == churn.register(model, "churn").ref
    assert {"register", "promote", "rename"} == {e.action for e in churn.audit("attrition")}
    assert churn.load("churn/2") is not None


def test_rename_there_and_back(churn: Registry) -> None:
    """A name can be taken back; the redirect turns round."""
    churn.rename("churn", "attrition")
    churn.rename("attrition", "churn")
    assert ("churn/3", "churn/3") == (churn.version("churn").ref, churn.version("attrition").ref)
    churn.rename("churn", "Churn")
    assert ["Churn"] == [m.name for m in churn.models()]


def test_rename_refuses_a_taken_name(churn: Registry, model: Any) -> None:
    """Neither a live model nor one in the trash is overwritten."""
    churn.register(model, "fraud")
    for _ in range(2):
        with pytest.raises(AlreadyExists):
            churn.rename("churn", "fraud")
        if churn.search("name = 'fraud'"):
            churn.delete("fraud")


def test_model_deleted_twice_comes_back_with_one_holder(r: Registry, model: Any) -> None:
    """Versions of a model that was deleted, made anew and deleted again share no stage and no alias when restored."""
    for number in (1, 2):
        r.register(model, "churn", stage="Staging", alias="shadow")
        r.delete("churn")
        assert number == len(r.versions("churn", deleted=True))
    r.restore("churn")
    assert [("Staging", ("shadow",)), ("Archived", ())] == [(v.stage, v.aliases) for v in r.versions("churn")]
    assert r.verify().ok


def test_former_names_lead_home(churn: Registry) -> None:
    """A model can take back any name it had, and any name it had takes it out of the trash."""
    churn.rename("churn", "leavers")
    churn.rename("leavers", "exits")
    assert "churn" == churn.rename("exits", "churn").name
    assert ["churn"] * 3 == [churn.model(name).name for name in ("churn", "leavers", "exits")]
    churn.delete("leavers")
    assert "churn" == churn.restore("exits").name
    assert [3, 2, 1] == [v.number for v in churn.versions("leavers")]
    assert churn.verify().ok


def test_purged_once(churn: Registry) -> None:
    """A tombstone is not purged again, under whichever name it is asked for."""
    churn.rename("churn", "leavers")
    churn.delete("leavers/1")
    churn.purge("churn/1", because="asked to")
    for name in ("churn", "leavers"):
        with pytest.raises(Refused, match="leavers/1 was purged before"):
            churn.purge(f"{name}/1", because="again")
        with pytest.raises(Refused, match="nothing to restore"):
            churn.restore(f"{name}/1")
