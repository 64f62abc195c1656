"""More than a server can answer: what is answered stays fast, the rest is told so at once, and it passes."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections import Counter
from typing import Any

import pytest

from nbregistry.serving.app import Application, application
from nbregistry.serving.node import Batch
from nbregistry.serving.options import MIB, Options
from tests.serving.on_a_socket import running, status_of
from tests.serving.stand_ins import Offered, StandIn, ask

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


def test_bodies_of_all_requests_together_are_limited() -> None:
    """Beyond the budget is 503 with Retry-After, announced or not, and what was answered or left is free again."""
    whole = json.dumps({"rows": [[1, 2]] * 500}).encode()
    app = application(Offered(), options=Options(bodies_limit=len(whole) + 100))
    headers = {"content-type": "application/json"}

    async def crowded() -> list[tuple[int, str | None]]:
        held, come, told = asyncio.Event(), asyncio.Event(), []

        async def receive() -> Any:
            if held.is_set():
                await come.wait()
                return {"type": "http.disconnect"}
            held.set()
            return {"type": "http.request", "body": b"[" + b" " * 200, "more_body": True}

        async def send(message: Any) -> None:
            raise AssertionError

        pairs = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
        scope = {
            "type": "http", "method": "POST", "path": "/models/churn/predict", "query_string": b"", "headers": pairs,
        }  # fmt: skip
        first = asyncio.create_task(app(scope, receive, send))
        await held.wait()
        announced = {**headers, "content-length": str(len(whole))}
        packed = gzip.compress(whole)
        for body, given in ((whole, announced), (whole, headers), (packed, {**headers, "content-encoding": "gzip"})):
            found = await ask(app, "POST", "/models/churn/predict", body, given)
            told.append((found.status, found.headers.get("retry-after")))
        assert 200 == (await ask(app, "POST", "/models/churn/predict", b"[[1, 2]]", headers)).status
        come.set()
        await first
        for _ in range(3):
            found = await ask(app, "POST", "/models/churn/predict", whole, announced)
            told.append((found.status, None))
        return told

    assert [(503, "1")] * 3 + [(200, None)] * 3 == asyncio.run(crowded())
    assert 0 == app.budget.held


def test_the_budget_of_bodies_follows_the_longest() -> None:
    """Eight of the longest bodies fit, and 64 MiB always do, unless it is said otherwise."""
    assert [128 * MIB, 64 * MIB, 5] == [
        Options().bodies_limit, Options(body_limit=MIB).bodies_limit, Options(bodies_limit=5).bodies_limit,
    ]  # fmt: skip


@pytest.mark.campaign
@pytest.mark.timeout(300)
def test_a_minute_of_three_times_too_much() -> None:
    """The same for a minute (L9)."""
    overloaded(60, 0.8)
