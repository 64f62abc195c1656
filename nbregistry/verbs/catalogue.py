"""What TAB asks of the registry in use, answered from its index, and without ever making a registry."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nbregistry.config import Settings
from nbregistry.domain.lifecycle import Stage
from nbregistry.storage.index import FAILED, READY
from nbregistry.storage.store import Store
from nbregistry.storage.tiny import View
from nbregistry.verbs.asking import Session
from nbregistry.verbs.offering import Catalogue, Nothing, Standing


def catalogue(session: Session) -> Catalogue:
    """Return the names to offer in a session; where there is no registry, looking makes none."""
    return Known(session.registry.core.view())


def glance(uri: str | None) -> Catalogue:
    """Return the names to offer just once, from the store alone: for a process that lives for one TAB."""
    settings = Settings.resolve(uri)
    place = settings.uri.removeprefix("file://")
    return Nothing() if "://" in place else Known(Store(Path(place).expanduser(), settings.home).view())


class Known:
    """The names of a registry, as its view has them now."""

    def __init__(self, view: View) -> None:
        self._view = view

    def names(self) -> Sequence[str]:
        """Return the names of the models that have versions."""
        conditions = self._view.index.entries["versions"]
        return sorted(
            name
            for name, numbers in self._view.index.numbers.items()
            if self._view.index.ready.get(name)
            or any(conditions[id_][4] in (READY, FAILED) for id_ in numbers.values())
        )

    def standing(self, name: str) -> Standing:
        """Return what can be said behind a name."""
        index = self._view.index
        numbers = index.numbers.get(name)
        if not numbers:
            return Standing()
        stages = (s.value for s in (Stage.PRODUCTION, Stage.STAGING) if (name, s.value) in index.holder)
        newest = self._view.versions[numbers[max(numbers)]]
        return Standing(max(numbers), tuple(sorted(index.alias.get(name, ()))), tuple(stages), tuple(newest["tags"]))
