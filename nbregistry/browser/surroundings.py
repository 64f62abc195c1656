"""What JupyterHub tells a service of where it runs.

Source: JupyterHub's documentation, "Services", the environment of a service.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from nbregistry.errors import InvalidInput

_NEEDED = ("JUPYTERHUB_API_TOKEN", "JUPYTERHUB_API_URL", "JUPYTERHUB_CLIENT_ID", "JUPYTERHUB_SERVICE_PREFIX")
SECRETS = ("JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN")
"""Variables that no kernel may see."""
CALLBACK = "oauth_callback"
"""Where the hub sends people back to, below the base."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A hub, as its service knows it.

    Attributes
    ----------
    token : str
        The service's own; with it, and never with a visitor's, codes are exchanged.
    scopes : frozenset of str
        A visitor has to have one of them.
    prefix : str
        The path below which the hub puts the service.
    hub_prefix, hub_host : str
        Where browsers find the hub; no host where it is the same one.
    callback : str
        Where the hub sends people back to; empty: below the prefix.
    listens : tuple of (str, int), or None
        Where the hub's proxy looks for the service.
    names : tuple of str
        What the service is called by.
    """

    api_url: str
    token: str
    client: str
    prefix: str
    scopes: frozenset[str]
    hub_prefix: str = "/hub/"
    hub_host: str = ""
    callback: str = ""
    listens: tuple[str, int] | None = None
    names: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Surroundings({self.api_url!r}, {self.client!r}, {self.prefix!r})"

    @classmethod
    def read(cls, told: Mapping[str, str]) -> Surroundings:
        """Read what the hub told.

        Parameters
        ----------
        told : mapping of str to str
            Variables of the environment that begin with ``JUPYTERHUB_``.

        Raises
        ------
        InvalidInput
            Something is missing without which nobody could be signed in, or everybody would be.
        """
        if missing := [name for name in _NEEDED if not told.get(name)]:
            raise InvalidInput(
                f"--auth hub runs as a service of JupyterHub and is told where it is; it lacks {', '.join(missing)}."
                " Start it from the hub's configuration (c.JupyterHub.services), or set them by hand."
            )
        callback = told.get("JUPYTERHUB_OAUTH_CALLBACK_URL", "")
        public = [
            urlsplit(found).netloc
            for found in (told.get("JUPYTERHUB_PUBLIC_URL", ""), callback, told.get("JUPYTERHUB_HOST", ""))
        ]
        return cls(
            told["JUPYTERHUB_API_URL"], told["JUPYTERHUB_API_TOKEN"], told["JUPYTERHUB_CLIENT_ID"],
            told["JUPYTERHUB_SERVICE_PREFIX"], _scopes(told),
            hub_prefix=f"{told.get('JUPYTERHUB_BASE_URL', '').rstrip('/')}/hub/",
            hub_host=told.get("JUPYTERHUB_HOST", ""), callback=callback,
            listens=_listens(told.get("JUPYTERHUB_SERVICE_URL", "")),
            names=tuple(dict.fromkeys(name for name in public if name)),
        )  # fmt: skip


def _scopes(told: Mapping[str, str]) -> frozenset[str]:
    """Return the scopes that let somebody in; with none of them everybody whom the hub knows would be."""
    if text := told.get("JUPYTERHUB_OAUTH_ACCESS_SCOPES", ""):
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, list) and found and all(isinstance(scope, str) and scope for scope in found):
            return frozenset(found)
        raise InvalidInput("JUPYTERHUB_OAUTH_ACCESS_SCOPES is no JSON list of scopes, so nobody can be let in by them.")
    if name := told.get("JUPYTERHUB_SERVICE_NAME", ""):
        return frozenset({f"access:services!service={name}"})
    raise InvalidInput(
        "The hub does not say who may use this service: set JUPYTERHUB_SERVICE_NAME, or JUPYTERHUB_OAUTH_ACCESS_SCOPES."
    )


def _listens(url: str) -> tuple[str, int] | None:
    if not url:
        return None
    found = urlsplit(url)
    try:
        port = found.port or 80
    except ValueError:
        port = 0
    if found.scheme != "http" or not found.hostname or not port:
        raise InvalidInput(
            f"JUPYTERHUB_SERVICE_URL is {url[:200]!r}: the registry browser speaks http://host:port behind the hub's"
            " proxy, which speaks TLS for it."
        )
    return found.hostname, port
