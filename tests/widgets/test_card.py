"""The card of a version as a panel: views of all that is known, actions in place, a picture for later."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ipywidgets as w
import pytest
from ipywidgets.widgets.widget import _instances

from nbregistry import Registry
from nbregistry.display import as_text
from nbregistry.verbs.asking import Ask, Session
from nbregistry.verbs.grammar import Place
from nbregistry.widgets import card, card_panel, parts
from nbregistry.widgets.card import ACTIONS, CardPanel, allowed
from nbregistry.widgets.panel import Panel
from tests.display.hostile import TEXTS, faults, hostile_registry
from tests.display.seen import Seen
from tests.widgets.conftest import click, find, html, read, send, walk

VIEWS = ("Overview", "Metrics", "Signature", "Data", "Environment", "Cells", "Lineage", "Notes", "History")


def look(panel: CardPanel, name: str) -> str:
    """Choose a view as a front end does; return all text that is shown."""
    send(panel.views.names, index=VIEWS.index(name))
    return read(panel)


class Deed(Panel):
    """A panel that stands in for that of a verb."""

    def __init__(self, registry: Registry, about: object) -> None:
        super().__init__(registry, f"about {about}")
        self.button = parts.button("Do it")
        self.body.children = (self.button,)
        self.press(self.button, self.step)

    def step(self) -> None:
        """Change something."""
        self.registry.promote("churn/3", "Production", because="as good as any")
        self.done("done")


@pytest.fixture
def deeds(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Put panels that only note what they are asked for in the place of the verbs'."""
    asked: list[tuple[str, Any]] = []

    def made(action: str, about: Any) -> Panel:
        asked.append((action, about))
        return Deed(registry_of[0], about)

    registry_of: list[Registry] = []

    def panel(action: str) -> Any:
        def call(registry: Registry, about: Any = None, *, ref: Any = None, refs: Any = None) -> Panel:
            registry_of[:] = [registry]
            return made(action, about or ref or refs)

        return call

    for action in ("compare", "promote", "annotate", "serve"):
        room = SimpleNamespace(**{f"{action}_panel": panel(action)})
        monkeypatch.setitem(sys.modules, f"nbregistry.widgets.{action}", room)
    return asked


def test_views(churn: Registry) -> None:
    """Every view tells what it is about, and is read only when it is looked at."""
    churn.annotate("churn/2", "mind the **gap**", kind="warning")
    panel = card_panel(churn, "churn/staging")
    assert "churn/2" in read(panel)
    assert "Staging" in read(panel)
    assert "try 2" in read(panel)
    told = {name: look(panel, name) for name in VIEWS}
    assert "Best" in told["Metrics"]
    assert "sepal length (cm)" in told["Signature"]
    assert "150 rows of 4 columns" in told["Data"]
    assert "scikit-learn" in told["Environment"]
    assert "looks better" in told["Lineage"]
    assert "mind the gap" in told["Notes"]
    assert "promote" in told["History"]
    assert [] == panel.faults


def test_distributions_are_drawn(churn: Registry) -> None:
    """The data view has a small picture for each column and for the target."""
    panel = card_panel(churn, "churn/1")
    look(panel, "Data")
    assert 5 == html(panel).count("<svg")


def test_actions_open_in_place(churn: Registry, deeds: list[tuple[str, Any]]) -> None:
    """Each action opens the panel of its verb about this very version; closing it leaves the card."""
    panel = card_panel(churn, "churn/production")
    for action in ACTIONS:
        click(find(panel, action, w.Button))
        assert "about" in read(panel)
    assert [
        ("compare", ("churn/1",)),
        ("promote", "churn/1"),
        ("annotate", "churn/1"),
        ("serve", ("churn/1",)),
    ] == deeds
    click(find(panel, "Close", w.Button))
    assert "about" not in read(panel)
    assert "Overview" == panel.views.names.value


def test_what_an_action_changed_is_seen(churn: Registry, deeds: list[tuple[str, Any]]) -> None:
    """When the panel inside says that something was done, the card is read again and whoever holds it is told."""
    heard: list[str] = []
    panel = CardPanel(churn, "churn/3", changed=lambda: heard.append("changed"))
    assert "Production" not in Seen(panel.head.value).text
    click(panel.buttons["Promote"])
    click(find(panel, "Do it", w.Button))
    assert "Production" in Seen(panel.head.value).text
    assert ["changed"] == heard
    assert "as good as any" in look(panel, "Lineage")


