"""What is written down of requests, and what never is; and that no answer waits for it."""

from __future__ import annotations

import os
import pickle
import time
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest

from nbregistry.serving.app import Application, application
from nbregistry.serving.lines import PIECES, Lines
from nbregistry.serving.metrics import Cell
from nbregistry.serving.node import Batch
from nbregistry.serving.options import Options, hash_of
from nbregistry.serving.samples import ROWS
from tests.serving.on_a_socket import until
from tests.serving.stand_ins import FRAME, JSON, Offered, StandIn, asked, post

CANARY = "canary-5b1f0c"
ROW = {"age": 40, "income": 1.5, "plan": "plus", "member": True}


def lines(folder: Path, name: str) -> list[Any]:
    return [orjson.loads(line) for line in (folder / name).read_bytes().splitlines()]


def test_every_request_leaves_a_line(tmp_path: Path) -> None:
    """Id, model, version, the route's pattern, status, rows, time and bytes: as JSON, one line each, for us alone."""
    app = application(Offered(), options=Options(folder=tmp_path))
    app.start()
    post(app, "/models/churn/predict?x=1", {"rows": [[1, 2], [3, 4]]}, X_Request_Id="one")
    asked(app, "GET", f"/no/{CANARY}")
    app.stop()
    first, second = lines(tmp_path, "access-0.jsonl")
    expected = {
        "id": "one", "method": "POST", "route": "/models/{name}/predict", "model": "churn", "version": 3,
        "status": 200, "rows": 2, "received": 22,
    }  # fmt: skip
    assert expected == {key: first[key] for key in expected}
    assert 0 < first["ms"] < 10_000 and first["sent"] > 0 and first["time"].endswith("Z")
    assert (404, None) == (second["status"], second["route"])
    assert 0o600 == os.stat(tmp_path / "access-0.jsonl").st_mode & 0o777


