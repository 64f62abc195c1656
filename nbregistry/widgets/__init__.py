"""Panels beside the cell: one for each verb, composed of shared parts, alive in JupyterLab and in Voila.

A panel asks the registry exactly as a magic does and decides nothing itself. What its callbacks raise is shown in its
error strip. Where there is no kernel any more, a static picture of the panel stands in its place (``panel``).
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbregistry.widgets.annotate import annotate_panel
    from nbregistry.widgets.card import card_panel
    from nbregistry.widgets.compare import compare_panel
    from nbregistry.widgets.listing import registry_panel
    from nbregistry.widgets.promote import promote_panel
    from nbregistry.widgets.register import register_panel
    from nbregistry.widgets.serve import serve_panel

__all__ = [
    "annotate_panel",
    "card_panel",
    "compare_panel",
    "promote_panel",
    "register_panel",
    "registry_panel",
    "serve_panel",
]

_PARTS = {
    "annotate_panel": "annotate",
    "card_panel": "card",
    "compare_panel": "compare",
    "promote_panel": "promote",
    "register_panel": "register",
    "registry_panel": "listing",
    "serve_panel": "serve",
}

_NEEDED = ("IPython", "anywidget", "ipywidgets", "traitlets")


def __getattr__(name: str) -> Any:
    if name not in _PARTS:
        raise AttributeError(f"module 'nbregistry.widgets' has no attribute {name!r}")
    return getattr(part(_PARTS[name]), name)


def part(name: str) -> ModuleType:
    """Return a module of this room, or say what it takes to have panels."""
    import importlib

    try:
        return importlib.import_module(f"nbregistry.widgets.{name}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _NEEDED:
            raise
        from nbregistry.errors import MissingDependency

        raise MissingDependency(error.name or "ipywidgets", "lab", "A panel") from None
