"""The short way answers as the long one does, to the byte, or leaves the request to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from uvicorn.config import Config
from uvicorn.server import ServerState

from nbregistry import Registry
from nbregistry.serving.app import Application, application
from nbregistry.serving.express import Express
from nbregistry.serving.following import Following
from nbregistry.serving.live import Terms
from nbregistry.serving.measures import Measures
from nbregistry.serving.options import Options, hash_of
from nbregistry.serving.protocol import bound

X, Y = load_breast_cancer(return_X_y=True)
ROWS = X[:2].tolist()


class Slow:
    """Takes as long for its rows as they say, in seconds."""

    n_features_in_ = 1

    def predict(self, X: Any) -> Any:
        time.sleep(float(np.max(X)))
        return np.asarray(X)[:, 0]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBREGISTRY_HOME", str(home))
        r = Registry(tmp_path_factory.mktemp("store"))
        r.register(LogisticRegression(max_iter=5_000).fit(X, Y), "tumour", X=X, y=Y)
        r.register(Slow(), "slow", X=np.zeros((3, 1)))
    return Path(r.settings.uri), home


class Served:
    """One application on two ports: with the short way, and without."""

    def __init__(self, app: Application, ports: tuple[int, int], taken: list[bool]) -> None:
        self.app, self.ports, self.taken = app, ports, taken

    async def both(self, message: bytes) -> tuple[tuple[int, dict[str, str], bytes], ...]:
        """Return what comes on each port: status, headers without those that differ each time, and body."""
        return tuple([await one(port, message) for port in self.ports])


@pytest.fixture
def served(store: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.setenv("NBREGISTRY_HOME", str(store[1]))

    def run(body: Callable[[Served], Coroutine[Any, Any, None]], **options: Any) -> None:
        async def main() -> None:
            measures = Measures()
            following = Following(
                Registry(store[0], read_only=True), Terms(compile=False, measures=measures),
            )  # fmt: skip
            await following.start(("tumour", "slow"))
            while not all(e.metadata()["batching"]["rows"] for e in following.all()):
                await asyncio.sleep(0.01)  # until then the last bits of an answer may change
            app = application(following, options=Options(**options), measures=measures)
            express, taken = Express(app), list[bool]()

            def noted(protocol: Any, short: Any) -> bool:
                taken.append(express(protocol, short))
                return taken[-1]

            servers = [await listening(app, noted), await listening(app, None)]
            ports = tuple(server.sockets[0].getsockname()[1] for server in servers)
            try:
                await body(Served(app, ports, taken))
                assert 0 == app.measures.in_flight.labels().value
                assert 0 == len(express)
            finally:
                for server in servers:
                    server.close()
                await following.close(5)

        asyncio.run(main())

    return run


async def listening(app: Application, express: Any) -> asyncio.Server:
    kind = bound(app.options, app.measures, express)
    config = Config(app, http=kind, ws="none", lifespan="off", log_config=None, access_log=False, interface="asgi3")
    config.load()
    state, loop = ServerState(), asyncio.get_running_loop()
    return await loop.create_server(
        lambda: kind(config=config, server_state=state, app_state={}, _loop=loop), "127.0.0.1", 0
    )


def post(path: str, body: Any, *headers: str, host: str = "127.0.0.1", media: str = "application/json") -> bytes:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"Content-Type: {media}", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(data)}", "", ""]).encode() + data


async def one(port: int, *pieces: bytes) -> tuple[int, dict[str, str], bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.02)
    found = await answer(reader)
    writer.close()
    return found


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers["content-length"]))
    given = headers.pop("x-request-id", "")
    return int(head[0].split()[1]), headers, body.replace(given.encode(), b"ID") if given else body


FITTING = {
    "rows": post("/models/tumour/predict", {"rows": ROWS}),
    "scores": post("/models/tumour/predict", {"rows": ROWS, "method": "predict_proba"}),
    "version": post("/models/tumour/1/predict", ROWS),
    "own id": post("/models/tumour/predict", {"rows": ROWS}, "X-Request-Id: mine-1"),
    "id in body": post("/models/tumour/predict", {"rows": ROWS, "id": "theirs"}),
    "mlflow": post("/invocations", {"inputs": ROWS}),
    "seldon": post("/api/v1.0/predictions", {"data": {"ndarray": ROWS}}),
    "inference": post(
        "/v2/models/tumour/infer",
        {"inputs": [{"name": "input", "shape": [2, 30], "datatype": "FP64", "data": X[:2].ravel().tolist()}]},
    ),
}

UNUSUAL = {
    "no such model": post("/models/tumor/predict", {"rows": ROWS}),
    "no such route": post("/nowhere", {}),
    "bad rows": post("/models/tumour/predict", {"rows": [["a"] * 30]}),
    "narrow rows": post("/models/tumour/predict", {"rows": [[1.0]]}),
    "no rows": post("/models/tumour/predict", {"rows": []}),
    "too many rows": post("/models/tumour/predict", {"rows": ROWS * 10}),
    "no JSON": post("/models/tumour/predict", b"{"),
    "NaN": post("/models/tumour/predict", b'{"rows": [[NaN]]}'),
    "no method": post("/models/tumour/predict", {"rows": ROWS, "method": "fit"}),
    "explain": post("/models/tumour/predict?explain=1", {"rows": ROWS}),
    "explain in a header": post("/models/tumour/predict", {"rows": ROWS}, "X-Explain: 1"),
    "escaped": post("/models/tum%6Fur/predict", {"rows": ROWS}),
    "text": post("/models/tumour/predict", {"rows": ROWS}, media="text/plain"),
    "charset": post("/models/tumour/predict", {"rows": ROWS}, media="application/json; charset=utf-8"),
    "CSV": post("/models/tumour/predict", b"1,2\n3,4\n", media="text/csv"),
    "another host": post("/models/tumour/predict", {"rows": ROWS}, host="evil.example"),
    "two hosts": post("/models/tumour/predict", {"rows": ROWS}, "Host: 127.0.0.1"),
    "another page": post("/models/tumour/predict", {"rows": ROWS}, "Origin: http://evil.example"),
    "no page": post("/models/tumour/predict", {"rows": ROWS}, "Origin: null"),
    "compressed": post("/models/tumour/predict", b"\x1f\x8b", "Content-Encoding: gzip"),
}


def plain(found: tuple[int, dict[str, str], bytes]) -> tuple[int, dict[str, str], Any]:
    """Return an answer without what differs each time: how long nodes took, and how long an id is."""
    status, headers, body = found
    content = orjson.loads(body)
    for step in content.get("steps", ()) if isinstance(content, dict) else ():
        step["seconds"] = 0
    return status, {**headers, "content-length": ""}, content


@pytest.mark.parametrize("name", FITTING)
def test_usual_requests_are_answered_the_same(served: Callable[..., None], name: str) -> None:
    """What fits is taken the short way, and status, headers and body are those of the long one."""

    async def body(s: Served) -> None:
        short, long = await s.both(FITTING[name])
        assert 200 == short[0]
        assert long == short
        assert [True] == s.taken

    served(body)


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_requests_take_the_long_way(served: Callable[..., None], name: str) -> None:
    """What does not fit, or is refused, is left to the long way, whose answer comes."""

    async def body(s: Served) -> None:
        short, long = await s.both(UNUSUAL[name])
        assert plain(long) == plain(short)
        assert True not in s.taken

    served(body, rows_limit=10)


def test_tokens_hold_on_the_short_way(served: Callable[..., None]) -> None:
    """Without the token 401, with one that may not ask 403, with the right one an answer."""
    tokens = {hash_of("a" * 32): frozenset({"predict"}), hash_of("b" * 32): frozenset({"read"})}

    async def body(s: Served) -> None:
        for secret, status in (("", 401), ("c" * 32, 401), ("b" * 32, 403), ("a" * 32, 200)):
            message = post("/models/tumour/predict", {"rows": ROWS}, f"Authorization: Bearer {secret}")
            short, long = await s.both(message)
            assert (status, long) == (short[0], short)
        assert [False, False, False, True] == s.taken

    served(body, tokens=tokens)


def test_body_that_comes_later_is_answered(served: Callable[..., None]) -> None:
    """A request that comes in pieces, cut anywhere, is answered; the long way where its body comes by itself."""
    message = FITTING["rows"]
    end = message.index(b"\r\n\r\n") + 4

    async def body(s: Served) -> None:
        for cut in (10, end - 2, end, end + 5, len(message) - 1):
            assert 200 == (await one(s.ports[0], message[:cut], message[cut:]))[0]
        assert [True, True] == s.taken  # the two whose body came with the end of the headers

    served(body)


def test_requests_in_a_row_are_answered_in_order(served: Callable[..., None]) -> None:
    """Several requests in one piece, short and long mixed, get their answers in the order they came."""
    asked = [
        post("/models/tumour/predict", {"rows": ROWS, "id": "1"}), UNUSUAL["bad rows"],
        post("/models/tumour/predict", {"rows": ROWS, "id": "3"}), UNUSUAL["no such model"],
        post("/models/tumour/predict", {"rows": ROWS, "id": "5"}),
    ]  # fmt: skip

    async def body(s: Served) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", s.ports[0])
        writer.write(b"".join(asked))
        assert [200, 422, 200, 404, 200] == [(await answer(reader))[0] for _ in asked]
        writer.write(FITTING["rows"])
        assert 200 == (await answer(reader))[0]
        writer.close()

    served(body)


def test_connection_ends_when_it_is_asked_to(served: Callable[..., None]) -> None:
    """``Connection: close``, HTTP/1.0 and a server that leaves each end the connection behind the answer."""

    async def ends(port: int, message: bytes) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(message)
        found = await answer(reader)
        assert 200 == found[0]
        assert "close" == found[1].get("connection")
        ended = await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        return ended

    async def body(s: Served) -> None:
        assert await ends(s.ports[0], post("/models/tumour/predict", {"rows": ROWS}, "Connection: close"))
        assert await ends(s.ports[0], FITTING["rows"].replace(b"HTTP/1.1", b"HTTP/1.0"))
        s.app.leaving = True
        assert await ends(s.ports[0], FITTING["rows"])

    served(body)


def test_who_leaves_is_forgotten(served: Callable[..., None]) -> None:
    """A client that closes before its answer costs nothing afterwards, and others are answered."""

    async def body(s: Served) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", s.ports[0])
        writer.write(post("/models/slow/predict", {"rows": [[0.3]]}))
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.close()
        assert 200 == (await one(s.ports[0], post("/models/slow/predict", {"rows": [[0.0]]})))[0]
        gone = s.app.measures.requests.labels("slow", "1", "native", "4xx")
        until = time.monotonic() + 5
        while not gone.value:
            assert time.monotonic() < until
            await asyncio.sleep(0.01)

    served(body)


def test_late_answer_is_given_up(served: Callable[..., None]) -> None:
    """A model that takes longer than an answer may gets 503 and when to come back."""

    async def body(s: Served) -> None:
        status, headers, content = await one(s.ports[0], post("/models/slow/predict", {"rows": [[1.5]]}))
        assert 503 == status
        assert "retry-after" in headers
        assert b"within 0.2 seconds" in content
        assert [True] == s.taken
        await asyncio.sleep(1.4)  # the model itself cannot be stopped

    served(body, answer_timeout=0.2)


def test_both_ways_count_alike(served: Callable[..., None]) -> None:
    """Requests and rows of both ways add up in the same counters."""

    async def body(s: Served) -> None:
        for _ in range(3):
            await s.both(FITTING["rows"])
        assert 6 == s.app.measures.requests.labels("tumour", "1", "native", "2xx").value
        assert 12 == s.app.measures.rows.labels("tumour", "1", "native").value

    served(body)


def test_too_many_at_once_are_refused(served: Callable[..., None]) -> None:
    """With one prediction under way of one that may be, the next is refused with 503, whichever way it comes."""

    async def body(s: Served) -> None:
        first = asyncio.ensure_future(one(s.ports[0], post("/models/slow/predict", {"rows": [[0.5]]})))
        await asyncio.sleep(0.1)
        assert 503 == (await one(s.ports[0], FITTING["rows"]))[0]
        assert 503 == (await one(s.ports[1], FITTING["rows"]))[0]
        assert 200 == (await first)[0]

    served(body, concurrency=1)
