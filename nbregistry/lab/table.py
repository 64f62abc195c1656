"""Every route below ``nbregistry/``: the function that answers, and the permission that its caller needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nbregistry.lab import asking, changing, page
from nbregistry.lab.asking import Asked
from nbregistry.types import Document

RESOURCE = "nbregistry"
"""What Jupyter's authorizer is asked about, with the action ``read`` or ``write``."""


@dataclass(frozen=True, slots=True)
class Question:
    """One route.

    Attributes
    ----------
    path : str
        A regular expression.
    method : str
        ``GET`` for what reads, ``POST`` for what changes.
    permission : str
        ``read`` or ``write``.
    where : tuple of str
        What the groups of the path are called, as if they stood behind the ``?``.
    patient : bool
        An answer without events may be waited for (``?wait=`` seconds).
    page : bool
        The answer is its ``html``, for a frame; all others are JSON.
    """

    path: str
    answer: Callable[[Asked], Document]
    method: str
    permission: str
    where: tuple[str, ...] = ()
    patient: bool = False
    page: bool = False


QUESTIONS = (
    Question("api/place", asking.place, "GET", "read"),
    Question("api/models", asking.models, "GET", "read"),
    Question("api/model", asking.model, "GET", "read"),
    Question("api/versions", asking.versions, "GET", "read"),
    Question("api/version", asking.version, "GET", "read"),
    Question("api/card", asking.card, "GET", "read"),
    Question("api/search", asking.search, "GET", "read"),
    Question("api/events", asking.events, "GET", "read", patient=True),
    # Theme and folder stand in the path, where links within the pages, which are all ``?...``, leave them alone.
    Question("browser/(light|dark)(?:/(.*))?", page.page, "GET", "read", where=("theme", "folder"), page=True),
    Question("api/promote", changing.promote, "POST", "write"),
    Question("api/rollback", changing.rollback, "POST", "write"),
    Question("api/annotate", changing.annotate, "POST", "write"),
    Question("api/alias", changing.alias, "POST", "write"),
    Question("api/unalias", changing.unalias, "POST", "write"),
    Question("api/tag", changing.tag, "POST", "write"),
    Question("api/untag", changing.untag, "POST", "write"),
)
