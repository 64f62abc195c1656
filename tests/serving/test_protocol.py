"""HTTP on a real socket: what is malformed, slow, too much, or meant to be read in two ways."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import resource
import socket
import statistics
import time
from collections.abc import Iterator

import orjson
import pytest

from nbregistry.serving.app import Application, application
from nbregistry.serving.node import Batch
from nbregistry.serving.options import MIB, Options
from nbregistry.serving.protocol import FIELDS
from nbregistry.serving.snapshots import resident
from tests.serving.on_a_socket import exchange, running, status_of, talk, until
from tests.serving.stand_ins import Offered, StandIn

BODY = b'{"rows": [[1, 2]]}'


def made(port: int) -> Application:
    quick = Options(port=port, header_timeout=0.6, body_timeout=0.4, keep_alive=0.8, body_limit=MIB)
    return application(Offered(), options=quick)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[int, Application]]:
    with running(made) as found:
        yield found


@pytest.fixture
def port(served: tuple[int, Application]) -> int:
    return served[0]


def head(
    port: int, *more: bytes, line: bytes = b"POST /models/churn/predict HTTP/1.1", length: int = len(BODY)
) -> bytes:
    fields = (b"Host: 127.0.0.1:%d" % port, b"Content-Type: application/json", *more)
    counted = (b"Content-Length: %d" % length,) if length >= 0 else ()
    return b"\r\n".join((line, *fields, *counted, b"", b""))


def answered(port: int) -> int:
    """Ask properly, on a connection of one's own."""
    found, _ = talk(port, head(port, b"Connection: close"), BODY)
    return status_of(found)


