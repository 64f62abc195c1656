"""Every route below ``nbregistry/api/``: the function that answers, and the permission that its caller needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nbregistry.lab import asking, changing
from nbregistry.lab.asking import Asked
from nbregistry.types import Document

RESOURCE = "nbregistry"
"""What Jupyter's authorizer is asked about, with the action ``read`` or ``write``."""


@dataclass(frozen=True, slots=True)
class Question:
    """One route.

    Attributes
    ----------
    method : str
        ``GET`` for what reads, ``POST`` for what changes.
    permission : str
        ``read`` or ``write``.
    patient : bool
        An answer without events may be waited for (``?wait=`` seconds).
    """

    path: str
    answer: Callable[[Asked], Document]
    method: str
    permission: str
    patient: bool = False


QUESTIONS = (
    Question("place", asking.place, "GET", "read"),
    Question("models", asking.models, "GET", "read"),
    Question("model", asking.model, "GET", "read"),
    Question("versions", asking.versions, "GET", "read"),
    Question("version", asking.version, "GET", "read"),
    Question("card", asking.card, "GET", "read"),
    Question("search", asking.search, "GET", "read"),
    Question("events", asking.events, "GET", "read", patient=True),
    Question("promote", changing.promote, "POST", "write"),
    Question("rollback", changing.rollback, "POST", "write"),
    Question("annotate", changing.annotate, "POST", "write"),
    Question("alias", changing.alias, "POST", "write"),
    Question("unalias", changing.unalias, "POST", "write"),
    Question("tag", changing.tag, "POST", "write"),
    Question("untag", changing.untag, "POST", "write"),
)