def test_nothing_to_change_where_nothing_may_be(churn: Registry) -> None:
    """A registry that is read-only, or of the past, offers only what changes nothing; who composes may offer less."""
    past = churn.as_of("2100-01-01")
    assert ("Compare",) == allowed(past)
    assert ["Compare"] == [found.description for found in walk(card_panel(past, "churn/2")) if _action(found)]
    assert ("Promote",) == allowed(churn, {"Promote", "Sing"})
    assert () == allowed(past, {"Promote"})
    assert list(ACTIONS) == [found.description for found in walk(card_panel(churn, "churn/2")) if _action(found)]


def _action(found: w.Widget) -> bool:
    return isinstance(found, w.Button) and found.description in ACTIONS


def test_a_missing_action_says_so(churn: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """An action whose panel cannot be made tells why in the strip, and the card stays."""
    monkeypatch.setitem(sys.modules, "nbregistry.widgets.serve", None)
    panel = card_panel(churn, "churn/2")
    click(panel.buttons["Serve"])
    assert "ModuleNotFoundError" in read(panel)
    assert "try 2" in read(panel)


def test_a_damaged_file_costs_its_view(churn: Registry) -> None:
    """A captured file that is gone is told in the strip when its view is looked at; the other views work."""
    panel = card_panel(churn, "churn/2")
    digest = panel.version.files["profile"]
    for file in Path(churn.core.store.folder, "blobs").rglob(f"*{digest[4:]}*"):
        file.unlink()
    churn.core._details.clear()
    assert 0 == len(panel.faults)
    look(panel, "Data")
    assert 1 == len(panel.faults)
    assert "150 rows" not in read(panel)
    assert "Python" in look(panel, "Environment")


def test_refresh(churn: Registry) -> None:
    """What somebody else changed is seen after a refresh."""
    panel = card_panel(churn, "churn/3")
    assert "@champion" not in look(panel, "History")
    with Registry(churn.settings.uri) as other:
        other.alias("churn/3", "champion")
    click(find(panel, "Refresh", w.Button))
    assert "@champion" in read(panel)
    assert "champion" in Seen(panel.head.value).text


def test_a_long_history_is_announced(churn: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where reading the audit takes its time that is said, and no longer than it takes; it is read once."""
    monkeypatch.setattr(card, "_LONG", 1)
    panel = card_panel(churn, "churn/2")
    said: list[str] = []
    panel.strip.observe(lambda change: said.append(Seen(change["new"]).text), "value")
    look(panel, "History")
    assert "Reading the history" in said[0]
    assert not panel.strip.told
    count = len(said)
    look(panel, "Lineage")
    assert count == len(said)


def test_opened_by_the_verb(churn: Registry) -> None:
    """``%show churn/staging --panel`` is this panel."""
    session = Session(churn.settings.uri)
    found = card.opened(Ask(session, Place.WORD), {"ref": "churn/staging"})
    assert isinstance(found, CardPanel)
    assert "churn/2" == found.version.ref
    session.close()


def test_picture(churn: Registry) -> None:
    """What is left without a kernel is the card."""
    told = as_text.render(card_panel(churn, "churn/2").picture(), 100)
    assert "churn/2" in told
    assert "try 2" in told
    assert "0.92" in told


def test_closing_leaves_nothing(churn: Registry, deeds: list[tuple[str, Any]]) -> None:
    """A card that is discarded leaves no widget behind, whatever was looked at and done in it."""
    before = set(_instances)
    panel = card_panel(churn, "churn/2")
    for action in ("Promote", "Annotate"):
        click(panel.buttons[action])
    click(find(panel, "Close", w.Button))
    for name in VIEWS:
        look(panel, name)
    assert len(set(_instances) - before) > 50
    parts.discard(panel)
    assert set() == set(_instances) - before


def test_hostile_text_is_text(tmp_path: Path) -> None:
    """Hostile text in every field of a version is text in every view, and in the picture."""
    with hostile_registry(tmp_path / "store", TEXTS[:6]) as registry:
        for version in registry.versions("churn")[:3]:
            panel = card_panel(registry, version.ref)
            for name in VIEWS:
                look(panel, name)
                drawn = [part for part in walk(panel) if isinstance(part, w.HTML) and part is not panel.children[0]]
                assert [] == [fault for part in drawn for fault in faults(part.value)]
            assert [] == panel.faults
            assert "text/html" in panel._bundle()
