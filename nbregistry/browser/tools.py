"""What an approver has beside a view: controls for deciding, moving and writing notes; a reader has none."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as w

from nbregistry.browser.access import Access
from nbregistry.browser.addresses import Asked
from nbregistry.browser.decision import DecisionPanel
from nbregistry.widgets import annotate_panel, promote_panel


def tools(access: Access, asked: Asked, changed: Callable[[], object]) -> tuple[w.Widget, ...]:
    """Return the panels that belong to a view."""
    if not access.decides or not asked.model:
        return ()
    target = asked.model if asked.version is None else f"{asked.model}/{asked.version}"
    if asked.view == "notes":
        return (annotate_panel(access.registry, target),)
    if asked.view == "decide":
        return (DecisionPanel(access, target, changed),)
    return (promote_panel(access.registry, target),) if asked.view == "move" else ()
