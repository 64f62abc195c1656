"""The parent of the workers: the address, restarts, quarantine, and its own end."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from nbregistry.serving.quarantine import quarantined
from nbregistry.serving.spec import RunFolder, ServerSpec
from tests.serving import fake_worker
from tests.serving.waiting import until

START = "import sys; from nbregistry.serving.supervisor import main; sys.exit(main(sys.argv[2:], worker=[sys.executable, sys.argv[1]]))"  # noqa: E501 - one program


class Running:
    """A supervisor with workers that only pretend."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.run = RunFolder(folder)
        self.run.create(ServerSpec("0" * 8, uri="r", home="h", user="ana", refs=("churn",), **options))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Running:
        """Start it as a child of this process."""
        command = [sys.executable, "-c", START, fake_worker.__file__, str(self.run.path), "--parent", str(os.getpid())]
        self.process = subprocess.Popen(command)
        return self

    @property
    def state(self) -> dict[str, Any]:
        """What it last told."""
        return self.run.state()

    def ready(self) -> Running:
        """Wait until it is."""
        until(lambda: self.state.get("state") == "ready")
        return self

    def pids(self) -> list[int]:
        """Process numbers of its workers."""
        return [w["pid"] for w in self.state["workers"]]

    def ask(self, path: str = "/") -> int:
        """Return the process that answers."""
        found = http.client.HTTPConnection("127.0.0.1", self.state["port"], timeout=10)
        with contextlib.closing(found):
            found.request("GET", path)
            return int(found.getresponse().read())


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Return a function that starts a supervisor; all are ended afterwards."""
    made: list[Running] = []

    def start(**options: Any) -> Running:
        made.append(Running(tmp_path / "servers" / f"{len(made):08x}", **options))
        return made[-1].start()

    yield start
    for found in made:
        if found.process is not None:
            found.process.kill()
            found.process.wait()


def test_answers_from_the_address_it_tells(running) -> None:
    """The address in the state is one that a worker answers on, on a port that was free."""
    found = running().ready()
    assert found.pids() == [found.ask()]
    assert f"http://127.0.0.1:{found.state['port']}" == found.state["url"]


def test_connections_wait_while_a_worker_is_started_again(running) -> None:
    """A worker that was killed is missed for less than two seconds, and who connects meanwhile is answered."""
    found = running().ready()
    (pid,) = found.pids()
    os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    assert pid != found.ask()
    assert time.monotonic() - began < 2
    until(lambda: found.state["workers"][0]["restarts"] == 1)


def test_third_crash_of_a_version_puts_it_away(running) -> None:
    """Three crashes while one version ran: it is in quarantine with a reason, and the server goes on."""
    found = running().ready()
    for _ in range(3):
        assert {} == quarantined(found.run.path)
        with pytest.raises((http.client.HTTPException, OSError)):
            found.ask("/crash")
        found.ask()
    assert [fake_worker.BAD] == list(quarantined(found.run.path))
    assert "status 11" in quarantined(found.run.path)[fake_worker.BAD]
    assert found.ask("/crash") in found.pids()


def test_worker_that_cannot_start_fails_the_server(running, tmp_path: Path) -> None:
    """What the first worker says of why it cannot serve is the server's reason to end."""
    made = Running(tmp_path / "servers" / ("f" * 8))
    (made.run.path / "refuse").touch()
    made.start()
    assert made.process is not None
    assert 1 == made.process.wait(10)
    assert ("failed", "there is nothing to serve") == (made.state["state"], made.state["why"])


def test_port_in_use_is_told(running) -> None:
    """A port that somebody has ends the start with the system's reason."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = running(port=taken.getsockname()[1])
        assert 1 == found.process.wait(10)
    assert ("failed", 98 if sys.platform == "linux" else 48) == (found.state["state"], found.state["errno"])


def test_sigterm_ends_all_with_status_0(running) -> None:
    """A stop is passed on to the workers, nobody is left, and the lock is free."""
    found = running(workers=2).ready()
    pids = found.pids()
    assert found.run.alive
    found.process.terminate()
    assert 0 == found.process.wait(10)
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert ("ended", False) == (found.state["state"], found.run.alive)


def test_workers_end_when_the_supervisor_is_killed(running) -> None:
    """Nobody serves on without a supervisor."""
    found = running().ready()
    pids = found.pids()
    found.process.kill()
    found.process.wait()
    until(lambda: not any(psutil.pid_exists(pid) for pid in pids))


def test_ends_with_its_parent_even_when_a_fork_lives_on(tmp_path: Path) -> None:
    """Killing the starter ends the server, though a child that it forked holds every pipe of it."""
    made = Running(tmp_path / "servers" / ("e" * 8))
    program = f"""
import os, subprocess, sys, time
life, held = os.pipe()
subprocess.Popen([sys.executable, "-c", {START!r}, {fake_worker.__file__!r}, {str(made.run.path)!r},
                  "--life", str(life), "--parent", str(os.getpid())], pass_fds=[life])
os.close(life)
child = os.fork()
print(child or "", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        fork = int(next(line for line in starter.stdout if line.strip()))
        made.ready()
        starter.kill()
        began = time.monotonic()
        until(lambda: not made.run.alive)
        assert time.monotonic() - began < 3
        assert psutil.pid_exists(fork)
        os.kill(fork, signal.SIGKILL)


def test_supervisor_is_small(running) -> None:
    """The supervisor needs little memory beside its workers."""
    found = running().ready()
    assert psutil.Process(found.process.pid).memory_info().rss < 20 * 2**20


def test_loop_that_stands_still_is_ended(running) -> None:
    """A worker whose event loop does not turn any more is killed and started again."""
    found = running(timeout=-9.0).ready()  # the fake beats once: a second later it stands still
    (pid,) = found.pids()
    until(lambda: found.pids()[0] not in (0, pid))
    assert "stood still" in found.run.log.read_text()


def test_loading_that_never_ends_is_ended(tmp_path: Path) -> None:
    """A version whose loading does not come to an end is put away with the reason, and the server gets ready."""
    made = Running(tmp_path / "servers" / ("d" * 8), loading=0.5)
    (made.run.path / "hang").touch()
    process = made.start().process
    assert process is not None
    try:
        made.ready()
        assert {fake_worker.BAD: "its loading did not end within 0.5 s"} == quarantined(made.run.path)
        assert "has loaded for 0.5 s" in made.run.log.read_text()
    finally:
        process.kill()
        process.wait()
