"""Which live objects are which versions: those that this handle registered or loaded, as long as they live.

Content tells whether an object is a version; only memory tells that an object which no longer is one once was.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import NamedTuple

from nbregistry.capture.state import MOST_BYTES, state_of
from nbregistry.domain.entities import ModelVersion
from nbregistry.types import Document

MOST_AT_REGISTER = 1_000_000_000
"""Bytes of what a model learned beyond which it is registered without the means to compare it later."""


class Known(NamedTuple):
    """What an object was when this handle last saw it.

    Attributes
    ----------
    uid, number : str, int
        Which version of which model.
    states : tuple of str
        Digests of what it had learned then; empty where that is not known.
    """

    uid: str
    number: int
    states: tuple[str, ...]


class Remembered:
    """Objects by identity; holds none of them alive."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[object], Known]] = {}

    def note(self, model: object, version: ModelVersion, states: Sequence[str]) -> None:
        """Remember what an object is now; what cannot be referred to weakly is not remembered."""
        address = id(model)
        known = self._known  # not self: the object outlives the handle

        def gone(reference: weakref.ref[object]) -> None:
            if (found := known.get(address)) is not None and found[0] is reference:
                del known[address]

        try:
            reference = weakref.ref(model, gone)
        except TypeError:
            return
        known[address] = reference, Known(version.uid, version.number, tuple(states))

    def of(self, model: object) -> Known | None:
        """Return what an object was."""
        found = self._known.get(id(model))
        return found[1] if found is not None and found[0]() is model else None


def states_of(model: object, again: object) -> list[str]:
    """Return the digests by which a version is known: of the model, and of what its stored bytes give where it differs.

    A format of its library's own may give back an equal model whose object is made differently.
    """
    found = [state_of(one, MOST_AT_REGISTER) for one in (model, again)]
    return list(dict.fromkeys(state.digest for state in found if state is not None and state.digest))


def states_loaded(model: object, doc: Document) -> tuple[str, ...]:
    """Return the digests of an object that was just loaded from a version."""
    if known := tuple(doc.get("states", ())):
        return known
    found = state_of(model, MOST_BYTES)
    return (found.digest,) if found is not None and found.digest else ()
