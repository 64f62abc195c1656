"""The registry in JupyterLab: what the sidebar asks, over HTTP below ``nbregistry/api/`` of the Jupyter server.

``jupyter-config/`` switches it on for every Jupyter server of the environment; the front end that asks is in
``nbregistry/labext``. A question goes from the table of routes (``table``) through the edge (``route``: who may, what
was sent, what went wrong) to a function that asks the registry of the folder in question (``places``) in a thread.

The answers are the user's own: whoever may open this Jupyter server may run code as its user, so nothing here gives
rights that a notebook would not. What it adds is the care that a page of somebody else's cannot use them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "nbregistry"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    from nbregistry.lab.extension import load

    load(server)
