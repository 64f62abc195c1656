"""The application, asked in the same process: answers, refusals and their shapes, limits and statistics."""

from __future__ import annotations

import asyncio
import gzip
import time
import zlib
from pathlib import Path
from typing import Any

import orjson
import pytest

from nbregistry.errors import Damaged, ModelFailed, Overloaded
from nbregistry.serving.app import Application, application
from nbregistry.serving.node import Batch
from nbregistry.serving.options import MIB, Options
from nbregistry.serving.request import new_id
from nbregistry.serving.routes import ROUTES, Route, RouteTable
from tests.serving.stand_ins import FRAME, JSON, NUMBERS, Offered, Rewarded, StandIn, ask, asked, post

ROW = {"age": 40, "income": 1.5, "plan": "plus", "member": True}
WAYS = {
    "/models/churn/predict": {"rows": [[1, 2]]},
    "/invocations": {"instances": [[1, 2]]},
    "/v2/models/churn/infer": {"inputs": [{"name": "input", "datatype": "FP64", "shape": [1, 2], "data": [1, 2]}]},
    "/api/v1.0/predictions": {"data": {"ndarray": [[1, 2]]}},
}


@pytest.fixture
def app() -> Application:
    return application(Offered(StandIn(), Rewarded("frames", FRAME)))


@pytest.mark.parametrize("way", WAYS)
def test_every_protocol_is_answered_and_signed(app: Application, way: str) -> None:
    """The four protocols give the same number, name the version and digest, and keep the client's id."""
    told = post(app, way, WAYS[way], X_Request_Id="mine-1")
    assert 200 == told.status
    assert ("mine-1", "churn", "3", "ab" * 32) == tuple(
        told.headers[f"x-{name}"] for name in ("request-id", "model-name", "model-version", "model-digest")
    )
    assert b"3.0" in told.body


@pytest.mark.parametrize("path", ["churn/3", "churn/@champion", "churn@champion", "churn"])
def test_a_path_names_a_version_or_an_alias(app: Application, path: str) -> None:
    """All of these mean the same model; another version is 404 and says so."""
    assert 200 == post(app, f"/models/{path}/predict", {"rows": [[1, 2]]}).status
    assert 200 == post(app, f"/models/{path}/invocations", {"inputs": [[1, 2]]}).status
    assert 404 == post(app, "/models/churn/4/predict", {"rows": [[1, 2]]}).status


@pytest.mark.parametrize("way", WAYS)
def test_refusals_speak_the_protocol(app: Application, way: str) -> None:
    """A body that is no JSON is 400 in each protocol's own shape, with the id in the header."""
    told = asked(app, "POST", way, b"{", JSON)
    key = {"/invocations": "error_code", "/api/v1.0/predictions": "status"}.get(way, "error")
    assert (400, True, True) == (told.status, key in told.json, bool(told.headers["x-request-id"]))


def test_bad_rows_are_named(app: Application) -> None:
    """422 names the row and the column, at most twenty, in less than 4 KiB."""
    told = post(app, "/models/frames/predict", {"records": [{**ROW, "age": "x" * 10_000}] * 100})
    assert (422, 20) == (told.status, len(told.json["faults"]))
    assert {"row": 0, "column": "age"}.items() <= told.json["faults"][0].items()
    assert len(told.json["message"]) < 4096
    assert "3" == told.headers["x-model-version"]


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\xff", "../x", "a;b"])
def test_an_unsafe_id_is_replaced(app: Application, given: str) -> None:
    """An id that could not stand in a log or a header is not taken over."""
    told = asked(app, "GET", "/livez", b"", {"x-request-id": given})
    assert given != told.headers["x-request-id"]


def test_ids_are_unique() -> None:
    """Ids of our own never repeat."""
    assert 1000 == len({new_id() for _ in range(1000)})


