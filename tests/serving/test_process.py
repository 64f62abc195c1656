"""A server held from a notebook: its beginning, what it can be asked, and its end."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from nbregistry import Client, Registry, display, errors
from nbregistry.serving import process
from nbregistry.serving.process import Server, running
from nbregistry.serving.trying import lines_of
from tests.serving.conftest import ROWS
from tests.serving.waiting import until


def test_serves_until_stopped(stock: Registry, serve: Callable[..., Server]) -> None:
    """One call gives an address that answers with the version meant, and after stop nobody is left."""
    server = serve("sum/1", "other")
    pids = [server.run.state()["pid"], *(w["pid"] for w in server.workers)]
    assert [3.0, 7.0] == server.predict(ROWS).tolist()
    assert [300.0, 700.0] == server.predict(ROWS, ref="other").tolist()
    with Client(server.url) as client:
        assert [3.0] == client.predict([[1, 2]]).tolist()
        assert ("sum", "1", stock.version("sum/1").digest) == (
            client.last.model, client.last.version, client.last.digest,
        )  # fmt: skip
    assert ("ready", ("sum/1", "other")) == (server.state, server.refs)
    found = {(v["model"], v["version"]): v["rows"] for v in server.stats()["versions"]}
    assert {("sum", 1): 3, ("other", 1): 2} == found
    server.stop()
    assert "ended" == server.state
    assert not any(psutil.pid_exists(pid) for pid in pids[1:])
    server.stop()


def test_same_cell_again_is_the_same_server(house: Registry, pair: Server) -> None:
    """The same references and options give the server that runs, also for some of its references."""
    for refs in (("sum", "other"), ("other",)):
        assert pair == house.serve(*refs, workers=2, compile=False)
    assert [pair.id] == [server.id for server in running(house.settings.home) if not server.spec.tokens]


def test_other_options_restart_it_where_it_was(serve: Callable[..., Server]) -> None:
    """Changed options take effect at the same address, with what was loaded meanwhile."""
    first = serve("sum")
    port = first.port
    first.load("other")
    first.client.close()  # a server that is told to end gives connections a second
    second = serve("sum", workers=2)
    assert (port, 2, ("sum", "other")) == (second.port, len(second.workers), second.refs)
    assert [second] == running(Path(second.spec.home))


def test_other_reference_on_the_same_port_is_added(stock: Registry, serve: Callable[..., Server]) -> None:
    """A reference asked for on a server's port is served there too, by every worker and each that comes after."""
    first = serve("sum", workers=2)
    second = serve("other", port=first.port)
    assert first == second
    for worker in first.workers:
        os.kill(worker["pid"], signal.SIGKILL)
    until(lambda: all(w["restarts"] == 1 and w["ready"] for w in first.workers))
    assert [300.0, 700.0] == first.predict(ROWS, ref="other").tolist()
    first.unload("other")
    until(lambda: len(first.served()) == 1)


def test_what_cannot_be_served_starts_nothing(stock: Registry) -> None:
    """An unknown name, a bad reference and bad options are refused before any process is there."""
    refused: list[tuple[type[Exception], tuple[str, ...], dict[str, Any]]] = [
        (errors.NotFound, ("sum/9",), {}),
        (errors.NotFound, ("summ",), {}),
        (errors.InvalidInput, ("no such/reference/",), {}),
        (errors.InvalidInput, (), {}),
        (errors.InvalidInput, ("sum",), {"port": 70_000}),
        (errors.InvalidInput, ("sum",), {"token": "short"}),
        (errors.Refused, ("sum",), {"host": "0.0.0.0"}),  # noqa: S104 - refused
    ]
    for kind, refs, options in refused:
        with pytest.raises(kind):
            stock.serve(*refs, **options)
    with pytest.raises(errors.InvalidInput):
        stock.as_of("yesterday").serve("sum")
    assert not (stock.settings.home / "servers").exists()


