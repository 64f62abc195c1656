"""What TAB asks of the registry in use, answered from its index, and without ever making a registry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from nbregistry.config import Settings
from nbregistry.domain.entities import numbers
from nbregistry.domain.lifecycle import Stage
from nbregistry.storage.index import FAILED, PURGED, READY, TRASHED
from nbregistry.storage.store import Store
from nbregistry.storage.tiny import View
from nbregistry.verbs.asking import Session
from nbregistry.verbs.offering import Catalogue, Glimpse, Nothing, Standing

_HELD = tuple(stage.value for stage in (Stage.PRODUCTION, Stage.STAGING))
_HINDRANCES = {FAILED: "failed", TRASHED: "in the trash", PURGED: "purged"}


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
        made = index.numbers.get(name)
        if not made:
            return Standing()
        holders = {stage: index.holder[name, stage] for stage in _HELD if (name, stage) in index.holder}
        pointers = index.alias.get(name) or {}
        last, ready = max(made), index.ready.get(name) or []
        tags = tuple(self._view.versions[made[last]]["tags"])
        return Standing(last, dict(sorted(pointers.items())), holders, tags, len(ready), ready[-1] if ready else 0)

    def glimpses(self, versions: Iterable[tuple[str, int]]) -> list[Glimpse]:
        """Return how versions stand."""
        return [self._glimpse(name, number) for name, number in versions]

    def _glimpse(self, name: str, number: int) -> Glimpse:
        index = self._view.index
        id_ = index.numbers.get(name, {}).get(number)
        if id_ is None:
            return Glimpse()
        condition = index.entries["versions"][id_]
        state = _HINDRANCES.get(condition[4]) or condition[2]
        return Glimpse(state, numbers(self._view.versions[id_]["metrics"]))