@pytest.mark.parametrize("query", ["?explain=1", "?explain=true"])
def test_a_way_is_explained_on_request(app: Application, query: str) -> None:
    """The steps are told to whom asks, and to nobody else."""
    assert ["churn"] == [
        s["node"] for s in post(app, f"/models/churn/predict{query}", {"rows": [[1, 2]]}).json["steps"]
    ]
    assert "steps" not in post(app, "/models/churn/predict", {"rows": [[1, 2]]}).json
    assert "steps" in post(app, "/models/churn/predict", {"rows": [[1, 2]]}, X_Explain="1").json


def test_probabilities_come_with_their_labels(app: Application) -> None:
    """What the columns stand for is told beside probabilities, and only there."""
    endpoint: Any = app.endpoints.find("churn")
    endpoint.methods, endpoint.classes = ("predict", "predict_proba"), ["no", "yes"]
    body = {"rows": [[1, 2]]}
    assert ["no", "yes"] == post(app, "/models/churn/predict", {**body, "method": "predict_proba"}).json["classes"]
    assert "classes" not in post(app, "/models/churn/predict", body).json


def test_rewards_reach_who_takes_them(app: Application) -> None:
    """Native and Seldon feedback find the graph; what is no reward, or meant for a single model, is refused."""
    assert 200 == post(app, "/feedback", {"id": "a", "reward": 1}).status
    seldon = {"response": {"meta": {"puid": "b"}}, "reward": 0.5}
    assert 200 == post(app, "/api/v1.0/feedback", seldon).status
    assert [("a", 1.0), ("b", 0.5)] == app.endpoints.find("frames").rewards  # type: ignore[attr-defined]  # a stand-in
    wrongs: list[Any] = [{"id": "a"}, {"reward": 1}, {"id": "a", "reward": True}, {"id": [], "reward": 1}, [], 3]
    for wrong in wrongs:
        assert 400 == post(app, "/feedback", wrong).status
    assert 404 == post(app, "/feedback", {"id": "a", "reward": 1, "model": "churn"}).status


def test_wrong_methods_and_paths(app: Application) -> None:
    """405 says what the route takes, 404 that there is none; HEAD and OPTIONS are answered."""
    told = asked(app, "DELETE", "/models/churn/predict")
    assert (405, "POST") == (told.status, told.headers["allow"])
    assert "OPTIONS, POST" == asked(app, "OPTIONS", "/invocations").headers["allow"]
    assert 200 == asked(app, "HEAD", "/livez").status
    for path in (
        "/nothing",
        "/models/a/b/c/predict",
        "/models//predict",
        "/v2/",
        "//livez",
        "/livez/",
        "/docs/../app.py",
    ):
        assert 404 == asked(app, "GET", path).status, path
    for path in ("/models/a%2Fb/metadata", "/models/a%5cb/metadata", "/models/a%00/metadata"):
        assert 400 == asked(app, "GET", path).status, path


def test_a_model_called_like_a_word_of_ours_is_found() -> None:
    """Names of models and segments of routes do not get in each other's way."""
    table = RouteTable()
    assert {"name": "predict", "which": "metadata"} == table.match("/models/predict/metadata/predict").values
    assert "metadata" == table.match("/models/metadata/metadata").routes["GET"].action
    with pytest.raises(Exception, match="twice"):
        RouteTable([*ROUTES, Route("GET", "/livez", "livez", "open")])


@pytest.mark.parametrize("way", WAYS)
def test_long_bodies_are_413(way: str) -> None:
    """Announced, sent whole, sent in pieces, or only long when decompressed: 413, and the connection ends (L5)."""
    app = application(Offered(), options=Options(body_limit=100_000))
    pulled = []

    def pieces() -> Any:
        for _ in range(100):
            pulled.append(65536)
            yield b" " * 65536

    assert 413 == asked(app, "POST", way, b"", {**JSON, "content-length": str(2**30)}).status
    assert 413 == asked(app, "POST", way, b" " * 100_001, JSON).status
    told = asked(app, "POST", way, list(pieces())[:4], JSON)
    assert (413, "close") == (told.status, told.headers["connection"])
    assert 413 == asked(app, "POST", way, gzip.compress(b" " * 10_000_000), {**JSON, "content-encoding": "gzip"}).status


