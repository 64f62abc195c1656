"""What every panel has: guarded callbacks, a strip, and a picture for the time after its kernel."""

from __future__ import annotations

import sys
from typing import Any

import ipywidgets as w
import pytest

import nbregistry.widgets
from nbregistry import Registry
from nbregistry.display.blocks import Facts, Span, View
from nbregistry.errors import MissingDependency, Refused
from nbregistry.widgets import parts
from nbregistry.widgets.panel import Panel
from tests.display.corpus import EVERYTHING
from tests.display.seen import Seen
from tests.widgets.conftest import click, find, html, read, send


class Counter(Panel):
    """A panel that counts, or fails as it is told."""

    def __init__(self, registry: Registry, fails: Exception | None = None) -> None:
        super().__init__(registry, "Counter")
        self.count, self.fails = 0, fails
        self.button = parts.button("Count")
        self.name = parts.text("Name")
        self.body.children = (self.button, self.name)
        self.press(self.button, self.step)
        self.watch(self.name, self.step)

    def step(self) -> None:
        """Count one, or fail."""
        if self.fails is not None:
            raise self.fails
        self.count += 1
        self.done(f"counted {self.count}")

    def picture(self) -> View:
        """Return the count."""
        return View((*super().picture().blocks, Facts((("count", (Span(str(self.count)),)),))))


def test_buttons_and_controls_do_something(r: Registry) -> None:
    """A click and a change from the front end reach the panel, which tells what was done."""
    panel = Counter(r)
    click(find(panel, "Count"))
    send(find(panel, "Name"), value="x")
    assert 2 == panel.count
    assert "counted 2" in read(panel)


def test_an_error_meant_for_the_user_is_told(r: Registry) -> None:
    """What the registry refuses stands in the strip in its own words, and the button can be pressed again."""
    panel = Counter(r, Refused("churn/3 was not promoted: nothing was changed."))
    click(panel.button)
    assert "churn/3 was not promoted: nothing was changed." in read(panel)
    assert "Traceback" not in read(panel)
    assert not panel.button.disabled
    panel.fails = None
    click(panel.button)
    assert "was not promoted" not in read(panel)


def test_a_fault_is_told_with_its_place(r: Registry, caplog: Any) -> None:
    """What nobody raised on purpose does not vanish: type, text and traceback stand in the strip, and in the log."""
    panel = Counter(r, ZeroDivisionError("by nought"))
    click(panel.button)
    assert "ZeroDivisionError: by nought" in read(panel)
    assert "Traceback" in read(panel)
    assert ["ZeroDivisionError: by nought"] == panel.faults
    assert "a panel's callback failed" in caplog.text
    assert 'role="alert"' in panel.strip.value


def test_a_button_is_not_pressed_twice(r: Registry) -> None:
    """While something is done its button is disabled, and a second click that was under way does nothing."""
    panel = Panel(r, "Slow")
    seen: list[bool] = []
    button = parts.button("Go")

    def slow() -> None:
        seen.append(button.disabled)
        click(button)

    panel.press(button, slow)
    click(button)
    assert [True] == seen


def test_hostile_errors_are_text(r: Registry) -> None:
    """Whatever an error quotes is text in the strip."""
    for text in EVERYTHING:
        panel = Counter(r, Refused(text))
        click(panel.button)
        seen = Seen(panel.strip.value)
        assert [] == seen.faults
        assert {"div", "span", "bdi"} >= {element for element, _ in seen.elements}


def test_a_panel_leaves_a_picture(r: Registry, outputs: list[Any]) -> None:
    """Being shown gives two outputs: the widget, and what is left of it without a kernel; the living one hides it."""
    panel = Counter(r)
    panel._ipython_display_()
    (alive, _), (left, told) = outputs
    assert "application/vnd.jupyter.widget-view+json" in alive
    assert {"text/html", "text/markdown", "text/plain"} == left.keys()
    assert "count" in Seen(left["text/html"]).text
    mark = f"nbr-twin-{told['display_id']}"
    assert f'class="{mark}"' in left["text/html"]
    assert f".{mark}{{display:none}}" in panel.children[0].value
    assert f"nbr-live-{told['display_id']}" in panel._dom_classes


def test_the_picture_follows(r: Registry, outputs: list[Any]) -> None:
    """What was done since is in the picture that the notebook keeps."""
    panel = Counter(r)
    panel.step()
    assert [] == outputs
    panel._ipython_display_()
    click(panel.button)
    bundle, told = outputs[-1]
    assert told["update"]
    assert "count2" in Seen(bundle["text/html"]).text


def test_views_are_made_when_looked_at(r: Registry) -> None:
    """A view is made once, when it is first looked at; one that cannot be made says why and leaves the others."""
    made: list[str] = []

    def good() -> w.Widget:
        made.append("good")
        return parts.blocks(Facts((("fine", (Span("yes"),)),)))

    def bad() -> w.Widget:
        raise Refused("not today")

    panel = Panel(r, "Views")
    views = parts.Views("What to see", {"Good": good, "Bad": bad, "Again": good}, panel.run)
    panel.body.children = (views,)
    assert ["good"] == made
    send(views.names, index=1)
    assert "not today" in read(panel)
    send(views.names, index=0)
    assert ["good"] == made
    assert "fine" in html(panel)


def test_labels_never_are_markup() -> None:
    """Labels, options and values that users typed are plain text to every control."""
    for text in EVERYTHING:
        made = [
            parts.text("Name", text),
            parts.choice("Pick", [text, "other"]),
            parts.area("Why", text),
            parts.tick(text),
        ]
        for widget in (*made, parts.button(text, tip=text)):
            assert not getattr(widget, "description_allow_html", False)
            assert "\n" not in widget.description
            assert len(widget.description) < 200


def test_without_ipywidgets_a_panel_says_what_to_install(monkeypatch: Any) -> None:
    """Where the notebook side is not installed, asking for a panel names the extra that brings it."""
    for name in [name for name in sys.modules if name.startswith("nbregistry.widgets.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(MissingDependency, match=r"nbregistry\[lab\]"):
        _ = nbregistry.widgets.promote_panel
