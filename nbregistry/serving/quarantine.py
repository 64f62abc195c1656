"""Versions that keep bringing a worker down: counted, and after the third time served no more."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from nbregistry.errors import StoreUnavailable
from nbregistry.serving.spec import RunFolder
from nbregistry.types import Digest

TIMES, WITHIN = 3, 60.0
"""So many crashes within so many seconds are too many."""

_FILE = "quarantine.json"


class Crashes:
    """The crashes of one server's workers, by the version that was running."""

    def __init__(self) -> None:
        self._of: dict[Digest, deque[float]] = {}
        self._all: deque[float] = deque()

    def note(self, suspects: Sequence[Digest], now: float) -> tuple[Digest, ...]:
        """Count a crash and return the versions that are to be put into quarantine for it.

        Where several ran at that moment, each is suspected, but only who was there the most often is put away.
        """
        _recent(self._all, now).append(now)
        for digest in suspects:
            _recent(self._of.setdefault(digest, deque()), now).append(now)
        counts = {digest: len(self._of[digest]) for digest in suspects}
        most = max(counts.values(), default=0)
        found = tuple(d for d, count in counts.items() if count == most >= TIMES)
        for digest in found:
            del self._of[digest]
        return found

    def recent(self, now: float) -> int:
        """Return how many crashes there were lately, whoever's."""
        return len(_recent(self._all, now))


def _recent(times: deque[float], now: float) -> deque[float]:
    while times and now - times[0] > WITHIN:
        times.popleft()
    return times


def quarantined(folder: Path) -> dict[Digest, str]:
    """Return the versions that a server must not load, by digest, with the reason; cheap enough to ask often."""
    return {digest: str(found.get("reason", "")) for digest, found in RunFolder(folder).read(_FILE).items()}


class Quarantine:
    """What ``quarantined`` tells, asked again and again: where it cannot be read now, what was read last holds.

    Parameters
    ----------
    folder : Path
        The run folder.

    Raises
    ------
    nbregistry.errors.StoreUnavailable
        It cannot be read even once.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known = quarantined(folder)

    def __call__(self) -> Mapping[Digest, str]:
        """Return the versions that must not be loaded, by digest, with the reason."""
        with contextlib.suppress(StoreUnavailable):
            self._known = quarantined(self._folder)
        return self._known


def quarantine(folder: Path, digest: Digest, reason: str) -> None:
    """Put a version away for as long as the server runs; called by its supervisor only."""
    run = RunFolder(folder)
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    run.write(_FILE, {**run.read(_FILE), digest: {"reason": reason, "time": when}})
