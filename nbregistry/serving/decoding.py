"""Long bodies are read beside the event loop, so that short ones do not wait for them."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from nbregistry.serving.codec.reading import CSV, LARGE

T = TypeVar("T")

THREADS = 2
"""Bodies read at once: the interpreter runs one at a time, and what is read takes many times a body's memory."""

_SLOW = LARGE // 8


class Decoding:
    """Threads that read long bodies, without searches for garbage among the millions of values that are being made.

    Such a search keeps the event loop waiting as long as the reading itself, and finds nothing: what JSON and CSV make
    holds no cycles.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reading, self._collects = 0, False
        self._threads = ThreadPoolExecutor(THREADS, "nbregistry-decoding")

    def stop(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def beside(self, call: Callable[[], T]) -> T:
        """Return what a call gives that takes long."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._uncollected, call)

    def _uncollected(self, call: Callable[[], T]) -> T:
        with self._lock:
            if not self._reading:
                self._collects = gc.isenabled()
                gc.disable()
            self._reading += 1
        try:
            return call()
        finally:
            with self._lock:
                self._reading -= 1
                if not self._reading and self._collects:
                    gc.enable()


def is_long(body: bytes, media: str) -> bool:
    """Whether a body takes longer to read than others should wait; cells of CSV are read one by one."""
    return len(body) > (_SLOW if media in CSV else LARGE)