def test_reading_stops_at_the_limit() -> None:
    """Of an endless body no more is taken than the limit and one piece (S-80)."""
    app, taken = application(Offered(), options=Options(body_limit=MIB)), []

    async def receive() -> Any:
        taken.append(65536)
        return {"type": "http.request", "body": b" " * 65536, "more_body": True}

    async def run() -> int:
        sent = []

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/invocations", "query_string": b"", "headers": headers}
        await app(scope, receive, send)
        return int(sent[0]["status"])

    assert 413 == asyncio.run(run())
    assert sum(taken) <= MIB + 65536


def test_deflated_bodies_are_read() -> None:
    """What Triton's client deflates is read under the same limits."""
    app = application(Offered())
    body, headers = zlib.compress(b'{"rows": [[1, 2]]}'), {**JSON, "content-encoding": "deflate"}
    assert 200 == asked(app, "POST", "/models/churn/predict", body, headers).status
    for wrong in (body[:-3], b"none", body + b"more", gzip.compress(b"[[1, 2]]"), b""):
        assert 400 == asked(app, "POST", "/models/churn/predict", wrong, headers).status, wrong
    assert 413 == asked(app, "POST", "/invocations", zlib.compress(bytes(15 * MIB)), headers).status


def test_compressed_bodies_are_read() -> None:
    """What gzip made is read; other encodings are 415; what is cut, no gzip, or goes on is 400; bombs 413 (S-80)."""
    app = application(Offered())
    body = gzip.compress(b'{"rows": [[1, 2]]}')
    zipped = {**JSON, "content-encoding": "gzip"}
    assert 200 == asked(app, "POST", "/models/churn/predict", body, zipped).status
    for wrong in (body[:-9], b"no gzip", body + b"more", body + body, b""):
        assert 400 == asked(app, "POST", "/models/churn/predict", wrong, zipped).status, wrong
    for coding in ("br", "gzip, gzip", "zstd", "x"):
        assert 415 == asked(app, "POST", "/invocations", body, {**JSON, "content-encoding": coding}).status
    bomb = gzip.compress(bytes(15 * MIB))
    started = time.perf_counter()
    assert 413 == asked(app, "POST", "/invocations", bomb, zipped).status
    assert time.perf_counter() - started < 1


def test_rows_are_limited() -> None:
    """One row more than allowed is 413 and says how many are."""
    app = application(Offered(), options=Options(rows_limit=10))
    assert 200 == post(app, "/models/churn/predict", {"rows": [[1, 2]] * 10}).status
    told = post(app, "/models/churn/predict", {"rows": [[1, 2]] * 11})
    assert (413, True) == (told.status, "10" in told.json["message"])


def slow(seconds: float, **options: Any) -> Application:
    endpoint = StandIn()

    async def before(batch: Batch) -> None:
        await asyncio.sleep(seconds)

    endpoint.before = before
    return application(Offered(endpoint), options=Options(**options))


async def many(app: Application, count: int) -> list[int]:
    told = await asyncio.gather(*(ask(app, "POST", "/models/churn/predict", b"[[1, 2]]", JSON) for _ in range(count)))
    assert {None, "1"} >= {t.headers.get("retry-after") for t in told}
    return [t.status for t in told]


def test_overload_is_refused_early_and_passes() -> None:
    """Of three times as many as may be under way the surplus is told 503 at once; the rest is answered (L9)."""
    app = slow(0.2, concurrency=4)
    started = time.perf_counter()
    assert [200] * 4 + [503] * 8 == asyncio.run(many(app, 12))
    assert time.perf_counter() - started < 2
    assert [200] * 4 == asyncio.run(many(app, 4))


def test_what_takes_too_long_is_given_up() -> None:
    """A model that does not answer in time is 503 with Retry-After, and what it did is cancelled."""
    app = slow(30, answer_timeout=0.2)
    assert [503, 503] == asyncio.run(many(app, 2))
    assert 0 == len(app.deadlines)


def failing(error: BaseException) -> Application:
    endpoint = StandIn()

    async def before(batch: Batch) -> None:
        raise error

    endpoint.before = before
    return application(Offered(endpoint))