def test_no_secret_is_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Tokens, queries, bodies, ids of no use and messages of faults are in no file, log or answer (S-29)."""
    endpoint = StandIn()

    async def before(batch: Batch) -> None:
        raise ValueError(CANARY)

    options = Options(folder=tmp_path, tokens={hash_of(CANARY): frozenset({"admin"})}, sampled=1.0)
    app = application(Offered(endpoint, StandIn("frames", FRAME)), options=options)
    app.start()
    headers = {**JSON, "authorization": f"Bearer {CANARY}", "referer": f"http://x/{CANARY}", "cookie": CANARY}
    told = [
        asked(app, "POST", f"/models/churn/predict?token={CANARY}", orjson.dumps([[1, 2]]), headers),
        asked(app, "POST", "/models/churn/predict", CANARY.encode(), {**headers, "x-request-id": f"{CANARY} x"}),
        asked(app, "GET", f"/{CANARY}?token={CANARY}", b"", headers),
        asked(app, "GET", "/models", b"", {"authorization": f"Basic {CANARY}"}),
        asked(app, "GET", "/models", b"", {"host": f"{CANARY}.example"}),
    ]
    endpoint.before = before
    told.append(asked(app, "POST", "/models/churn/predict", orjson.dumps([[1, 2]]), headers))
    app.stop()
    assert [200, 400, 404, 401, 403, 500] == [t.status for t in told]
    assert not [t for t in told if CANARY.encode() in t.body or CANARY in str(t.headers)]
    written = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert {"access-0.jsonl", "samples-0.jsonl"} <= {file.name for file in written}
    assert [] == [file.name for file in written if CANARY.encode() in file.read_bytes()]
    assert CANARY not in caplog.text and "ValueError" in caplog.text


def sampled(tmp_path: Path, **options: Any) -> Application:
    return application(Offered(StandIn(), StandIn("frames", FRAME)), options=Options(folder=tmp_path, **options))


def test_samples_hold_rows_and_answers(tmp_path: Path) -> None:
    """Columns by name, answers, version and id; a redacted column is not there; of many rows the first are."""
    app = sampled(tmp_path, sampled=1.0, redacted=("income",))
    app.start()
    told = post(app, "/models/frames/predict", {"records": [ROW, {**ROW, "age": 41}]})
    post(app, "/models/frames/predict", {"records": [ROW] * (ROWS + 5)})
    post(app, "/models/churn/predict", {"rows": [[1, 2]]})
    app.stop()
    first, second = lines(tmp_path, "samples-0.jsonl")
    assert {"age": [40, 41], "income": "[redacted]", "plan": ["plus"] * 2, "member": [True] * 2} == first["inputs"]
    assert (told.json["id"], ["frames/3"], told.json["predictions"]) == (first["id"], first["by"], first["outputs"])
    assert (ROWS + 5, ROWS) == (second["rows"], len(second["outputs"]))


@pytest.mark.parametrize(("fraction", "low", "high"), [(0.0, 0, 0), (0.3, 30, 150), (1.0, 300, 300)])
def test_chance_decides_what_is_kept(tmp_path: Path, fraction: float, low: int, high: int) -> None:
    """About the fraction that was asked for is kept; of nothing, no file."""
    app = sampled(tmp_path, sampled=fraction)
    endpoint = app.endpoints.all()[0]
    app.start()
    table = endpoint.intake.from_rows([[1, 2]])
    for _ in range(300):
        app.samples.offer(endpoint, Batch(table, outputs=np.ones(1), by=(endpoint.by,) if endpoint.by else ()))
        if len(getattr(app.samples._lines, "_waiting", ())) > 200:
            until(lambda: not getattr(app.samples._lines, "_waiting", None))
    app.stop()
    file = tmp_path / "samples-0.jsonl"
    assert low <= (len(lines(tmp_path, file.name)) if file.exists() else 0) <= high
    assert file.exists() == bool(fraction)


def test_what_waits_holds_the_first_rows_only(tmp_path: Path) -> None:
    """A long request that is kept does not stay in memory: neither its rows nor its answers are reachable."""
    app = sampled(tmp_path, sampled=1.0)
    plain, frames = app.endpoints.all()
    many = {"age": [40] * 50_000, "income": [1.5] * 50_000, "plan": ["plus"] * 50_000, "member": [True] * 50_000}
    for endpoint, table in (
        (plain, plain.intake.from_array(np.ones((50_000, 2)))),
        (frames, frames.intake.from_columns(many)),
    ):
        by = (endpoint.by,) if endpoint.by else ()
        app.samples.offer(endpoint, Batch(table, params={"x": [0] * 50_000}, outputs=np.ones(50_000), by=by))
        app.samples.offer(endpoint, Batch(table, params={}, outputs=pd.Series(np.ones(50_000)), by=by))
        app.samples.offer(endpoint, Batch(table, params={}, outputs=np.float64(1), by=by))
    del table, many
    waiting = list(getattr(app.samples._lines, "_waiting", ()))
    assert 6 == len(waiting)
    assert 400_000 > max(len(pickle.dumps(item[3:])) for item in waiting)
    app.start()
    app.stop()
    assert [(50_000, ROWS)] * 2 == [(w["rows"], len(w["outputs"])) for w in lines(tmp_path, "samples-0.jsonl")[:2]]


def test_a_disk_that_takes_a_part_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short write is followed by the rest."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, bytes(data)[:3]))
    log = Lines(tmp_path / "x.jsonl", lambda item: item, limit=1000, queue=10, dropped=Cell())
    log.put(b"one line")
    log.put(b"another")
    log._write()
    assert b"one line\nanother\n" == (tmp_path / "x.jsonl").read_bytes()


def test_a_log_is_bounded(tmp_path: Path) -> None:
    """Its files together never grow beyond the limit by more than what is written at once."""
    log = Lines(tmp_path / "x.jsonl", lambda item: item, limit=40_000, queue=100, dropped=Cell())
    for n in range(51):
        for _ in range(20):
            log.put(b"%04d" % n + b"x" * 100)
        log._write()
    files = sorted(tmp_path.iterdir())
    assert PIECES == len(files)
    assert sum(f.stat().st_size for f in files) < 40_000 + 4 * 2_200
    assert (tmp_path / "x.jsonl").stat().st_size < 14_000


def test_a_slow_disk_costs_lines_and_no_time() -> None:
    """What does not fit into the queue is counted and given up at once; nobody waits."""
    dropped = Cell()
    log = Lines(Path("/nonexistent/x.jsonl"), lambda item: item, limit=100, queue=10, dropped=dropped)
    started = time.perf_counter()
    for _ in range(1000):
        log.put(b"x")
    assert time.perf_counter() - started < 0.1
    assert 990 == dropped.value
    log.start()
    log.stop()
    assert 1000 == dropped.value


def test_a_line_that_cannot_be_formed_hurts_no_other(tmp_path: Path) -> None:
    """A fault in forming one line is logged, and the others are written."""

    def form(item: Any) -> bytes:
        return b"%d" % (1 // item)

    log = Lines(tmp_path / "x.jsonl", form, limit=1000, queue=10, dropped=Cell())
    for item in (1, 0, 1):
        log.put(item)
    log.start()
    log.stop()
    assert b"1\n1\n" == (tmp_path / "x.jsonl").read_bytes()
