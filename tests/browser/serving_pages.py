"""A registry browser of one's own, started as a user starts it, and a client that says what it likes."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from nbregistry import Registry

SECRET = "a-secret-of-the-proxy"
PATIENCE = 60.0


class Steady:
    """A small model."""

    def predict(self, rows: Any) -> list[float]:
        return [1.0 for _ in rows]


def stocked(folder: Path) -> Path:
    """Make a registry in which churn/3 waits for a decision, and return its folder."""
    with Registry(folder / "store", user="mira") as registry:
        for number in (1, 2, 3):
            registry.register(Steady(), "churn", metrics={"auc": 0.9 + number / 100}, note=f"try {number}")
        registry.register(Steady(), "fraud", metrics={"auc": 0.8})
        registry.promote("churn/1", "Production", because="our baseline")
        registry.promote("churn/2", "Production", because="higher AUC")
        registry.promote("churn/3", "Staging", because="ready for a decision")
    return folder / "store"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def kernel(self) -> str:
        """The kernel of a page."""
        found = re.search(r'"kernelId": "([0-9a-f-]{36})"', self.text)
        assert found is not None, self.text[:500]
        return found[1]

    @property
    def cookie(self) -> str:
        """The cookie that it sets."""
        return self.headers.get("Set-Cookie", "").partition(";")[0]


@dataclass
class Pages:
    """A server that runs.

    Attributes
    ----------
    said, log : Path
        Its standard output and standard error.
    """

    process: subprocess.Popen[bytes]
    said: Path
    log: Path
    store: Path
    port: int = 0
    opened: list[http.client.HTTPConnection] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def token(self, who: str) -> str:
        """Return a token by whose it is, from the links that were told."""
        found = re.search(rf"for {who}\b.*\?token=([\w-]+)", self.log.read_text("utf-8"))
        assert found is not None
        return found[1]

    def ask(
        self, path: str = "/", *, method: str = "GET", body: bytes | None = None, host: str | None = None,
        **headers: Any,
    ) -> Answer:  # fmt: skip
        """Ask something; underscores in names of headers stand for hyphens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.putrequest(method, path, skip_host=True)
            for value in [host or f"127.0.0.1:{self.port}"] if host != "" else []:
                connection.putheader("Host", value)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read().decode("utf-8", "replace"))
        finally:
            connection.close()

    def kernels(self) -> list[int]:
        """Return the processes of the kernels that live."""
        found = psutil.Process(self.process.pid).children(recursive=True)
        return [child.pid for child in found if any("ipykernel" in word for word in _words(child))]

    def settled(self, most: int) -> None:
        """Wait until for a while no more than so many kernels live."""
        calm = [0]

        def few() -> bool:
            calm[0] = calm[0] + 1 if len(self.kernels()) <= most else 0
            return calm[0] >= 10

        until(few, lambda: f"{len(self.kernels())} kernels live, not {most}")


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def until(holds: Callable[[], object], told: Callable[[], str] = lambda: "it never came true") -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(told())
        time.sleep(0.05)


@contextmanager
def browsing(store: Path, folder: Path, *options: str, before: str = "", **environment: str) -> Iterator[Pages]:
    """Run ``nbregistry browse`` for a block, after some code of a test."""
    said, log = folder / "said", folder / "log"
    start = ["-c", f"{before}; import sys; from nbregistry.cli.main import main; sys.exit(main(sys.argv[1:]))"]
    told = (*(start if before else ["-m", "nbregistry"]), "browse", "--registry", str(store), "--port", "0")
    command = [sys.executable, *told, *options]
    with said.open("wb") as out, log.open("wb") as err:
        process = subprocess.Popen(
            command, cwd=folder, stdout=out, stderr=err, env={**os.environ, **environment}, start_new_session=True
        )
    pages = Pages(process, said, log, store)
    try:
        until(lambda: "http://" in said.read_text("utf-8") or process.poll() is not None)
        found = re.search(r"http://\S+?:(\d+)/", said.read_text("utf-8"))
        assert found is not None, log.read_text("utf-8")
        pages.port = int(found[1])
        yield pages
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def proxied(user: str) -> dict[str, Any]:
    """Return the headers that a trusted proxy adds."""
    return {"X-Forwarded-User": user, "X-Nbregistry-Proxy-Secret": SECRET}


def message(kind: str, content: dict[str, Any], channel: str = "shell") -> str:
    """Return a kernel message as a browser without binary messages sends it."""
    header = {"msg_id": os.urandom(8).hex(), "username": "x", "session": "s", "msg_type": kind, "version": "5.3"}
    return json.dumps(
        {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": channel, "buffers": []}
    )
