"""Long bodies: others are answered while they are read, limits come first, and a version that changes is noticed."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import threading
from typing import Any

import pytest

from nbregistry.serving import scoring
from nbregistry.serving.app import application
from nbregistry.serving.codec import native
from nbregistry.serving.intake import Intake
from nbregistry.serving.options import Options
from nbregistry.serving.routes import NATIVE
from tests.serving.stand_ins import FRAME, JSON, NUMBERS, Offered, StandIn, ask, asked

LONG = json.dumps([[1.5, 2.5]] * 40_000).encode()
LINES = b"a,b\n" + b"1.5,2.5\n" * 20_000


class Watched:
    """A codec that does something before it reads."""

    def __init__(self, before: Any) -> None:
        self._before = before
        self.encode = native.encode

    def decode(self, body: bytes, media: str, intake: Any) -> Any:
        self._before()
        return native.decode(body, media, intake)


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize(("body", "kind"), [(LONG, "application/json"), (LINES, "text/csv")])
def test_others_are_answered_while_a_long_body_is_read(
    monkeypatch: pytest.MonkeyPatch, body: bytes, kind: str, coding: str
) -> None:
    """Liveness is told while the reading of a body has not ended, whatever form that has."""
    reading, go_on = threading.Event(), threading.Event()
    waited: list[bool] = []

    def before() -> None:
        reading.set()
        waited.append(go_on.wait(3))

    monkeypatch.setattr(scoring, "CODECS", {NATIVE: Watched(before)})
    app = application(Offered())

    async def both() -> tuple[int, int]:
        sent = gzip.compress(body) if coding == "gzip" else body
        headers = {"content-type": kind, "content-encoding": coding}
        long = asyncio.create_task(ask(app, "POST", "/models/churn/predict", sent, headers))
        while not reading.is_set():
            await asyncio.sleep(0.001)
        live = await ask(app, "GET", "/livez")
        go_on.set()
        return live.status, (await long).status

    assert (200, 200) == asyncio.run(both())
    assert [True] == waited


def test_a_long_body_is_read_by_the_signature_of_the_version_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that is exchanged while a thread reads has the body read again."""
    endpoint = StandIn()
    old, new = Intake(NUMBERS), Intake(NUMBERS)
    endpoint.intake = old
    count = []

    def before() -> None:
        count.append(endpoint.intake)
        endpoint.intake = new

    monkeypatch.setattr(scoring, "CODECS", {NATIVE: Watched(before)})
    assert 200 == asked(application(Offered(endpoint)), "POST", "/models/churn/predict", LONG, JSON).status
    assert [old, new] == count


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (json.dumps([["x", 2]] * 11).encode(), "application/json"),
        (json.dumps({"records": [{"age": "x"}] * 11}).encode(), "application/json"),
        (json.dumps({"data": {"age": ["x"] * 11}}).encode(), "application/json"),
        (b"age,income\n" + b"x,\n" * 11, "text/csv"),
    ],
)
def test_too_many_rows_are_refused_before_any_is_looked_at(body: bytes, kind: str) -> None:
    """Rows that do not fit either are 413, in every form: nobody looked at them."""
    app = application(Offered(StandIn("frames", FRAME)), options=Options(rows_limit=10))
    told = asked(app, "POST", "/models/frames/predict", body, {"content-type": kind})
    assert (413, True) == (told.status, "11 rows" in told.json["message"])


def test_garbage_is_not_collected_while_a_long_body_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Collection is off while a thread reads, however many do, and on again after the last, even after a refusal."""
    seen: list[bool] = []
    monkeypatch.setattr(scoring, "CODECS", {NATIVE: Watched(lambda: seen.append(gc.isenabled()))})
    app = application(Offered())

    async def several() -> list[int]:
        sent = (LONG, LONG, b"[" * len(LONG))
        told = await asyncio.gather(*(ask(app, "POST", "/models/churn/predict", body, JSON) for body in sent))
        return [t.status for t in told]

    assert [200, 200, 400] == asyncio.run(several())
    assert ([False] * 3, True) == (seen, gc.isenabled())


def test_lines_beyond_the_limit_are_not_read() -> None:
    """A cell that is no CSV far behind the last row taken is never seen."""
    body = b"a,b\n" + b"1,2\n" * 20_000 + b'"x"y,2\n'
    app = application(Offered(), options=Options(rows_limit=100))
    assert 413 == asked(app, "POST", "/models/churn/predict", body, {"content-type": "text/csv"}).status
