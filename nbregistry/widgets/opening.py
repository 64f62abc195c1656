"""``--panel``: which panel a verb opens, filled in with what was typed.

Each module named here has ``opened(ask, values)``, as each verb has a body: ``values`` holds what was typed, None or
empty where nothing was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from nbregistry.verbs.asking import Ask
from nbregistry.verbs.grammar import Values, Verb
from nbregistry.widgets import part

if TYPE_CHECKING:
    from nbregistry.widgets.panel import Panel

Opener: TypeAlias = "Callable[[Ask, Values], Panel]"

PANELS = {
    "annotate": "annotate",
    "compare": "compare",
    "models": "listing",
    "promote": "promote",
    "register": "register",
    "rollback": "promote",
    "serve": "serve",
    "show": "card",
}
"""Verb to the module of its panel."""


def panel(ask: Ask, verb: Verb, values: Values) -> Panel:
    """Return the panel of a verb."""
    opened: Opener = part(PANELS[verb.word]).opened
    return opened(ask, values)