def test_damaged_version_is_refused_at_once(stock: Registry) -> None:
    """Bytes that do not match their digest are found out by the caller, not by a worker's log."""
    digest = stock.version("sum/2").digest
    (blob,) = (p for p in Path("store").rglob(f"*{digest[-40:]}*") if p.is_file())
    blob.chmod(0o600)
    blob.write_bytes(b"x" * blob.stat().st_size)
    with pytest.raises(errors.Damaged):
        stock.serve("sum")


def test_port_of_another_program_is_told(stock: Registry) -> None:
    """A port that somebody else has is refused with what to do, and nothing is left behind."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(errors.Conflict, match="in use"):
        stock.serve("sum", port=taken.getsockname()[1])
    assert [] == running(stock.settings.home)


def test_lines_that_are_shown_work_as_they_stand(pair: Server) -> None:
    """The curl line and the Python line in the output are run by a shell and by Python, and answer."""
    shown = display.text(pair)
    lines = lines_of(pair)
    assert f"    {lines.shell}" in shown.splitlines()
    assert f"    {lines.python}" in shown.splitlines()
    curl = subprocess.run(["sh", "-c", lines.shell], capture_output=True, check=True, text=True)
    assert [30.0] == json.loads(curl.stdout)["predictions"]
    code = lines.python.replace("nbregistry.Client", "print(nbregistry.Client", 1) + ")"
    python = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert "[30.]" == python.stdout.strip()


def test_token_is_needed_and_kept_nowhere(house: Registry, closed: Server) -> None:
    """With a token nobody else is answered; neither run folder nor any representation has it; the owner gets on."""
    assert len(closed.token) >= 43
    with Client(closed.url) as client, pytest.raises(errors.NotAuthenticated):
        client.predict(ROWS)
    with Client(closed.url, closed.token) as client:
        assert [3.0, 7.0] == client.predict(ROWS).tolist()
    again = house.serve("sum/1", token="auto", compile=False)
    assert (closed, "") == (again, again.token)
    assert [3.0, 7.0] == again.predict(ROWS).tolist()
    kept = b"".join(p.read_bytes() for p in closed.run.path.iterdir() if p.is_file())
    assert closed.token.encode() not in kept
    assert not any(closed.token in text for text in (*display.bundle(closed).values(), repr(closed)))


def test_stats_of_two_workers_add_up(pair: Server) -> None:
    """Whichever worker answers, the numbers are those of both."""

    def rows() -> int:
        return sum(v["rows"] for v in pair.stats()["versions"])

    before = rows()
    with contextlib.ExitStack() as opened:
        for _ in range(20):  # connections that stay open, so that both workers have some
            client = opened.enter_context(Client(pair.url))
            client.predict(ROWS, "sum")
            client.predict(ROWS, "sum")
        until(lambda: rows() == before + 80)
    assert 2 == pair.stats()["workers"]


def test_workers_share_connections_evenly(pair: Server) -> None:
    """Of connections that come all at once, no worker gets more than three quarters."""
    opened = []
    for _ in range(32):
        connection = socket.create_connection(("127.0.0.1", pair.port))
        opened.append(connection)
    counts: list[int] = []

    def settled() -> bool:
        counts[:] = [
            sum(c.status == "ESTABLISHED" for c in psutil.Process(w["pid"]).net_connections()) for w in pair.workers
        ]
        return sum(counts) >= 32

    until(settled)
    for connection in opened:
        connection.close()
    assert max(counts) <= 24


KERNEL = """
import os, sys, time
from nbregistry import Registry
server = Registry("store").serve("sum", detach={detach}, compile=False)
server.wait_ready()
gone, child = os.fork(), None
if gone:
    child = os.fork()