def test_a_request_is_answered(port: int) -> None:
    """A plain request gets its answer, in one piece, and the connection stays open for the next."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        for _ in range(3):
            sock.sendall(head(port) + BODY)
            found = sock.recv(65536)
            assert 200 == status_of(found)
            assert [3.0] == orjson.loads(found.split(b"\r\n\r\n", 1)[1])["predictions"]


def test_pipelined_requests_are_answered_in_order(port: int) -> None:
    """Three requests in one piece, the first slower than the others, come back in their order."""
    asked = [b'{"rows": [[%d, 0]]}' % n for n in (1, 2, 3)]
    sent = b"".join(head(port, *((b"Connection: close",) * (n == 2)), length=len(b)) + b for n, b in enumerate(asked))
    found, closed = talk(port, sent)
    assert closed
    assert [b"[1.0]", b"[2.0]", b"[3.0]"] == [piece[:5] for piece in found.split(b'"predictions":')[1:]]


SMUGGLED = {
    "both lengths": head(0, b"Transfer-Encoding: chunked") + BODY,
    "two lengths": head(0, b"Content-Length: 5") + BODY,
    "two equal lengths": head(0, b"Content-Length: %d" % len(BODY)) + BODY,
    "lengths in one header": head(0, b"Content-Length: 18, 18", length=-1) + BODY,
    "signed length": head(0, b"Content-Length: +18", length=-1) + BODY,
    "negative length": head(0, b"Content-Length: -1", length=-1) + BODY,
    "hexadecimal length": head(0, b"Content-Length: 0x12", length=-1) + BODY,
    "unknown coding": head(0, b"Transfer-Encoding: xchunked", length=-1) + BODY,
    "unknown coding of no body": head(0, b"Transfer-Encoding: x", line=b"GET /livez HTTP/1.1", length=-1),
    "coding before chunked": head(0, b"Transfer-Encoding: chunked, identity", length=-1) + BODY,
    "coding with a tab": head(0, b"Transfer-Encoding:\tchunked", b"Transfer-Encoding: identity", length=-1) + BODY,
    "bare line feeds": head(0).replace(b"\r\n", b"\n") + BODY,
    "one bare line feed": head(0, b"X-A: b\nX-C: d") + BODY,
    "bare carriage return": head(0, b"X-A: b\rX-C: d") + BODY,
    "folded header": head(0, b"X-A: b\r\n c") + BODY,
    "folded with a tab": head(0, b"X-A: b\r\n\tc") + BODY,
    "space before the colon": head(0, b"Transfer-Encoding : chunked") + BODY,
    "space before the name": b"POST / HTTP/1.1\r\n Host: x\r\n\r\n",
    "nul in a value": head(0, b"X-A: b\0c") + BODY,
    "header without a colon": head(0, b"X-A") + BODY,
    "empty name": head(0, b": x") + BODY,
    "chunk of a wrong size": head(0, b"Transfer-Encoding: chunked", length=-1) + b"zz\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunk with a bare line feed": head(0, b"Transfer-Encoding: chunked", length=-1) + b"12\n" + BODY + b"\n0\n\n",
    "chunk longer than it says": head(0, b"Transfer-Encoding: chunked", length=-1) + b"2\r\n" + BODY + b"\r\n0\r\n\r\n",
    "absolute form": head(0, line=b"POST http://127.0.0.1/models/churn/predict HTTP/1.1") + BODY,
    "absolute form of another": head(0, line=b"GET http://evil.example/models HTTP/1.1", length=0),
    "authority form": head(0, line=b"CONNECT evil.example:443 HTTP/1.1", length=0),
    "no slash": head(0, line=b"GET models HTTP/1.1", length=0),
    "version 3": head(0, line=b"GET /livez HTTP/3.0", length=0),
    "version 0.9": b"GET /livez\r\n\r\n",
    "preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "bytes": bytes(range(256)),
    "raw bytes in the path": head(0, line=b"GET /mod\xffels HTTP/1.1", length=0),
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_what_could_be_read_in_two_ways_is_refused(port: int, name: str) -> None:
    """400 and the end of the connection, so that nothing hidden behind it is ever read (S-81, S-20)."""
    hidden = head(port, line=b"GET /models HTTP/1.1", length=0)
    sent = SMUGGLED[name].replace(b"127.0.0.1:0", b"127.0.0.1:%d" % port)
    found, closed = talk(port, sent + hidden)
    assert (400, True) == (status_of(found), closed)
    assert 1 == found.count(b"HTTP/1.1 400 ") + found.count(b"HTTP/1.1 2")


def test_a_name_is_needed(port: int) -> None:
    """No Host, an empty one, or two of them are refused."""
    for fields in (b"", b"Host:\r\n", b"Host: 127.0.0.1:%d\r\nHost: evil.example\r\n" % port):
        assert 400 == status_of(talk(port, b"GET /livez HTTP/1.1\r\n" + fields + b"Connection: close\r\n\r\n")[0])


def test_an_upgrade_is_answered_as_a_request(port: int) -> None:
    """A WebSocket or h2c upgrade gets the route's plain answer and the connection ends (S-26)."""
    for upgrade in (b"websocket", b"h2c"):
        more = (b"Connection: Upgrade", b"Upgrade: " + upgrade, b"Sec-WebSocket-Key: x", b"Sec-WebSocket-Version: 13")
        found, closed = talk(port, head(port, *more, line=b"GET /livez HTTP/1.1", length=-1) + b"\x81\x85mask")
        assert (200, True) == (status_of(found), closed)


def test_headers_are_limited(port: int) -> None:
    """64 KiB or 100 headers and no more: one long, many short, endless, or a long target (S-80)."""
    assert 431 == status_of(talk(port, head(port, b"X-A: " + b"a" * 70_000), BODY)[0])
    assert 431 == status_of(talk(port, head(port, *[b"X-%d: b" % n for n in range(FIELDS)]), BODY)[0])
    found, closed = talk(port, head(port, *[b"X-%d: b" % n for n in range(100_000)]), BODY)
    assert closed
    assert status_of(found) in (431, 0)  # a reset may overtake the answer
    assert 431 == status_of(talk(port, b"GET /livez HTTP/1.1\r\nX-A: " + b"a" * 300_000)[0])
    assert 414 == status_of(talk(port, head(port, line=b"GET /livez?" + b"a" * 9_000 + b" HTTP/1.1", length=0))[0])
    assert 200 == answered(port)


