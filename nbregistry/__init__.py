"""The model registry that lives in the notebook: version, compare, annotate and promote models where they are made.

Importing this loads nothing but the standard library; each name is fetched from its room when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbregistry.domain import graph
    from nbregistry.domain.commits import Receipt
    from nbregistry.domain.entities import GateResult
    from nbregistry.domain.gates import Candidate
    from nbregistry.domain.lifecycle import Stage
    from nbregistry.errors import RegistryError
    from nbregistry.magics import load_ipython_extension, unload_ipython_extension
    from nbregistry.registry import Registry
    from nbregistry.serving.client import Client
    from nbregistry.serving.graph.reading import read_graph
    from nbregistry.widgets import (
        annotate_panel,
        card_panel,
        compare_panel,
        promote_panel,
        register_panel,
        registry_panel,
        serve_panel,
    )

__version__ = "0.1.0"

__all__ = [
    "Candidate",
    "Client",
    "GateResult",
    "Receipt",
    "Registry",
    "RegistryError",
    "Stage",
    "__version__",
    "annotate_panel",
    "card_panel",
    "compare_panel",
    "graph",
    "load_ipython_extension",
    "promote_panel",
    "read_graph",
    "register_panel",
    "registry_panel",
    "serve_panel",
    "unload_ipython_extension",
]

_ROOMS = {
    "Candidate": "nbregistry.domain.gates",
    "Client": "nbregistry.serving.client",
    "GateResult": "nbregistry.domain.entities",
    "Receipt": "nbregistry.domain.commits",
    "Registry": "nbregistry.registry",
    "RegistryError": "nbregistry.errors",
    "Stage": "nbregistry.domain.lifecycle",
    "_jupyter_server_extension_points": "nbregistry.lab",
    "_load_jupyter_server_extension": "nbregistry.lab",
    "annotate_panel": "nbregistry.widgets",
    "card_panel": "nbregistry.widgets",
    "compare_panel": "nbregistry.widgets",
    "graph": "nbregistry.domain",
    "load_ipython_extension": "nbregistry.magics",
    "promote_panel": "nbregistry.widgets",
    "read_graph": "nbregistry.serving.graph.reading",
    "register_panel": "nbregistry.widgets",
    "registry_panel": "nbregistry.widgets",
    "serve_panel": "nbregistry.widgets",
    "unload_ipython_extension": "nbregistry.magics",
}

_MODULES = frozenset({"graph"})
"""Names that are modules themselves: ``from nbregistry import graph as g``."""


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'nbregistry' has no attribute {name!r}")
    import importlib

    # Whoever holds a name of ours may come to show what it returns; this costs microseconds and draws nothing.
    importlib.import_module("nbregistry.display").attach()
    if name in _MODULES:
        return importlib.import_module(f"{_ROOMS[name]}.{name}")
    return getattr(importlib.import_module(_ROOMS[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