@pytest.mark.parametrize(
    ("error", "status", "shown"),
    [
        (ModelFailed("The model raised ValueError."), 500, True), (Overloaded("Full.", 2.5), 503, True),
        (Damaged("secret-path"), 500, False), (ValueError("secret-value"), 500, False), (MemoryError(), 503, True),
        (RecursionError("secret"), 500, False), (KeyError("secret"), 500, False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", WAYS)
def test_failures_tell_an_id_and_no_more(way: str, error: Exception, status: int, shown: bool) -> None:
    """What nobody foresaw is 500 with the id; no traceback, no message, no path; errors of ours say theirs (S-29)."""
    told = post(failing(error), way, WAYS[way])
    assert status == told.status
    assert b"Traceback" not in told.body and b"secret" not in told.body
    assert "x-request-id" in told.headers
    if not shown:
        assert b"log" in told.body
    if isinstance(error, Overloaded):
        assert "3" == told.headers["retry-after"]


def test_who_went_away_is_not_answered(app: Application) -> None:
    """A client that left in the middle of its body costs nothing and is counted as such."""

    async def run() -> None:
        async def receive() -> Any:
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            pytest.fail("nobody is there")

        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/invocations", "query_string": b"", "headers": headers}
        await app(scope, receive, send)

    asyncio.run(run())
    assert 0 == app.measures.in_flight.labels().value


BAD_JSON = [
    b"", b"{", b"[", b"nonsense", b'{"rows": [[1, 2]]', b"[" * 100_000, b'{"a":' * 5_000, b"\xff\xfe",
    b"\xef\xbb\xbf[[1, 2]]",
    b'{"rows": [["\\ud800", 2]]}', b'{"rows": [[1, NaN]]}', b'{"rows": [[Infinity, 2]]}', b'{"rows": [[1, 2]]}\0',
    b'{"rows": [[1, 2]], "rows": [[3, 4]]}', b'"text"', b"3", b"null", b"true", b"[]", b"{}", b'{"rows": []}',
    b'{"rows": [[]]}', b'{"rows": [[1, 2], [3]]}', b'{"rows": [[1, 2, 3]]}', b'{"rows": [[1, "2"]]}',
    b'{"rows": [[1, true]]}', b'{"rows": [[1, null]]}', b'{"rows": [[1, {}]]}', b'{"rows": {"a": 1}}', b'{"rows": 3}',
    b'{"rows": [[1, 2]], "method": "__class__"}', b'{"rows": [[1, 2]], "params": 3}', b'{"unknown": 1}',
    b'{"records": [{"a": 1}]}', b'{"rows": [1, 2]}', b"\0", b" " * 1000,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_no_bad_input_is_our_fault(app: Application, way: str) -> None:
    """Nothing in the table of bad bodies is a 5xx or a 200, whatever the protocol and the model (L6, S-83)."""
    for body in BAD_JSON:
        for target in (way, way.replace("churn", "frames")):
            told = asked(app, "POST", target, body, JSON)
            assert 400 <= told.status < 500, body[:80]
            assert len(told.body) < 8192


@pytest.mark.parametrize(
    "row",
    [
        {**ROW, "age": 1.5}, {**ROW, "age": 2**63}, {**ROW, "age": "1"}, {**ROW, "age": True}, {**ROW, "age": None},
        {**ROW, "plan": "gold"}, {**ROW, "plan": None}, {**ROW, "plan": 1}, {**ROW, "member": 1},
        {**ROW, "member": "true"}, {**ROW, "income": "1"}, {**ROW, "income": []}, {k: ROW[k] for k in ("age", "plan")},
    ],
)  # fmt: skip
def test_wrong_values_are_422_by_every_route(app: Application, row: dict[str, Any]) -> None:
    """The verdict on a value does not depend on the protocol it came in (L6)."""
    assert 422 == post(app, "/models/frames/predict", {"records": [row]}).status
    assert 422 == post(app, "/models/frames/invocations", {"dataframe_records": [row]}).status
    fine = {**ROW, "income": None}
    assert 200 == post(app, "/models/frames/predict", {"records": [fine]}).status


def test_huge_numbers_and_widths_are_answered(app: Application) -> None:
    """A number of 100,000 digits, 1e999, -0.0, 100,000 columns: never our fault (L6)."""
    for body, fine in (
        (b'{"rows": [[1, ' + b"9" * 100_000 + b"]]}", False),
        (b'{"rows": [[1, 1e999]]}', False),
        (b'{"rows": [[-0.0, 1e308]]}', True),
        (orjson.dumps({"rows": [[1.0] * 100_000]}), False),
        (orjson.dumps({"rows": [[1, 2]], "params": {str(n): n for n in range(100_000)}}), True),
    ):
        told = asked(app, "POST", "/models/churn/predict", body, JSON)
        assert told.status == 200 if fine else 400 <= told.status < 500, body[:60]


def test_readiness_follows_what_is_served(app: Application) -> None:
    """503 while anything cannot answer or the process leaves; verbose says which and why."""
    endpoint = app.endpoints.all()[0]
    assert {200} == {asked(app, "GET", p).status for p in ("/readyz", "/ping", "/health", "/v2/health/ready")}
    endpoint.ready, endpoint.trouble = False, "bytes do not match"  # type: ignore[misc]  # a stand-in's can be set
    for path in ("/readyz", "/ping", "/v2/health/ready", "/v2/models/churn/ready"):
        assert (503, "1") == ((told := asked(app, "GET", path)).status, told.headers["retry-after"])
    assert "bytes do not match" == asked(app, "GET", "/readyz?verbose").json["endpoints"][0]["trouble"]
    assert 200 == asked(app, "GET", "/livez").status
    endpoint.ready = True  # type: ignore[misc]  # as above
    app.leaving = True
    told = asked(app, "GET", "/readyz")
    assert (503, "close") == (told.status, told.headers["connection"])


def test_requests_are_counted(app: Application, tmp_path: Path) -> None:
    """Requests, rows, errors and refusals are told by model, version and protocol, in metrics and statistics."""
    for _ in range(3):
        post(app, "/models/churn/predict", {"rows": [[1, 2], [3, 4]]})
    post(app, "/invocations", {"instances": [["x", 2]]})
    asked(app, "GET", "/models", b"", {"host": "evil.example"})
    text = asked(app, "GET", "/metrics").body.decode()
    for line in (
        'nbregistry_requests_total{model="churn",version="3",protocol="native",status="2xx"} 3',
        'nbregistry_rows_total{model="churn",version="3",protocol="native"} 6',
        'nbregistry_errors_total{model="churn",version="3",kind="bad_rows"} 1',
        'nbregistry_rejected_total{reason="not_allowed"} 1',
    ):
        assert line in text
    told = asked(app, "GET", "/stats").json
    (version,) = (v for v in told["versions"] if v["version"] == 3)
    assert (6, {"2xx": 3, "4xx": 1}, {"bad_rows": 1}) == (version["rows"], version["requests"], version["errors"])
    assert 0 < version["ms"]["p50"] <= version["ms"]["p99"] < 10_000
    newer = asked(app, "GET", "/metrics", b"", {"accept": "application/openmetrics-text; version=1.0.0"})
    assert newer.body.endswith(b"# EOF\n") and "openmetrics" in newer.headers["content-type"]


def test_labels_do_not_grow_with_what_clients_send(app: Application) -> None:
    """A thousand unknown models, paths and methods leave no thousand labels."""
    for n in range(1000):
        asked(app, "POST" if n % 2 else f"M{n}", f"/models/none{n}/predict", b"[[1, 2]]", JSON)
    assert len(app.measures.requests.state()) < 10


def test_our_own_code_costs_little() -> None:
    """The way around codec and model takes well under a tenth of a millisecond (a wide bound; some 10 us are usual)."""
    app = application(Offered(StandIn("churn", NUMBERS)))

    async def run(count: int) -> float:
        started = time.perf_counter()
        for _ in range(count):
            await ask(app, "POST", "/models/churn/predict", b"[[1, 2]]", JSON)
        return (time.perf_counter() - started) / count

    asyncio.run(run(100))
    assert min(asyncio.run(run(200)) for _ in range(5)) < 0.0005
