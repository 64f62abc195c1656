"""How long an answer may take, for nothing but a note of when each began."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from nbregistry.errors import Overloaded

T = TypeVar("T")

_LOOK = 0.25
"""Seconds between two looks; an answer may be late by so much."""


class Deadlines:
    """Ends what takes too long. One timer looks at all that is under way, oldest first, instead of one timer for each.

    Parameters
    ----------
    seconds : float
        How long anything may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """How many are under way."""
        return len(self._since)

    async def within(self, call: Awaitable[T]) -> T:
        """Return what is awaited, as part of the current task.

        Raises
        ------
        Overloaded
            It took too long and was cancelled.
        """
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("no task is running")
        loop = task.get_loop()
        self._since[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(_LOOK, self._look, loop)
        try:
            return await call
        except asyncio.CancelledError:
            if task in self._late and task.uncancel() == 0:
                raise Overloaded(
                    f"The model did not answer within {self._seconds:g} seconds; ask again later."
                ) from None
            raise
        finally:
            del self._since[task]
            self._late.discard(task)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        oldest = loop.time() - self._seconds
        for task, since in self._since.items():
            if since > oldest:
                break
            if task not in self._late:
                self._late.add(task)
                task.cancel()
        self._timer = loop.call_later(_LOOK, self._look, loop) if self._since else None
