"""What goes wrong and what becomes of it: stops under load, workers that die, models that end or hang their process."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Self

import numpy as np
import pytest

from nbregistry import Client, Registry, errors
from nbregistry.serving.process import Server
from nbregistry.serving.quarantine import quarantined
from tests.serving.conftest import ROWS
from tests.serving.obedient import CRASH, HANG, Obedient
from tests.serving.waiting import until

ASKED = json.dumps({"rows": [[1, 2]]})
HEADERS = {"Content-Type": "application/json"}


class Load:
    """Threads that ask over connections of their own, one request after the other, and count what came of each.

    A request that was refused a connection was never taken on; one that was sent and not answered is lost.
    """

    def __init__(self, server: Server, *, threads: int = 8) -> None:
        self.port = server.port
        self.answered, self.refused = 0, 0
        self.lost: list[str] = []
        self._leave = threading.Event()
        self._guard = threading.Lock()
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *told: object) -> None:
        self._leave.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        while not self._leave.is_set():
            try:
                if connection.sock is None:
                    connection.connect()
            except OSError:
                with self._guard:
                    self.refused += 1
                time.sleep(0.01)
                continue
            try:
                connection.request("POST", "/models/sum/predict", ASKED, HEADERS)
                response = connection.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                with self._guard:
                    self.lost.append(repr(error))
            else:
                with self._guard:
                    self.answered += 1
                    if response.status != 200:
                        self.lost.append(f"{response.status} {body[:200]!r}")
        connection.close()


def test_stop_under_load_loses_nothing(serve: Callable[..., Server]) -> None:
    """SIGTERM while requests pour in: every request that was taken on is answered, readiness says no, status 0."""
    server = serve("sum", workers=2)
    pid = server.run.state()["pid"]
    with Load(server) as load:
        until(lambda: load.answered > 200)
        os.kill(pid, signal.SIGTERM)
        until(lambda: not server.alive)
        until(lambda: load.refused)
    assert [] == load.lost
    assert ("ended", "") == (server.state, server.why())
    assert all(w["restarts"] == 0 for w in server.workers)


def test_readiness_says_no_while_answers_go_on(serve: Callable[..., Server]) -> None:
    """A server told to stop says so to those who look, and still answers a connection that sends its next request."""
    server = serve("sum")
    kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    kept.request("POST", "/models/sum/predict", ASKED, HEADERS)
    assert 200 == _read(kept).status
    os.kill(server.run.state()["pid"], signal.SIGTERM)
    statuses: set[int] = set()

    def refused() -> bool:
        other = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        other.request("GET", "/readyz")
        statuses.add(_read(other).status)
        other.close()
        return 503 in statuses

    until(refused)
    time.sleep(0.25)  # a client that takes its time, not a wait for the server
    kept.request("POST", "/models/sum/predict", ASKED, HEADERS)
    last = _read(kept)
    assert (200, "close") == (last.status, last.headers["connection"])
    kept.close()


def _read(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    response = connection.getresponse()
    response.read()
    return response


def test_one_of_two_workers_is_killed(serve: Callable[..., Server]) -> None:
    """SIGKILL of one worker: the other goes on answering, and within two seconds there are two again."""
    server = serve("sum", workers=2)
    victim = server.workers[0]["pid"]
    with Load(server, threads=4) as load:
        until(lambda: load.answered > 100)
        os.kill(victim, signal.SIGKILL)
        began, before = time.monotonic(), load.answered
        until(lambda: load.answered > before + 50)
        until(lambda: server.workers[0]["ready"] and server.workers[0]["pid"] != victim)
        took = time.monotonic() - began
    assert len(load.lost) <= 4  # those that this worker had under way, one for each connection
    assert not any(told[:1].isdigit() for told in load.lost)
    assert {} == quarantined(server.run.path)
    assert took < 5  # two seconds on a machine that does nothing else


def test_one_of_two_workers_is_told_to_stop(serve: Callable[..., Server]) -> None:
    """SIGTERM to one worker, as a guard against a full memory sends it: the other goes on taking connections."""
    server = serve("sum", workers=2)
    victim = server.workers[0]["pid"]
    os.kill(victim, signal.SIGTERM)
    slowest = 0.0

    def replaced() -> bool:
        nonlocal slowest
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.connect()  # which the kernel does, however busy the machine is
        slowest = max(slowest, time.monotonic() - began)
        connection.request("POST", "/models/sum/predict", ASKED, HEADERS)
        assert 200 == _read(connection).status
        connection.close()
        return bool(server.workers[0]["ready"]) and server.workers[0]["pid"] != victim

    until(replaced)
    assert slowest < 0.9  # a connection that is dropped is tried again after a second


def ill(stock: Registry) -> None:
    """Register a version that does what no model should, on top of good ones."""
    stock.register(Obedient(1000.0, ill=True), "sum", X=ROWS)


def test_model_that_ends_its_process_is_put_away(stock: Registry, serve: Callable[..., Server]) -> None:
    """os._exit in model code: two more chances, then the version is in quarantine and the one before it answers."""
    ill(stock)
    server = serve("sum")
    bad = stock.version("sum/3").digest
    with Client(server.url, retries=0, timeout=10) as client, Client(server.url, retries=8, timeout=10) as patient:
        for _ in range(3):
            assert [3000.0] == patient.predict([[1, 2]]).tolist()
            with pytest.raises(errors.RegistryError):
                client.predict([[CRASH, 0]])
        until(lambda: bad in quarantined(server.run.path))
        until(lambda: server.ready, seconds=20)
        assert [30.0] == patient.predict([[1, 2]]).tolist()
        assert "2" == patient.last.version
        assert [-10.0] == patient.predict([[CRASH, 0]]).tolist()
    assert "quarantine" in server.why()
    assert 3 == server.stats()["restarts"]


def test_model_that_never_comes_back_is_given_up(stock: Registry, serve: Callable[..., Server]) -> None:
    """An endless loop in model code: who waits is told to come back, and a new worker answers the next one."""
    ill(stock)
    server = serve("sum", timeout=0.5)
    with Client(server.url, retries=0, timeout=10) as client, Client(server.url, retries=8, timeout=10) as patient:
        with pytest.raises(errors.Overloaded):
            client.predict([[HANG, 0]])
        until(lambda: server.workers[0]["restarts"] == 1)
        assert [3000.0] == patient.predict([[1, 2]]).tolist()
    assert "did not come back" in server.logs()


def test_memory_limit_hurts_one_request_only(stock: Registry, serve: Callable[..., Server]) -> None:
    """A request that needs more memory than a worker may have is refused; the worker goes on."""
    stock.register(Greedy(), "greedy", X=ROWS)
    server = serve("greedy", memory=4 * 2**30)
    with Client(server.url, retries=0) as client:
        with pytest.raises(errors.RegistryError):
            client.predict([[8.0, 0.0]])
        assert [0.0] == client.predict([[0.0, 0.0]]).tolist()
    assert 0 == server.workers[0]["restarts"]


class Greedy:
    """Takes as many gigabytes as its first value says."""

    def predict(self, X: object) -> object:
        """Return noughts."""
        rows = np.asarray(X, dtype=float)
        if rows[0, 0] > 4:
            np.ones(int(rows[0, 0] * 2**27))
        return rows[:, 1] * 0.0
