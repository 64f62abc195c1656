"""Adds the routes to a Jupyter server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.utils import url_path_join

from nbregistry.lab.places import Places
from nbregistry.lab.route import Lab, RegistryRoute
from nbregistry.lab.table import QUESTIONS, Question

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

OURS = "nbregistry"


def load(server: ServerApp) -> None:
    """Add every route of the table, and one that answers for whatever is not in it."""
    application: Any = server.web_app
    application.add_handlers(".*$", routes(Lab(Places(root(server))), str(application.settings["base_url"])))


def root(server: ServerApp) -> Path:
    """Return the folder where the server's contents begin; contents that are kept elsewhere have none."""
    return Path(getattr(server.contents_manager, "root_dir", "") or server.root_dir).expanduser()


def routes(lab: Lab, base: str) -> list[tuple[str, type[RegistryRoute], dict[str, Any]]]:
    """Return the routes as tornado takes them."""
    found: list[tuple[str, Question | None]] = [(q.path, q) for q in QUESTIONS]
    return [
        (url_path_join(base, OURS, path), RegistryRoute, {"lab": lab, "question": question})
        for path, question in (*found, (".*", None))
    ]