def test_a_long_body_is_refused_at_once(port: int) -> None:
    """A gibibyte announced is 413 before any of it was sent; chunks without end are 413 at the limit (L5, S-80)."""
    started = time.monotonic()
    found, closed = talk(port, head(port, length=2**30))
    assert (413, True) == (status_of(found), closed)
    before, sent = resident(), 0
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(head(port, b"Transfer-Encoding: chunked", length=-1))
        with contextlib.suppress(OSError):
            while sent < 2**30:
                sock.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
                sent += 65536
        found = exchange(sock)[0]
    # what the kernels' buffers between us hold was sent, but not read
    assert sent < 16 * MIB
    assert resident() - before < 64 * MIB
    assert time.monotonic() - started < 5
    assert 200 == answered(port)
    assert status_of(found) in (413, 0)  # a reset may overtake the answer


def test_slow_headers_are_given_up(port: int) -> None:
    """A byte now and then does not hold a connection: the deadline counts from the first (L4)."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        started = time.monotonic()
        sock.sendall(b"GET /livez HTTP/1.1\r\nX: ")
        sock.setblocking(False)
        found = b""

        def closed() -> bool:
            nonlocal found
            with contextlib.suppress(BlockingIOError, OSError):
                sock.send(b"a")
            try:
                data = sock.recv(4096)
            except BlockingIOError:
                return False
            except OSError:
                return True
            found += data
            return not data

        until(closed)
        assert 0.5 < time.monotonic() - started < 3
    assert status_of(found) in (408, 0)  # a reset may overtake the answer


def test_a_silent_connection_is_closed(port: int) -> None:
    """One that never says anything, and one that says nothing more after an answer, are closed in time."""
    started = time.monotonic()
    assert talk(port)[1]
    assert talk(port, head(port) + BODY)[1]
    assert time.monotonic() - started < 5


def test_a_slow_body_is_408(port: int) -> None:
    """A body that stops coming, or drips, is told 408 in its protocol's words and ends (L4)."""
    found, closed = talk(port, head(port, length=1000), b'{"rows"')
    assert (408, True) == (status_of(found), closed)
    assert b'"TimedOut"' in found
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=0.05) as sock:
        sock.sendall(head(port, length=100_000))
        found = b""

        def ended() -> bool:
            nonlocal found
            with contextlib.suppress(TimeoutError):
                sock.sendall(b" ")
                found += sock.recv(4096)
            return bool(found)

        until(ended)
    assert (408, True) == (status_of(found), time.monotonic() - started < 3)


def test_a_slow_but_steady_body_is_read(port: int) -> None:
    """A body that takes longer than the timeout, and keeps coming, is answered."""
    rows = b'{"rows": [' + b", ".join([b"[1, 2]"] * 12_000) + b"]}"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(head(port, length=len(rows)))
        for start in range(0, len(rows), 20_000):
            sock.sendall(rows[start : start + 20_000])
            time.sleep(0.2)  # the pace of a slow line is what is tested
        assert 200 == status_of(sock.recv(65536))


def test_a_client_that_does_not_read_is_cut(served) -> None:
    """Answers that nobody takes do not stay in memory."""
    port, app = served
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        sent = head(port, line=b"GET /openapi.json HTTP/1.1", length=0)
        with contextlib.suppress(BlockingIOError):
            for _ in range(100_000):
                sock.send(sent)
        until(lambda: app.measures.connections.labels().value <= 1 or app.measures.in_flight.labels().value <= 1)
        assert 200 == answered(port)


