"""Every model at a glance, from as few documents as that takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nbregistry import Registry
from nbregistry.registry import surveying
from nbregistry.registry.surveying import Glance
from nbregistry.storage.shelf import Shelf


class Doubled:
    """A model that a pickle can hold."""

    def predict(self, X: Any) -> Any:
        """Double."""
        return [2 * x for x in X]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Models ``a`` with three versions, ``b`` without metrics, ``c`` with one in the trash."""
    found = Registry(tmp_path / "store")
    for auc in (0.7, 0.9, 0.8):
        found.register(Doubled(), "a", metrics={"auc": auc, "loss": 1 - auc})
    found.register(Doubled(), "b")
    found.register(Doubled(), "c", metrics={"rmse": float("nan")})
    return found


def glances(registry: Registry) -> dict[str, Glance]:
    return {found.model.name: found for found in surveying.survey(registry.core)}


def test_the_newest_stands_for_a_model_without_a_holder(registry: Registry) -> None:
    """Nothing in Production and no champion: the newest version tells the metric, and all tell how it went."""
    found = glances(registry)
    assert (3, "auc", 0.8, (0.7, 0.9, 0.8)) == (
        found["a"].head, found["a"].metric, found["a"].value, found["a"].course
    )  # fmt: skip
    assert (1, "", None, ()) == (found["b"].head, found["b"].metric, found["b"].value, found["b"].course)
    assert str(found["c"].value) == "nan"


def test_production_comes_before_the_champion(registry: Registry) -> None:
    """Who is in Production stands for the model, else its champion; a model whose versions are gone has none."""
    registry.alias("a/2", "champion")
    assert 0.9 == glances(registry)["a"].value
    registry.promote("a/1", "Production")
    assert 0.7 == glances(registry)["a"].value
    registry.delete("c/1")
    assert Glance(registry.model("c")) == glances(registry)["c"]
    registry.delete("b")
    assert ["a", "c"] == list(glances(registry))


def test_few_documents_are_looked_at(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a model with many versions only the newest are looked at, and of many models fewer of each."""
    for auc in range(30):
        registry.register(Doubled(), "a", metrics={"auc": auc / 30})
    asked: list[int] = []
    real = Shelf.__getitem__

    def heard(self: Shelf, id_: int) -> Any:
        asked.append(id_)
        return real(self, id_)

    monkeypatch.setattr(Shelf, "__getitem__", heard)
    assert surveying.COURSE == len(glances(registry)["a"].course)
    assert len(asked) < 40
    monkeypatch.setattr(surveying, "BUDGET", 30)
    assert 10 == len(glances(registry)["a"].course)
