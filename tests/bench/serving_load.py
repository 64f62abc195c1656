"""A server under load: started, asked whether it answers what the model answers, loaded with wrk, weighed, stopped."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.serving_peers import Asked, Contender, no_label
from tests.bench.serving_report import Load
from tests.bench.sides import ROOT

SCRIPT = ROOT / "tests" / "bench" / "serving.lua"
NO_WRK = """\
wrk is not installed. On Debian and Ubuntu: apt-get install wrk; on macOS: brew install wrk."""


def wrk() -> str:
    """Return the loader's path."""
    return shutil.which("wrk") or sys.exit(NO_WRK)


def free_ports(count: int) -> int:
    """Return the first of so many neighbouring ports that nobody listens on."""
    for port in range(20_000 + os.getpid() % 5_000, 60_000, count):
        try:
            for each in range(port, port + count):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", each))
        except OSError:
            continue
        return port
    sys.exit("No free port was found.")


def load(url: str, bodies: Path, *, connections: int, seconds: int) -> Load:
    """Post the bodies in turn over so many connections."""
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(SCRIPT)]
    done = subprocess.run([wrk(), *options, url, "--", str(bodies)], check=True, capture_output=True, text=True)
    told = json.loads(done.stdout.strip().splitlines()[-1])
    broken = sum(told[kind] for kind in ("connect", "read", "write", "timeout"))
    good = told["requests"] - told["status"]
    return Load(good / told["duration"] * 1e6, told["p50"] / 1e3, told["p99"] / 1e3, told["status"], broken)


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it ended meanwhile
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def resident(pid: int) -> float:
    """Return the resident memory of a process and its descendants, in megabytes; shared pages count each time."""
    total = 0
    for each in family(pid):
        try:
            lines = Path(f"/proc/{each}/status").read_text().splitlines()
        except OSError:
            continue  # it ended meanwhile
        total += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return total / 1024


@dataclass
class Server:
    """A contender that serves one model, in processes of its own."""

    contender: Contender
    asked: Asked
    settings: tuple[str, ...]

    def __post_init__(self) -> None:
        python = self.contender.python()
        self.port = free_ports(3)
        command, variables = self.contender.start(python, self.asked, self.port, self.settings)
        self.log = self.asked.place / f"{self.contender.folder}.log"
        home = {"NBREGISTRY_HOME": str(self.asked.place.parent.parent / "home"), "NBREGISTRY_USER": "bench"}
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        started = time.perf_counter()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=self.asked.place, env={**os.environ, **home, **threads, **variables},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.ready = self._wait(started)
        """Seconds from the call to the first right answer."""

    @property
    def url(self) -> str:
        """Where rows are posted."""
        return f"http://127.0.0.1:{self.port}{self.contender.path(self.asked)}"

    def bodies(self) -> list[bytes]:
        """Return what is posted, one for each row."""
        return [json.dumps(self.contender.body(self.asked, row)).encode() for row in self.asked.rows]

    def ask(self, body: bytes) -> tuple[int, bytes]:
        """Post one body over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", self.contender.path(self.asked), body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _wait(self, started: float) -> float:
        body, last, deadline = self.bodies()[0], "nothing", started + 180
        while time.perf_counter() < deadline and self.process.poll() is None:
            try:
                status, text = self.ask(body)
                if status == 200:
                    return time.perf_counter() - started
                last = f"{status} {text[:300]!r}"
            except OSError as error:
                last = repr(error)
            time.sleep(0.01)
        self.stop()
        sys.exit(f"{self.contender.name} did not come up; last: {last}; {self.log}:\n{self.log.read_text()[-3000:]}")

    def settle(self) -> None:
        """Wait until nothing of its start goes on."""
        deadline = time.perf_counter() + 120
        while not self.contender.settled(self._get, self.asked):
            if time.perf_counter() > deadline:
                self.stop()
                sys.exit(f"{self.contender.name} did not settle; {self.log}")
            time.sleep(0.1)

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return json.load(answer)

    def verify(self) -> int:
        """Ask every row, many at once, and compare with the model's own labels; return the size of an answer."""
        self.settle()
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(self.ask, self.bodies() * 4))
        for (status, text), expected in zip(answers, self.asked.expected * 4, strict=True):
            label: Any = self.contender.label(json.loads(text)) if status == 200 else f"status {status}"
            if label != expected and self.contender.label is not no_label:
                self.stop()
                sys.exit(f"{self.contender.name} answered {label}, the model says {expected}: {text[:500]!r}")
        return len(answers[0][1])

    def stop(self) -> None:
        """End the server and whatever it started."""
        everybody = family(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in everybody[1:]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
