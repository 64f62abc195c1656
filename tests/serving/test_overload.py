"""More than a server can answer: what is answered stays fast, the rest is told so at once, and it passes."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest

from nbregistry.serving.app import Application, application
from nbregistry.serving.node import Batch
from nbregistry.serving.options import Options
from tests.serving.on_a_socket import running, status_of
from tests.serving.stand_ins import Offered, StandIn

BODY = b"[[1, 2]]"


def made(port: int) -> Application:
    """A model that takes 20 ms and eight requests at once: 400 a second."""
    endpoint = StandIn()

    async def before(batch: Batch) -> None:
        await asyncio.sleep(0.02)

    endpoint.before = before
    return application(Offered(endpoint), options=Options(port=port, concurrency=8))


async def load(port: int, clients: int, seconds: float) -> tuple[Counter[int], float]:
    """Ask without a pause; return statuses, and the slowest answer."""
    end, statuses, slowest = time.perf_counter() + seconds, Counter[int](), 0.0

    async def client() -> None:
        nonlocal slowest
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < end:
            started = time.perf_counter()
            head = b"POST /invocations HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n" % port
            body = b'{"inputs": ' + BODY + b"}"
            writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            status = status_of(await reader.read(65536))
            statuses[status] += 1
            slowest = max(slowest, time.perf_counter() - started)
            if status == 503:
                await asyncio.sleep(0.005)  # a client that comes back at once is what is tested, not one that spins
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(client() for _ in range(clients)))
    return statuses, slowest


def overloaded(seconds: float, share: float) -> None:
    """Measure goodput before, in and after the crowd; ``share`` of the peak must remain."""
    with running(made) as (port, app):
        peak, _ = asyncio.run(load(port, 8, seconds))
        crowd, slowest = asyncio.run(load(port, 24, seconds))
        after, _ = asyncio.run(load(port, 8, seconds))
        assert {200, 503} == set(crowd)
        assert crowd[200] >= share * peak[200]
        assert slowest < 5.0
        assert {200} == set(after)
        assert after[200] >= share * peak[200]
        assert 0 == len(app.deadlines)


def test_three_times_too_much_is_survived() -> None:
    """Goodput stays (a wide bound), the surplus is told 503 early, and afterwards all is answered again (L9)."""
    overloaded(0.6, 0.4)


@pytest.mark.campaign
@pytest.mark.timeout(300)
def test_a_minute_of_three_times_too_much() -> None:
    """The same for a minute (L9)."""
    overloaded(60, 0.8)
