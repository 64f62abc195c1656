"""What a kernel is told of its visitor: over a way that only kernels of this server know.

A kernel of the pool is started before anybody comes, so it asks and waits. What it is told is set by the server when
the kernel is given to a page; neither a header nor an address of a browser has a part in it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from nbregistry.browser.identity import Visitor
from nbregistry.errors import Overloaded
from nbregistry.types import Document

RETRY = 20.0
"""Seconds after which somebody who found no room should try again."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A kernel given to a visitor."""

    visitor: Visitor
    query: str


class Visits:
    """Every visit under way.

    Parameters
    ----------
    most : int
        Visits at once, those of a kernel that is being started included.

    Attributes
    ----------
    secret : str
        What a kernel shows when it asks for its visit.
    own : bool
        Whether who proposed a version may approve it too.
    """

    def __init__(self, most: int, *, own: bool = True) -> None:
        self.most, self.own = most, own
        self.secret = secrets.token_urlsafe(24)
        self._here: dict[str, list[Callable[[], object]]] = {}
        self._found: dict[str, Visit] = {}
        self._waiting: dict[str, asyncio.Event] = {}
        self._starting = 0

    def __len__(self) -> int:
        return len(self._found) + self._starting

    def reserve(self) -> None:
        """Hold a place until ``begin``, or until ``release`` when no kernel could be given.

        Raises
        ------
        Overloaded
            As many visitors are there as may be.
        """
        if len(self) >= self.most:
            raise Overloaded(f"{self.most} visitors are here already, as many as there may be.", RETRY)
        self._starting += 1

    def release(self) -> None:
        """Let go of a place that was held."""
        self._starting -= 1

    def begin(self, kernel: str, visit: Visit) -> None:
        """Give a kernel to a visitor who held a place."""
        self.release()
        self._found[kernel] = visit
        if (waiting := self._waiting.get(kernel)) is not None:
            waiting.set()

    def end(self, kernel: str) -> None:
        """Forget a kernel that is gone, and let its pages know."""
        self._found.pop(kernel, None)
        for part in self._here.pop(kernel, ()):
            part()
        if (waiting := self._waiting.pop(kernel, None)) is not None:
            waiting.set()

    def hold(self, kernel: str, part: Callable[[], object]) -> None:
        """Note that a page says it is there; ``part`` is called when its kernel has gone."""
        if kernel in self._found:
            self._here.setdefault(kernel, []).append(part)
        else:
            part()

    def drop(self, kernel: str, part: Callable[[], object]) -> None:
        """Note that it says so no more; one that broke off before it was noted never did."""
        left = [other for other in self._here.pop(kernel, ()) if other != part]
        if left:
            self._here[kernel] = left

    def held(self, kernel: str) -> bool:
        """Whether a page says that it is there."""
        return kernel in self._here

    def of(self, kernel: str) -> Visit | None:
        """Return the visit of a kernel."""
        return self._found.get(kernel)

    def sessions(self) -> dict[str, str]:
        """Return whose each kernel is."""
        return {kernel: visit.visitor.session for kernel, visit in self._found.items()}

    def owned(self, kernel: str, visitor: Visitor | None) -> bool:
        """Whether a kernel is this visitor's."""
        found = self._found.get(kernel)
        return found is not None and visitor is not None and found.visitor.session == visitor.session

    async def wait(self, kernel: str) -> Document | None:
        """Return what a kernel learns of its visit as soon as there is one; None when the kernel is gone."""
        if kernel not in self._found:
            waiting = self._waiting.setdefault(kernel, asyncio.Event())
            await waiting.wait()
        if (found := self._found.get(kernel)) is None:
            return None
        visitor = found.visitor
        return {"user": visitor.name, "role": visitor.role.value, "query": found.query, "own": self.own}
