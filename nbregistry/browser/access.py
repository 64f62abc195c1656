"""What the kernel behind a page may do: settled here, below every widget, by what the server has proven.

A reader's kernel holds a registry that refuses to be changed, whatever a page sends. A kernel that no browser's server
started is a notebook of somebody who could change the registry from the next cell anyway; it acts as that user.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from nbregistry.browser.identity import Role
from nbregistry.config import visit
from nbregistry.domain.proposals import Rule
from nbregistry.errors import StoreUnavailable
from nbregistry.registry import Registry
from nbregistry.registry.deciding import four_eyes


@dataclass(frozen=True, slots=True)
class Access:
    """A registry as one visitor may use it.

    Attributes
    ----------
    name : str
        As the audit tells it; empty for a reader who did not have to say.
    role : Role
        What the server has proven.
    query : str
        What the page's address asked for.
    served : bool
        Whether this is a page of the registry browser, not a notebook.
    rule : Rule
        When a proposal is decided.
    """

    registry: Registry
    name: str = ""
    role: Role = Role.READER
    query: str = ""
    served: bool = False
    rule: Rule = field(default_factory=Rule)

    @property
    def decides(self) -> bool:
        """Whether the visitor may approve, reject, promote and annotate."""
        return self.role is Role.APPROVER


def opened(uri: str | None = None) -> Registry:
    """Return the registry read-only: all that a kernel has before it is anybody's."""
    return Registry(uri, read_only=True)


def arrive(registry: Registry) -> Access:
    """Wait for the visitor, and return the registry as that visitor may use it.

    Parameters
    ----------
    registry : Registry
        As ``opened`` gave it; readers go on with this one.
    """
    found = visit()
    if found is None:
        own = Registry(registry.settings.uri)
        return Access(own, own.settings.user, Role.APPROVER)
    told = _told(*found)
    name = str(told["user"])
    role = Role(str(told["role"]))
    if role is not Role.APPROVER or not name:
        return Access(registry, name, Role.READER, str(told["query"]), served=True)
    own, rule = Registry(registry.settings.uri, user=name), Rule(own=bool(told["own"]))
    if not rule.own:
        own.add_gate(four_eyes(own))  # below every panel: promotions and rollbacks have to pass it
    return Access(own, name, role, str(told["query"]), served=True, rule=rule)


def _told(place: str, kernel: str) -> dict[str, object]:
    """Ask the server whose kernel this is; it answers when that is known, which for the pool may take hours."""
    found = urlsplit(place)
    connection = http.client.HTTPConnection(found.hostname or "127.0.0.1", found.port or 80)
    try:
        connection.request("GET", f"{found.path}/{kernel}")
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise StoreUnavailable("The server did not say whose page this is: open the page again.")
    told: dict[str, object] = json.loads(body)
    return told
