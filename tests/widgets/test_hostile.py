"""Every panel over a registry whose every text is hostile: whatever is shown, kept for later or sent is text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets as w
import pytest

from nbregistry import Registry
from nbregistry.widgets import (
    annotate_panel,
    card_panel,
    compare_panel,
    promote_panel,
    register_panel,
    registry_panel,
    serve_panel,
)
from nbregistry.widgets.panel import Panel
from nbregistry.widgets.parts import Views
from nbregistry.widgets.promote import PromotePanel
from tests.display.hostile import CANARY, TEXTS, faults, hostile_registry

LAST = len(TEXTS)


def at_churn(registry: Registry) -> Panel:
    """Return the registry's panel where a model is selected and its newest version looked at."""
    panel = registry_panel(registry)
    panel.open_version("churn/5")
    return panel


def card_of(number: int) -> Callable[[Registry], Panel]:
    """Return what makes the card of a version of churn."""
    return lambda registry: card_panel(registry, f"churn/{number}")


PANELS: dict[str, Callable[[Registry], Panel]] = {
    "registry": at_churn,
    **{f"card {number}": card_of(number) for number in range(2, LAST + 1)},
    "compare": lambda r: compare_panel(r, [f"churn/{n}" for n in range(LAST - 4, LAST + 1)]),
    "compare the first": lambda r: compare_panel(r, ["churn/2", "churn/3", "churn/4", "fraud"]),
    "promote": lambda r: promote_panel(r, "churn/3"),
    "roll back": lambda r: PromotePanel(r, "churn", "Production", rollback=True),
    "annotate": lambda r: annotate_panel(r, "churn"),
    "annotate a version": lambda r: annotate_panel(r, "churn/4"),
    "register": lambda r: register_panel(r, {"clf": r.load("churn/3"), **dict.fromkeys(TEXTS, 0.5)}),
    "serve": lambda r: serve_panel(r, ["churn/3"]),
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that nobody would want to look at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBREGISTRY_HOME", str(tmp_path_factory.mktemp("home")))
        with hostile_registry(tmp_path_factory.mktemp("hostile") / "store") as registry:
            yield registry


def everything(widget: w.Widget) -> Iterator[w.Widget]:
    """Yield a widget and all within it, hidden ones too."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from everything(child)


def looked_through(panel: Panel) -> Iterator[list[w.Widget]]:
    """Yield all widgets of a panel in each of its views."""
    yield list(everything(panel))
    for views in [one for one in everything(panel) if isinstance(one, Views)]:
        for name in views.names.options:
            views.select(name)
            yield list(everything(panel))


@pytest.mark.parametrize("name", PANELS)
def test_hostile_text_is_text(hostile: Registry, name: str) -> None:
    """No HTML that a panel draws, in any view, and no picture that it leaves, acts or fetches; names are kept apart."""
    panel = PANELS[name](hostile)
    seen = ""
    for widgets in looked_through(panel):
        sheets = [one.children[0].value[len("<style>") : -len("</style>")] for one in widgets if isinstance(one, Panel)]
        for widget in widgets:
            if isinstance(widget, w.HTML):
                assert [] == faults(widget.value, sheets=sheets)
                seen += widget.value
            if "description_allow_html" in widget.keys:
                assert not widget.description_allow_html, widget
            assert not any(CANARY in name for name in widget._dom_classes), widget
    left: Any = panel._bundle()
    assert [] == faults(left["text/html"].partition("</style>")[2])
    assert CANARY in seen or name in ("register", "serve")
    assert [] == panel.faults
    panel.close()
