"""Swaps under load: nothing dropped, nothing misnamed, nobody waits for it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nbregistry import Registry
from tests.serving.loading import Load, load, request

X, Y = load_breast_cancer(return_X_y=True)


@pytest.fixture
def r(tmp_path: Path) -> Registry:
    """Two versions of one model whose answers tell which gave them: the second has its labels moved by ten."""
    registry = Registry(tmp_path / "store")
    for shift in (0, 10):
        registry.register(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y + shift), "tumour", X=X, y=Y)
    registry.alias("tumour/1", "champion")
    return registry


class Move(NamedTuple):
    """A change of the version in charge, and when it was made."""

    begun: float
    done: float
    ref: str


def swaps(r: Registry, seconds: float, every: float, **options: Any) -> tuple[Load, list[Move], float]:
    """Load a server at half of what it can do, and move the alias to and fro all along; then as long without."""
    body = orjson.dumps({"rows": X[:1].tolist()})
    moves = [Move(0.0, 0.0, "tumour/1")]

    async def move(until: float) -> None:
        number = 1
        while time.monotonic() < until:
            number = 3 - number
            begun = time.monotonic()
            await asyncio.to_thread(r.alias, f"tumour/{number}", "champion")
            moves.append(Move(begun, time.monotonic(), f"tumour/{number}"))
            await asyncio.sleep(every)

    async def main(url: str) -> tuple[Load, float]:
        message = request(url, "/models/tumour@champion/predict", body)
        full = await load(url, lambda i: message, 1.0)
        rate = len(full.answers) / 2
        steady = await load(url, lambda i: message, max(1.0, seconds / 3), rate=rate)
        under, _ = await asyncio.gather(
            load(url, lambda i: message, seconds, rate=rate), move(time.monotonic() + seconds - 1.0)
        )
        assert [] == full.dropped + steady.dropped
        return under, steady.quantile(0.99)

    with r.serve("tumour@champion", **options) as server:
        server.wait_ready(30)
        settled(server)
        found, before = asyncio.run(main(server.url))
    return found, moves, before


def settled(server: Any, seconds: float = 30.0) -> None:
    """Wait until nothing about the served version changes any more: checked for batching, and compiled or not."""
    until = time.monotonic() + seconds
    while True:
        found = server.metadata("tumour@champion")
        if found["batching"]["rows"] and (found["compiled"]["used"] or "proof" in found["compiled"]):
            return
        assert time.monotonic() < until, found
        time.sleep(0.05)


def misnamed(found: Load, moves: list[Move], late: float) -> list[str]:
    """Return the answers that were not given by the version they name, or by one that was not in charge then.

    A change may be seen as soon as it begins, and takes a moment to arrive, so who was in charge within ``late``
    seconds before the question is right too.
    """
    wrong = []
    for answer in found.answers:
        ref = f"{answer.headers['x-model-name']}/{answer.headers['x-model-version']}"
        value = orjson.loads(answer.body)["predictions"][0]
        known = [i for i, move in enumerate(moves) if move.begun <= answer.came]
        right = [i for i in known if i + 1 >= len(moves) or moves[i + 1].done >= answer.sent - late]
        if (value >= 10) != (ref == "tumour/2") or ref not in {moves[i].ref for i in right}:
            wrong.append(f"{ref} said {value}")
    return wrong


def check(found: Load, moves: list[Move], late: float = 10.0) -> None:
    assert [] == found.dropped
    assert {200} == {a.status for a in found.answers}
    assert [] == misnamed(found, moves, late)
    assert {"1", "2"} == {a.headers["x-model-version"] for a in found.answers}
    digests = {(a.headers["x-model-version"], a.headers["x-model-digest"]) for a in found.answers}
    assert 2 == len(digests)


@pytest.mark.parametrize("workers", [1, 2])
def test_swapping_drops_nothing(r: Registry, workers: int) -> None:
    """Six swaps in three seconds at half of the capacity: every request answered, by the version that it names."""
    found, moves, _ = swaps(r, 4.0, 0.5, workers=workers)
    check(found, moves)


@pytest.mark.campaign
@pytest.mark.timeout(300)
def test_a_minute_of_swaps(r: Registry, figures: Callable[..., None]) -> None:
    """Sixty seconds with a swap every two: nothing dropped, no 5xx, none misnamed, and the p99 at most doubled (L1)."""
    found, moves, before = swaps(r, float(os.environ.get("SWAP_SECONDS", "60")), 2.0)
    check(found, moves, late=1.0)
    figures(
        "L1 swaps", answers=len(found.answers), swaps=len(moves) - 1, dropped=len(found.dropped),
        p99_ms=round(found.quantile(0.99) * 1e3, 2), steady_ms=round(before * 1e3, 2),
    )  # fmt: skip
    assert found.quantile(0.99) <= 2 * before
