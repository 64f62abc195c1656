"""What an approver has beside a view: controls for deciding, promoting and writing notes; a reader has none."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as w

from nbregistry.browser.access import Access
from nbregistry.browser.addresses import Asked


def tools(access: Access, asked: Asked, changed: Callable[[], None]) -> tuple[w.Widget, ...]:
    """Return the panels that belong to a view."""
    if not access.decides or not asked.model:
        return ()
    from nbregistry.browser.decision import DecisionPanel

    if asked.view == "decide":
        return (DecisionPanel(access, f"{asked.model}/{asked.version}", changed),)
    return ()
