"""What was committed lately: a sidebar asks again and again, so a look without news costs one ``stat``."""

from __future__ import annotations

import threading
from collections import deque
from typing import NamedTuple

from nbregistry.domain.entities import Event
from nbregistry.registry import Registry
from nbregistry.registry.reading import event
from nbregistry.storage.records import Position, Scan

KEPT = 500
"""Events that are remembered; whoever is behind by more reads everything anew."""


class News(NamedTuple):
    """What followed a commit.

    Attributes
    ----------
    store : str
        Identity of the store; another one means that another registry lies there now.
    seq : int
        The newest commit; -1 for none.
    missed : bool
        There was more than ``events`` holds: read everything anew.
    """

    store: str
    seq: int
    events: tuple[Event, ...]
    missed: bool


class Watch:
    """The newest commits of one registry, read from the journal as they are appended."""

    def __init__(self, registry: Registry) -> None:
        self._core = registry.core
        self._core.view()
        self._recent: deque[Event] = deque(maxlen=KEPT)
        self._at: Position = self._core.store.journal.at
        self._lock = threading.Lock()

    def since(self, seq: int) -> News:
        """Return what was committed after a commit."""
        with self._lock:
            now = self._core.view().seq
            if self._at.seq < now:
                self._read(now)
            if self._at.seq != now:  # the journal was exchanged: what stands there does not follow
                self._recent.clear()
                self._at = self._core.store.journal.at
            newest, known = self._at.seq, [e for e in self._recent if e.seq > seq]
            missed = seq > newest or len(known) < newest - seq
            return News(self._core.store.id, newest, () if missed else tuple(known), missed)

    def _read(self, until: int) -> None:
        for commit, at in Scan(self._core.store.journal.path, self._at):
            self._recent.append(event(commit))
            self._at = at
            if at.seq == until:  # more may have come meanwhile: the next look's
                return
