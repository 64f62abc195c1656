"""A widget without a face that has something done once a second, for as long as somebody looks.

The browser counts the seconds, not the kernel: where the page is closed, hidden, scrolled away or in another tab, no
message comes, and nothing runs. The kernel answers each beat when it is done with it, and the next comes only then.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from nbregistry.errors import InvalidInput

_LEAST = 0.1  # seconds; what is done on a beat takes a part of that
_MOST = 2**53  # beyond, a browser cannot count one by one


class Pulse(anywidget.AnyWidget):
    """Something that beats while it is seen.

    Parameters
    ----------
    every : float
        Seconds from one beat to the next.

    Attributes
    ----------
    answered : int
        Number of the latest beat that everything was done for.
    """

    _esm = Path(__file__).parent / "static" / "pulse.js"
    every = traitlets.Float(1.0).tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)

    def __init__(self, every: float = 1.0) -> None:
        if not every >= _LEAST:
            raise InvalidInput(f"A pulse beats every {_LEAST} seconds at most, not every {every!r}.")
        self._calls: list[Callable[[], object]] = []
        super().__init__(every=every)
        self.on_msg(self._heard)

    def on_tick(self, call: Callable[[], object]) -> None:
        """Have something done on each beat; a panel passes what it guards, so that errors are told."""
        self._calls.append(call)

    def _heard(self, _: object, told: Any, __: object) -> None:
        """Do what is to be done; a beat is answered whatever came of it, else it would be the last."""
        number = told.get("number") if isinstance(told, dict) and told.get("kind") == "tick" else None
        if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < _MOST:
            return  # a browser is anybody
        try:
            for call in self._calls:
                call()
        finally:
            self.answered = max(self.answered, number)  # two windows on one kernel count each for itself
