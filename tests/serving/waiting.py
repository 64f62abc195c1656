"""Waiting for what is going to be so, with an end."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(so: Callable[[], object], *, seconds: float = 15.0) -> None:
    """Wait until ``so()`` is true; fail when that takes longer than ``seconds``."""
    deadline = time.monotonic() + seconds
    while not so():
        if time.monotonic() > deadline:
            raise AssertionError(f"this did not come true within {seconds:g} s")
        time.sleep(0.01)