if not gone: sys.exit(0)
if not child: time.sleep(60)
print(server.id, child, gone, flush=True)
time.sleep(60)
"""


@contextlib.contextmanager
def kernel(*, detach: bool = False):
    """Yield a process that has started a server, the server, and two children of the process: one leaves at once."""
    code = KERNEL.format(detach=detach)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as found:
        assert found.stdout is not None
        id_, child, gone = found.stdout.readline().split()
        server = next(s for s in running(Path(os.environ["NBREGISTRY_HOME"])) if s.id == id_)
        yield found, server, int(child), int(gone)
        found.kill()
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(child), signal.SIGKILL)


def test_ends_with_its_kernel_and_with_no_fork_of_it(stock: Registry) -> None:
    """A fork of the kernel that ends takes nothing along; the kernel takes its server along, though a fork lives on."""
    with kernel() as (found, server, child, gone):
        until(lambda: psutil.Process(gone).status() == psutil.STATUS_ZOMBIE)
        time.sleep(0.6)  # longer than the supervisor takes to see that somebody is gone
        assert server.ready
        pids = [w["pid"] for w in server.workers]
        found.kill()
        began = time.monotonic()
        until(lambda: not server.alive and not any(psutil.pid_exists(p) for p in pids))
        assert time.monotonic() - began < 3
        assert psutil.pid_exists(child)


def test_detached_server_outlives_its_kernel(stock: Registry) -> None:
    """A detached server goes on, and another kernel finds it again by the same references and stops it."""
    with kernel(detach=True) as (found, server, _, _):
        found.kill()
        found.wait()
    assert server.alive
    assert [30.0, 70.0] == server.predict(ROWS).tolist()
    again = stock.serve("sum", detach=True, compile=False)
    assert server == again
    assert [server] == process.find(stock.settings.home, [server.url])
    again.stop()
    assert [] == running(stock.settings.home)


def test_server_that_cannot_be_started_says_why(stock: Registry) -> None:
    """What keeps its processes from starting stands in the error, and none of them is left."""
    with pytest.raises(errors.Conflict, match="not a name"):
        stock.serve("sum", names=("not a name",), wait=20.0)
    assert [] == running(stock.settings.home)


def test_grpc_is_answered_by_every_worker(serve: Callable[..., Server]) -> None:
    """With a port for gRPC both workers answer there, whichever a connection reaches, also after one was killed."""
    grpcclient = pytest.importorskip("tritonclient.grpc", exc_type=ImportError)
    server = serve("sum", grpc=0, workers=2)

    def live() -> bool:
        with grpcclient.InferenceServerClient(f"127.0.0.1:{server.grpc_port}") as client:
            return bool(client.is_model_ready("sum"))

    assert all(live() for _ in range(4))
    os.kill(server.workers[0]["pid"], signal.SIGKILL)
    until(lambda: server.workers[0]["restarts"] == 1 and server.workers[0]["ready"])
    assert all(live() for _ in range(4))


def test_large_rows_are_sent_from_a_file(stock: Registry, serve: Callable[..., Server]) -> None:
    """A row too long for a line is kept in a file of the run folder, which the lines name."""
    from tests.serving.obedient import Obedient

    stock.register(Obedient(), "wide", X=np.ones((2, 1500)) / 3)
    server = serve("wide")
    lines = lines_of(server)
    assert max(map(len, lines)) < 1_000
    curl = subprocess.run(["sh", "-c", lines.shell], capture_output=True, check=True, text=True)
    assert pytest.approx(500) == json.loads(curl.stdout)["predictions"][0]
    subprocess.run([sys.executable, "-c", lines.python], check=True)


def test_log_has_no_secret(closed: Server) -> None:
    """A token that was sent stands in no file of the run folder."""
    connection = http.client.HTTPConnection("127.0.0.1", closed.port)
    with contextlib.closing(connection):
        headers = {"Authorization": "Bearer canary-canary-canary-wrong", "X-Request-ID": "the-one-with-a-secret"}
        connection.request("POST", "/models/sum/predict?token=canary-canary", json.dumps({"rows": [[1, 2]]}), headers)
        connection.getresponse().read()
    kept: list[bytes] = []

    def logged() -> bool:
        kept[:] = [p.read_bytes() for p in closed.run.path.rglob("*") if p.is_file()]
        return any(b"the-one-with-a-secret" in data for data in kept)

    until(logged)
    assert not any(b"canary" in data for data in kept)
