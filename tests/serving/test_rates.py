"""What a server does now, from two answers to what it did since its start."""

from __future__ import annotations

from typing import Any

from nbregistry.serving.app import application
from nbregistry.serving.metrics import SECONDS
from nbregistry.serving.rates import rates
from tests.serving.stand_ins import Offered, StandIn, asked, post


def stats(requests: dict[str, int], counts: list[int], **more: Any) -> dict[str, Any]:
    padded = [*counts, *[0] * (len(SECONDS) + 1 - len(counts))]
    return {"versions": [{"requests": requests}], "seconds": {"bounds": list(SECONDS), "counts": padded}, **more}


def test_differences_are_told_each_second() -> None:
    """Requests, failures, latencies and batches are those between the two looks, not those since the start."""
    before = stats({"2xx": 1000}, [1000], batches={"runs": 10, "rows": 500}, rejected={"overloaded": 1})
    now = stats(
        {"2xx": 1010, "4xx": 4}, [1000, 0, 0, 0, 14], batches={"runs": 14, "rows": 514}, rejected={"overloaded": 3},
        queued=7, in_flight=3, memory=10**8,
    )  # fmt: skip
    found = rates(before, now, 2.0)
    assert (7.0, 3.0) == (found.requests, found.errors)
    assert 5.0 < (found.p50 or 0) <= (found.p99 or 0) <= 10.0
    assert (3.5, 7, 2, 10**8) == (found.batch, found.queued, found.in_flight, found.memory)


def test_nothing_asked_has_no_latency() -> None:
    """Where no request came, there is no quantile and no batch."""
    found = rates(stats({"2xx": 5}, [5]), stats({"2xx": 5}, [5]), 1.0)
    assert (0.0, 0.0, None, None, None) == found[:5]


def test_counters_that_fell_begin_anew() -> None:
    """A server started again in the same place counts from nothing; no rate is negative."""
    found = rates(stats({"2xx": 900}, [900]), stats({"2xx": 4}, [4]), 1.0)
    assert 4.0 == found.requests
    assert found.p50 is not None


def test_a_server_tells_what_is_needed() -> None:
    """Two answers of `/stats` give the rates of what was asked between them, the asking itself left out."""
    app = application(Offered(StandIn("churn")))
    before = asked(app, "GET", "/stats").json
    for _ in range(3):
        post(app, "/models/churn/predict", {"rows": [[1, 2], [3, 4]]})
    post(app, "/models/churn/predict", {"rows": [["x", 2]]})
    found = rates(before, asked(app, "GET", "/stats").json, 1.0)
    assert (4.0, 1.0) == (found.requests, found.errors)
    assert found.p50 is not None
    assert found.p99 is not None
    assert 0 < found.p50 <= found.p99
