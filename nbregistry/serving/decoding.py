"""Long bodies are read beside the event loop, so that short ones do not wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from nbregistry.serving.codec.reading import CSV, LARGE

T = TypeVar("T")

THREADS = 2
"""Bodies read at once: the interpreter runs one at a time, and what is read takes many times a body's memory."""

_SLOW = LARGE // 8


class Decoding:
    """Reads bodies: short ones at once, long ones in threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "nbregistry-decoding")

    def stop(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def beside(self, call: Callable[[], T]) -> T:
        """Return what a call gives that takes long."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def is_long(body: bytes, media: str) -> bool:
    """Whether a body takes longer to read than others should wait; cells of CSV are read one by one."""
    return len(body) > (_SLOW if media in CSV else LARGE)
