"""An application on a port, in a thread, as the server's own processes run it; and sockets to be rude with."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from nbregistry.serving.app import Application
from nbregistry.serving.protocol import bound


@contextlib.contextmanager
def running(make: Callable[[int], Application]) -> Iterator[tuple[int, Application]]:
    """Run what ``make(port)`` gives; yield the port and the application."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    port = listening.getsockname()[1]
    app = make(port)
    config = uvicorn.Config(
        app, http=bound(app.options, app.measures), ws="none", lifespan="on", log_config=None, access_log=False,
        server_header=False, date_header=False, timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        until(lambda: server.started)
        yield port, app
    finally:
        server.should_exit = True
        thread.join()


def until(true: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Return the first true value, asking until the deadline."""
    end = time.monotonic() + seconds
    while not (found := true()):
        if time.monotonic() > end:
            raise TimeoutError("what was waited for did not come")
        time.sleep(0.005)
    return found


def talk(port: int, *pieces: bytes, wait: float = 10.0) -> tuple[bytes, bool]:
    """Send bytes; return all that comes until the other side closes, and whether it did within ``wait`` seconds."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as sock:
        return exchange(sock, *pieces)


def exchange(sock: socket.socket, *pieces: bytes) -> tuple[bytes, bool]:
    """Send bytes on an open socket and read to its end."""
    found = b""
    try:
        for piece in pieces:
            sock.sendall(piece)
        while data := sock.recv(65536):
            found += data
    except TimeoutError:
        return found, False
    except OSError:
        return found, True
    return found, True


def status_of(answer: bytes) -> int:
    """Return the status of the first answer; 0 when there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0
