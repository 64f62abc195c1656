"""Threads for functions: bounded, also when functions never come back."""

from __future__ import annotations

import asyncio
import threading

import pytest

from nbregistry.errors import Overloaded
from nbregistry.serving.graph.threads import Threads
from tests.serving.graph.leaves import until


def test_functions_that_hang_do_not_pile_up() -> None:
    """Calls given up behind functions that hang still count, so the queue ends; when they return it is free again."""
    leave = threading.Event()

    async def scene() -> None:
        threads = Threads(2, queue=5)
        for _ in range(5):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(threads.run("hanging", lambda: leave.wait(30)), 0.01)
        with pytest.raises(Overloaded, match="5 calls of the graph's functions are waiting"):
            await threads.run("next", lambda: 1)
        leave.set()
        await until(lambda: threads._waiting == 0)
        assert 7 == await threads.run("next", lambda: 7)
        threads.close()

    asyncio.run(scene())


def test_threads_start_as_they_are_needed() -> None:
    """Calls one after the other need one thread, calls at once as many as there may be."""

    async def scene() -> None:
        threads = Threads(3)
        for _ in range(5):
            await threads.run("one", lambda: None)
        assert 1 == len(threads._threads)
        barrier = threading.Barrier(3)
        await asyncio.gather(*(threads.run("together", lambda: barrier.wait(10)) for _ in range(3)))
        assert 3 == len(threads._threads)
        threads.close()

    asyncio.run(scene())
