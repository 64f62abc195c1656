"""The port: who is let in, how much and how long, and that no client ends it for the others."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import orjson
import psutil
import pytest

from nbregistry.errors import Conflict, InvalidInput
from nbregistry.serving.accesslog import AccessLog
from nbregistry.serving.measures import Measures
from nbregistry.serving.node import Batch
from nbregistry.serving.options import Options, hash_of
from nbregistry.serving.rpc import methods
from nbregistry.serving.rpc.calls import Action, Calls
from nbregistry.serving.rpc.messages import METHODS, SERVICE, messages
from nbregistry.serving.rpc.server import start
from nbregistry.serving.samples import Samples
from tests.serving.rpc.answering import NUMBERS, Answers, Listening, Offered, listening

TOKENS = {
    hash_of("p" * 32): frozenset({"predict"}),
    hash_of("r" * 32): frozenset({"read"}),
    hash_of("a" * 32): frozenset({"predict", "read", "admin"}),
}
OPEN = {"ServerLive", "ServerReady", "ModelReady"}
KINDS = messages()


NAMED = KINDS.ModelReadyRequest(name="m").SerializeToString()
"""Names the model where a message has a name, and else is a field that nobody knows."""


def row() -> bytes:
    contents = KINDS.InferTensorContents(fp64_contents=[1.0, 2.0, 3.0])
    tensor = KINDS.InferInputTensor(name="x", datatype="FP64", shape=[1, 3], contents=contents)
    found: bytes = KINDS.ModelInferRequest(model_name="m", inputs=[tensor]).SerializeToString()
    return found


def until(found: Callable[[], Any]) -> Any:
    end = time.monotonic() + 20
    while not (result := found()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return result


def connected(server: Listening) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.server.port), timeout=20)


def bearer(token: str) -> dict[str, Any]:
    return {"metadata": (("authorization", f"Bearer {token}"),)}


@pytest.fixture(scope="module")
def guarded() -> Iterator[Listening]:
    with listening(Answers("m", NUMBERS), options=Options(tokens=TOKENS)) as found:
        yield found


@pytest.fixture(scope="module")
def open_() -> Iterator[Listening]:
    with listening(Answers("m", NUMBERS)) as found:
        yield found


@pytest.mark.parametrize("name", [*METHODS, "ModelStreamInfer", "Nothing"])
@pytest.mark.parametrize("token", ["", " ", "wrong", "Bearer"])
def test_strangers_learn_nothing(guarded: Listening, name: str, token: str) -> None:
    """Without a token that is known no method is answered but those of health, and none is known to be missing."""
    if name in OPEN:
        guarded.raw(name, NAMED, **bearer(token))
        return
    assert grpc.StatusCode.UNAUTHENTICATED is guarded.refused(name, **bearer(token)).code()


def test_streams_of_strangers_are_refused(guarded: Listening) -> None:
    """A stream without a token ends unauthenticated before anything is read, whichever way it streams."""
    for kind in (guarded.channel.stream_stream, guarded.channel.stream_unary):
        call = kind(f"/{SERVICE}/ModelStreamInfer")
        with pytest.raises(grpc.RpcError) as caught:
            list(call(iter([b"x" * 100] * 10), timeout=20))
        assert grpc.StatusCode.UNAUTHENTICATED is caught.value.code()
    reflection = guarded.refused("ServerReflectionInfo", service="grpc.reflection.v1.ServerReflection")
    assert grpc.StatusCode.UNAUTHENTICATED is reflection.code()


@pytest.mark.parametrize("name", [n for n in METHODS if n not in OPEN])
@pytest.mark.parametrize(
    ("token", "held"), [("p", {"predict", "read"}), ("r", {"read"}), ("a", {"predict", "read", "admin"})]
)
def test_tokens_are_good_for_what_they_say(guarded: Listening, name: str, token: str, held: set[str]) -> None:
    """Each method asks for the permission that its table names, and for nothing else."""
    code = None
    try:
        guarded.raw(name, b"", **bearer(token * 32))
    except grpc.RpcError as error:
        code = error.code()
    assert (methods.PERMISSIONS[name] not in held) == (code is grpc.StatusCode.PERMISSION_DENIED)
    assert grpc.StatusCode.UNAUTHENTICATED is not code


def test_two_tokens_are_none(guarded: Listening) -> None:
    """Two authorizations in one call are refused: two readers could take two."""
    both = (("authorization", f"Bearer {'a' * 32}"), ("authorization", "Bearer x"))
    for metadata in (both, both[::-1]):
        assert grpc.StatusCode.UNAUTHENTICATED is guarded.refused("ServerMetadata", metadata=metadata).code()


def test_changes_need_a_token(open_: Listening) -> None:
    """On a server without tokens nobody changes what is served."""
    sent = KINDS.RepositoryModelUnloadRequest(model_name="m").SerializeToString()
    assert grpc.StatusCode.PERMISSION_DENIED is open_.refused("RepositoryModelUnload", sent).code()
    assert "m" == open_.offered.find("m").name


def test_unknown_methods_are_unimplemented(open_: Listening) -> None:
    """What is not there says so, reflection included."""
    assert grpc.StatusCode.UNIMPLEMENTED is open_.refused("ModelStreamInfer").code()
    asked = open_.refused("ServerReflectionInfo", service="grpc.reflection.v1.ServerReflection")
    assert grpc.StatusCode.UNIMPLEMENTED is asked.code()


def test_every_method_declares_its_permission() -> None:
    """A method without a permission keeps the server from starting."""

    async def begin(permission: str) -> None:
        action = Action(permission, lambda call, sent: sent)
        Calls(grpc, {"/a/b": action}, options=Options(), measures=Measures(), concurrency=1).close()

    asyncio.run(begin("read"))
    with pytest.raises(InvalidInput, match="/a/b declares no permission"):
        asyncio.run(begin(""))
    assert METHODS.keys() == methods.PERMISSIONS.keys()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])  # noqa: S104  # that it is refused
def test_beyond_loopback_needs_a_token(host: str) -> None:
    """An address that others reach is not listened on without tokens."""
    with pytest.raises(InvalidInput, match="needs a token"):
        asyncio.run(start(Offered(), host=host))


def test_calls_are_logged(tmp_path: Path) -> None:
    """Each call leaves a line: of whom, with what outcome, and nothing of what was in it or who sent it."""
    options = Options(folder=tmp_path, sampled=1.0, tokens=TOKENS)
    log, samples = AccessLog(options, Measures()), Samples(options, Measures())
    log.start()
    samples.start()
    with listening(Answers("m", NUMBERS), options=options, log=log, samples=samples) as found:
        found.raw("ModelInfer", row(), **bearer("p" * 32))
        found.refused("ModelInfer", row())
        found.refused("Secret/Method", **bearer("p" * 32))
    log.stop()
    samples.stop()
    text = (tmp_path / "access-0.jsonl").read_bytes()
    lines = [orjson.loads(line) for line in text.splitlines()]
    path = f"/{SERVICE}/ModelInfer"
    expected = [(path, "m", 3, 200, 1), (path, None, None, 401, 0), (None, None, None, 501, 0)]
    assert expected == [tuple(line[k] for k in ("route", "model", "version", "status", "rows")) for line in lines]
    assert b"ppp" not in text
    assert b"Secret" not in text
    assert [6.0] == orjson.loads((tmp_path / "samples-0.jsonl").read_bytes())["outputs"]


def test_a_port_that_is_taken_says_so(open_: Listening) -> None:
    """Two servers do not share a port unless they were told to."""

    async def again() -> None:
        await start(open_.offered, port=open_.server.port)

    with pytest.raises(Conflict, match="taken"):
        asyncio.run(again())


def test_big_messages_are_refused(open_: Listening) -> None:
    """A message above the limit is refused by its length alone; one below arrives."""
    assert grpc.StatusCode.RESOURCE_EXHAUSTED is open_.refused("ModelInfer", b"\x00" * (16 * 2**20 + 1)).code()
    assert grpc.StatusCode.INVALID_ARGUMENT is open_.refused("ModelInfer", b"\x00" * (16 * 2**20 - 8)).code()


def test_big_metadata_is_refused(open_: Listening) -> None:
    """Metadata above 8 KiB is refused."""
    many = tuple((f"x-{i}", "v" * 100) for i in range(100))
    assert grpc.StatusCode.RESOURCE_EXHAUSTED is open_.refused("ServerLive", metadata=many).code()
    assert b"" != open_.raw("ServerLive", b"", metadata=many[:20])


def test_compressed_messages_are_refused(open_: Listening) -> None:
    """A message that would unpack to far more than it is gets no chance to."""
    sent = b"\x00" * (16 * 2**20 - 100)
    found = open_.refused("ModelInfer", sent, compression=grpc.Compression.Gzip)
    assert grpc.StatusCode.UNIMPLEMENTED is found.code()


def test_big_answers_are_refused() -> None:
    """An answer above the limit is told as one, not sent."""
    with listening(Answers("m", NUMBERS, lambda b: "x" * 5000), options=Options(body_limit=4096)) as found:
        found.offered.endpoints[0].trouble = "t" * 5000
        error = found.refused("RepositoryIndex")
        assert grpc.StatusCode.RESOURCE_EXHAUSTED is error.code()
        assert "ask for fewer rows" in error.details()


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def opening(path: bytes, *, ended: bool, message: bytes = b"", window: int | None = None) -> bytes:
    """Return the bytes of a call as they are on the wire, headers without any compression."""
    pairs = [
        (b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b":authority", b"x"), (b"te", b"trailers"),
        (b"content-type", b"application/grpc"),
    ]  # fmt: skip
    block = b"".join(b"\x00" + bytes([len(n)]) + n + bytes([len(v)]) + v for n, v in pairs)
    settings = b"" if window is None else b"\x00\x04" + window.to_bytes(4, "big")
    start = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, settings) + frame(1, 4, 1, block)
    return start + (frame(0, 1, 1, b"\x00" + len(message).to_bytes(4, "big") + message) if ended else b"")


@pytest.mark.parametrize("path", [b"/a\xff/b", b"/\xc3\x28", b"", b"nothing", b"/" + b"a" * 120])
def test_no_path_ends_the_server(open_: Listening, path: bytes) -> None:
    """Whatever stands in a path, text or not, the others are answered."""
    with connected(open_) as raw:
        raw.sendall(opening(path, ended=True))
        assert b"" != raw.recv(4096)
        assert open_.ask("ServerLive").live
    assert open_.ask("ServerLive").live


def test_silent_callers_are_let_go() -> None:
    """Calls whose message does not come are ended, and meanwhile and afterwards others are answered."""
    options = Options(body_timeout=0.5, concurrency=4)
    with listening(Answers("m", NUMBERS), options=options) as found, ExitStack() as kept:
        stalled = [kept.enter_context(connected(found)) for _ in range(3)]
        for one in stalled:
            one.sendall(opening(f"/{SERVICE}/ModelInfer".encode(), ended=False))
        until(lambda: found.count("nbregistry_requests_in_flight")[()] == 3)
        assert found.ask("ServerLive").live
        until(lambda: found.count("nbregistry_requests_in_flight")[()] == 0)
        until(lambda: found.count("nbregistry_rejected_total").get(("timed_out",)) == 3)


def test_callers_that_do_not_read_are_let_go() -> None:
    """A call whose answer is not read ends, too."""
    with listening(Answers("m", NUMBERS), options=Options(body_timeout=0.5)) as found:
        found.offered.endpoints[0].trouble = "t" * 1_000_000
        with connected(found) as raw:
            raw.sendall(opening(f"/{SERVICE}/RepositoryIndex".encode(), ended=True, window=100))
            until(lambda: found.count("nbregistry_requests_total").get(("", "", "grpc", "2xx")))
            assert 1 == found.count("nbregistry_requests_in_flight")[()]
            until(lambda: found.count("nbregistry_requests_in_flight")[()] == 0)


def test_slow_models_are_not_waited_for() -> None:
    """An answer that takes too long is given up: the caller learns when to come again, the model that nobody waits."""
    with listening(Answers("m", NUMBERS), options=Options(answer_timeout=0.3)) as found:
        model = found.offered.endpoints[0]
        model.free.clear()
        error = found.refused("ModelInfer", row())
        assert grpc.StatusCode.UNAVAILABLE is error.code()
        assert "1" == dict(error.trailing_metadata())["retry-after"]
        until(lambda: model.cancelled)


def test_who_leaves_is_not_computed_for() -> None:
    """A call that its client cancelled, or whose deadline passed, is cancelled at the model."""
    with listening(Answers("m", NUMBERS)) as found:
        model = found.offered.endpoints[0]
        model.free.clear()
        assert grpc.StatusCode.DEADLINE_EXCEEDED is found.refused("ModelInfer", row(), timeout=0.3).code()
        until(lambda: model.cancelled)
        assert 1 == until(lambda: found.count("nbregistry_requests_total").get(("m", "3", "grpc", "4xx")))


def test_what_was_cancelled_inside_is_told() -> None:
    """An answer that was given up by the server itself is no empty success."""

    def given_up(batch: Batch) -> None:
        raise asyncio.CancelledError

    with listening(Answers("m", NUMBERS, given_up)) as found:
        assert grpc.StatusCode.UNAVAILABLE is found.refused("ModelInfer", row()).code()


def test_changes_are_not_left_half_done() -> None:
    """A model that is being loaded is loaded, although who asked for it did not wait."""
    with listening(options=Options(tokens=TOKENS)) as found:
        found.offered.free.clear()
        sent = KINDS.RepositoryModelLoadRequest(model_name="more").SerializeToString()
        error = found.refused("RepositoryModelLoad", sent, timeout=0.3, **bearer("a" * 32))
        assert grpc.StatusCode.DEADLINE_EXCEEDED is error.code()
        assert found.offered.loading
        until(lambda: found.count("nbregistry_requests_in_flight")[()] == 0)
        found.offered.free.set()
        until(lambda: [one.name for one in found.offered.endpoints] == ["more"])


def test_too_many_calls_are_told_at_once() -> None:
    """Beyond the calls taken at once a server refuses and says when to come again; those let in are answered."""
    with listening(Answers("m", NUMBERS), options=Options(concurrency=2)) as found:
        model = found.offered.endpoints[0]
        model.free.clear()
        done: list[bytes] = []
        inside = [threading.Thread(target=lambda: done.append(found.raw("ModelInfer", row()))) for _ in range(2)]
        for one in inside:
            one.start()
        until(lambda: len(model.asked) == 2)
        # a client of its own: what a connection may have at once is limited as well, and waits at the client
        other = grpc.insecure_channel(found.address, options=[("grpc.use_local_subchannel_pool", 1)])
        with other, pytest.raises(grpc.RpcError) as caught:
            other.unary_unary(f"/{SERVICE}/ModelInfer")(row(), timeout=20)
        assert grpc.StatusCode.UNAVAILABLE is caught.value.code()
        assert "1000" == dict(caught.value.trailing_metadata())["grpc-retry-pushback-ms"]
        model.free.set()
        for one in inside:
            one.join(20)
        assert 2 == len(done)


def test_stopping_answers_what_was_asked() -> None:
    """A server that stops says that it is not ready, takes nothing new, and ends what it has."""
    with listening(Answers("m", NUMBERS)) as found:
        model = found.offered.endpoints[0]
        model.free.clear()
        done: list[bytes] = []
        inside = threading.Thread(target=lambda: done.append(found.raw("ModelInfer", row())))
        inside.start()
        until(lambda: model.asked)
        found.server.leaving = True
        assert not found.ask("ServerReady").ready
        stopping = asyncio.run_coroutine_threadsafe(found.server.stop(20), found.loop)
        until(lambda: not found.answers("ServerLive"))
        model.free.set()
        stopping.result(20)
        inside.join(20)
        assert 1 == len(done)


def test_many_silent_connections_cost_little() -> None:
    """Hundreds of connections that say nothing leave the server answering."""
    with listening(Answers("m", NUMBERS), options=Options(header_timeout=1.0)) as found, ExitStack() as kept:
        before = psutil.Process().memory_info().rss
        many = [kept.enter_context(connected(found)) for _ in range(300)]
        for one in many[::2]:
            one.sendall(b"PRI * HTTP/2.0\r\n")
        assert found.ask("ServerLive").live
        assert psutil.Process().memory_info().rss - before < 60 * 2**20
