"""The registry as a panel: models, the versions of one, the card of a version, and the way back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ipywidgets as w
import pytest

from nbregistry import Registry
from nbregistry.display import as_text
from nbregistry.verbs.asking import Ask, Session
from nbregistry.verbs.grammar import Place
from nbregistry.widgets import listing, registry_panel
from nbregistry.widgets.listing import RegistryPanel
from nbregistry.widgets.rows import Rows
from tests.display.hostile import TEXTS, faults, hostile_registry
from tests.widgets.conftest import click, find, read, send, walk


def table(rows: Rows) -> dict[str, list[str]]:
    """Return what the browser is told of the rows: key to the texts of the cells."""
    found = json.loads(rows.table)["rows"]
    return {key: [" ".join(str(part[1]) for part in cell if part[0] in "sn") for cell in cells] for key, cells in found}


@pytest.fixture
def panel(churn: Registry, model: Any) -> RegistryPanel:
    """A panel on churn/1 to churn/3 and a model without metrics."""
    churn.alias("churn/1", "champion")
    churn.register(model, "bare")
    return registry_panel(churn)


def test_models(panel: RegistryPanel) -> None:
    """Each model has its stages, champion, latest, count and the metric of who is in Production."""
    assert ["—", "—", "1", "1", "—", "", ""] == table(panel.models)["bare"][1:]
    assert ["Production 1 Staging 2", "1", "3", "3", "0.91 auc", "", ""] == table(panel.models)["churn"][1:]
    course = next(cells for key, cells in json.loads(panel.models.table)["rows"] if key == "churn")[6]
    assert [["p", [0.0, 0.5, 1.0], False, "3 versions, from 0.91 to 0.93"]] == course


def test_from_model_to_version_and_back(panel: RegistryPanel) -> None:
    """Selecting a model shows its versions, selecting one of them its card, and there is a way back."""
    send(panel.models, selected=["churn"])
    assert "churn" == panel.name
    assert ["churn/3", "churn/2", "churn/1"] == list(table(panel.versions))
    assert ["2", "Staging", "", "0.92", "try 2"] == table(panel.versions)["churn/2"][:5]
    assert "Select a version to see its card." in read(panel)
    send(panel.versions, selected=["churn/2"])
    assert panel.card is not None
    assert "churn/2" == panel.card.version.ref
    assert "Overview" in str(panel.card.views.names.options)
    first = panel.card
    send(panel.versions, selected=["churn/3"])
    assert "churn/3" == panel.card.version.ref
    assert first.comm is None
    click(find(panel, "Models", w.Button))
    assert not panel.name
    assert panel.card is None
    assert not panel.models.selected
    send(panel.models, selected=["bare"])
    assert ["bare/1"] == list(table(panel.versions))
    assert () == panel.versions.selected
    assert [] == panel.faults


def test_tables_stay_in_the_page(panel: RegistryPanel) -> None:
    """Going to a model hides the list and does not take it away, so that its order and its page are kept."""
    assert panel.models in list(walk(panel))
    send(panel.models, selected=["churn"])
    assert panel.models not in list(walk(panel))
    assert panel.models in panel.all.children
    assert panel.all in panel.body.children
    assert panel.versions in list(walk(panel))


def test_opened_at_a_version(panel: RegistryPanel) -> None:
    """Who composes panels can go to a version at once."""
    panel.open_version("churn@champion")
    assert panel.card is not None
    assert ("churn", "churn/1", ("churn/1",)) == (panel.name, panel.card.version.ref, panel.versions.selected)


def test_own_actions_are_seen(panel: RegistryPanel) -> None:
    """What was done in the card is seen in the table above it, and the card stays open."""
    panel.open_version("churn/3")
    card = panel.card
    assert card is not None
    panel.registry.promote("churn/3", "Production", because="best")
    card.follow()
    assert "Production" == table(panel.versions)["churn/3"][1]
    assert "Archived" == table(panel.versions)["churn/1"][1]
    assert card is panel.card
    click(find(panel, "Models", w.Button))
    assert "Production 3 Staging 2" == table(panel.models)["churn"][1]


def test_refresh(panel: RegistryPanel, model: Any) -> None:
    """A refresh shows what others did: in the list, in the versions, and in the card."""
    with Registry(panel.registry.settings.uri) as other:
        other.register(model, "newer")
        other.register(model, "churn")
        other.alias("churn/2", "reserve")
    assert "newer" not in table(panel.models)
    click(find(panel, "Refresh", w.Button))
    assert "newer" in table(panel.models)
    panel.open_version("churn/2")
    with Registry(panel.registry.settings.uri) as other:
        other.alias("churn/2", "another")
    click(find(panel, "Refresh", w.Button))
    assert "another reserve" == table(panel.versions)["churn/2"][2]
    assert panel.card is not None
    assert "another" in panel.card.head.value


def test_a_version_that_is_gone(panel: RegistryPanel) -> None:
    """A version that somebody put into the trash meanwhile says so, and the panel goes on."""
    send(panel.models, selected=["churn"])
    panel.registry.delete("churn/3")
    send(panel.versions, selected=["churn/3"])
    assert "in the trash" in read(panel)
    click(find(panel, "Refresh", w.Button))
    assert ["churn/2", "churn/1"] == list(table(panel.versions))


def test_an_empty_registry(r: Registry) -> None:
    """Nothing registered is said, with how to begin."""
    panel = registry_panel(r)
    assert "%register" in json.loads(panel.models.table)["empty"]


def test_many_versions_are_cut(panel: RegistryPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more versions than anybody looks through the newest are listed, and that is said."""
    monkeypatch.setattr(listing, "MOST_VERSIONS", 2)
    panel.look_at("churn")
    assert ["churn/3", "churn/2"] == list(table(panel.versions))
    assert "The newest 2 of 3 are listed." in read(panel)


def test_picture(panel: RegistryPanel) -> None:
    """What is left without a kernel is the table that was shown, and the card below it."""
    told = as_text.render(panel.picture(), 140)
    assert "churn" in told
    assert "▁▅█" in told
    panel.open_version("churn/2")
    told = as_text.render(panel.picture(), 140)
    assert "try 3" in told
    assert "Captured" in told


def test_opened_by_the_verb(churn: Registry) -> None:
    """``%models --panel`` is this panel, of the registry as it was where that is asked for."""
    session = Session(churn.settings.uri)
    found = listing.opened(Ask(session, Place.WORD), {"as_of": "2100-01-01"})
    assert isinstance(found, RegistryPanel)
    assert found.registry.core.frozen is not None
    session.close()


def test_hostile_text_is_text(tmp_path: Path) -> None:
    """Hostile descriptions, notes and metric names are text in what is drawn, and data in the tables."""
    with hostile_registry(tmp_path / "store", TEXTS[:3]) as registry:
        panel = registry_panel(registry)
        panel.look_at("churn")
        drawn = [part.value for part in walk(panel) if isinstance(part, w.HTML) and part is not panel.children[0]]
        assert [] == [fault for value in drawn for fault in faults(value)]
        assert [] == panel.faults
        panel._bundle()