def test_what_waits_is_not_read_on_and_on() -> None:
    """While an answer is not there, requests behind it stay in the kernel's buffers: memory does not grow with them."""
    endpoint = StandIn()

    async def before(batch: Batch) -> None:
        await asyncio.sleep(30)

    endpoint.before = before
    with running(lambda port: application(Offered(endpoint), options=Options(port=port, answer_timeout=2))) as (
        port,
        _,
    ):
        before_ = resident()
        piece, sent = (head(port) + BODY) * 500, 0
        with socket.create_connection(("127.0.0.1", port), timeout=0.3) as sock, contextlib.suppress(TimeoutError):
            while sent < 64 * MIB:
                sent += sock.send(piece)
        assert sent < 32 * MIB
        assert resident() - before_ < 64 * MIB


def test_half_open_connections_are_let_go(served) -> None:
    """Who went away in the middle of a body is forgotten at once, without an answer and without a fault."""
    port, app = served
    until(lambda: app.measures.connections.labels().value == 0)
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            sock.sendall(head(port, length=1000) + b"{")
    until(lambda: app.measures.connections.labels().value == 0)
    assert 0 == app.measures.in_flight.labels().value


def test_connections_are_counted_and_limited() -> None:
    """One more than allowed is told 503; when one leaves, the next comes in."""
    with running(lambda port: application(Offered(), options=Options(port=port, connections=3))) as (port, app):
        open_ = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(3)]
        until(lambda: app.measures.connections.labels().value == 3)
        assert 503 == status_of(talk(port, head(port) + BODY)[0])
        open_.pop().close()
        until(lambda: app.measures.connections.labels().value == 2)
        assert 200 == answered(port)
        for sock in open_:
            sock.close()


def latencies(port: int, count: int) -> list[float]:
    found = []
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        for _ in range(count):
            started = time.perf_counter()
            sock.sendall(head(port) + BODY)
            assert 200 == status_of(sock.recv(65536))
            found.append(time.perf_counter() - started)
    return found


def test_a_body_that_trickles_for_ever_is_408() -> None:
    """Progress alone does not keep a connection: the whole of a body has its time as well."""
    options = Options(body_timeout=1.0, body_time=0.0)
    with (
        running(lambda port: application(Offered(), options=options)) as (port, _),
        socket.create_connection(("127.0.0.1", port), timeout=0.1) as sock,
    ):
        sock.sendall(head(port, length=MIB))
        found, end = b"", time.monotonic() + 8
        while not found and time.monotonic() < end:
            sock.sendall(b" " * 3072)
            with contextlib.suppress(TimeoutError):  # the pace of a slow line: twice what counts as progress
                found = sock.recv(65536)
        assert 408 == status_of(found)


def slow_clients(crowd: int, floor: float) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * crowd)), hard))
    options = Options(header_timeout=30, body_timeout=30)
    with running(lambda port: application(Offered(), options=options)) as (port, app):
        latencies(port, 200)
        alone = statistics.quantiles(latencies(port, 1000), n=100)[98]
        before = resident()
        socks = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(crowd)]
        for at, sock in enumerate(socks):
            sock.sendall(b"GET /livez HTTP/1.1\r\nX: " if at % 2 else head(port, length=1000) + b"{")
        until(lambda: app.measures.connections.labels().value >= crowd)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            crowded = pool.submit(latencies, port, 1000)
            while not crowded.done():
                for sock in socks[:: crowd // 10]:
                    sock.sendall(b"a")
                time.sleep(0.05)  # the pace of the slow clients
        grown = resident() - before
        for sock in socks:
            sock.close()
        assert statistics.quantiles(crowded.result(), n=100)[98] <= max(2 * alone, alone + floor)
        assert grown < 100 * MIB


def test_slow_clients_cost_the_others_nothing() -> None:
    """Two hundred slow connections: a good client's p99 at most doubles (with a floor), memory hardly grows (L4)."""
    slow_clients(200, 0.1)


@pytest.mark.campaign
def test_a_thousand_slow_clients() -> None:
    """The same with a thousand (L4)."""
    slow_clients(1000, 0.005)
