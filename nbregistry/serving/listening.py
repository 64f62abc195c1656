"""How a worker takes connections from the socket that it shares with its siblings, and how it parts from them.

Left to itself, whichever process wakes up first takes everything that is waiting. Here a worker takes one connection at
a time, and gives a sibling that has fewer a moment to come first.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence
from email.utils import formatdate
from typing import Any

from nbregistry.serving.marker import Look, Marker

_MOMENT = 0.002
"""Seconds that a sibling with fewer connections is given to take the one that waits."""

_ALIVE = 1.5  # seconds since its last beat after which a sibling is not waited for
_BEAT = 0.25
_FULL = 0.2  # seconds of a pause when the process is out of file descriptors
_AT_ONCE = 64
_TURN = 0.02
_LINGER = 1.0
"""Seconds in which a server that is told to stop still answers what comes, each answer ending its connection."""

_DEAF, _HEARING = 26, 27  # SO_ATTACH_FILTER and SO_DETACH_FILTER of Linux, which the socket module does not name


class Listening:
    """Takes connections for one worker.

    Parameters
    ----------
    listener : socket
        Shared with the siblings; not blocking.
    make : callable
        Makes the protocol of a connection.
    connections : set
        Where protocols enter themselves; each has ``shutdown()``, and ``cycle``, None before its first request.
    headers : callable
        Told the headers of every answer, once a second: a list of pairs.
    siblings : sequence of Look
        Markers of the other workers.
    """

    def __init__(
        self,
        listener: socket.socket,
        make: Callable[[], asyncio.Protocol],
        *,
        connections: set[Any],
        headers: Callable[[list[tuple[bytes, bytes]]], None],
        marker: Marker,
        siblings: Sequence[Look] = (),
    ) -> None:
        self._listener, self._make, self._connections = listener, make, connections
        self._headers, self._marker, self._siblings = headers, marker, siblings
        self._loop = asyncio.get_running_loop()
        self._coming: set[asyncio.Task[Any]] = set()
        self._open = False
        self._yielded = False
        self._timers: list[asyncio.TimerHandle] = []

    def start(self) -> None:
        """Begin to take connections."""
        self._open = True
        _hear(self._listener)
        self._beat()
        self._date()
        self._resume()

    @property
    def count(self) -> int:
        """Connections that are open or about to be."""
        return len(self._connections) + len(self._coming)

    # -- taking

    def _resume(self) -> None:
        if self._open:
            self._loop.add_reader(self._listener.fileno(), self._ready)

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener.fileno())
        self._loop.call_later(seconds, self._resume)

    def _ready(self) -> None:
        if self._siblings and not self._yielded and self._fuller():
            self._yielded = True
            self._pause(_MOMENT)
            return
        self._yielded = False
        for _ in range(1 if self._siblings else _AT_ONCE):
            if not self._take():
                return

    def _take(self) -> bool:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False  # a sibling was quicker, or the client has left
        except OSError:
            if self._open:
                self._pause(_FULL)
            return False
        connection.setblocking(False)
        task = self._loop.create_task(self._loop.connect_accepted_socket(self._make, connection))
        self._coming.add(task)
        task.add_done_callback(self._came)
        if self._siblings:
            self._marker.beat(self.count)
        return True

    def _came(self, task: asyncio.Task[Any]) -> None:
        self._coming.discard(task)
        if not task.cancelled():
            task.exception()  # a client that left before it was there is nobody's fault

    def _fuller(self) -> bool:
        """Whether a sibling that is alive has fewer connections."""
        now, mine = time.monotonic(), self.count
        found = (sibling.beat() for sibling in self._siblings)
        return any(count < mine for beat, count in found if now - beat < _ALIVE)

    def _anybody(self) -> bool:
        """Whether this worker or a sibling that is alive has a connection."""
        now = time.monotonic()
        found = (sibling.beat() for sibling in self._siblings)
        return bool(self.count) or any(count and now - beat < _ALIVE for beat, count in found)

    # -- telling that the loop turns

    def _beat(self) -> None:
        self._marker.beat(self.count)
        self._loop.call_later(_BEAT, self._beat)

    def _date(self) -> None:
        self._headers([(b"date", formatdate(time.time(), usegmt=True).encode())])
        self._loop.call_later(1.0, self._date)

    # -- parting

    async def finish(self, seconds: float, *, whole: bool) -> None:
        """Answer what is under way and what already waits, then let every connection go.

        For a moment everything is answered as before, while each answer says that the connection ends: a client that
        sends its next request just now gets its answer. Only then idle connections are closed.

        Parameters
        ----------
        seconds : float
            In which all of it has to be done.
        whole : bool
            Whether the siblings end too; else they go on taking connections from the socket.
        """
        deadline = time.monotonic() + seconds
        lingers = time.monotonic() + min(_LINGER, seconds)
        await asyncio.sleep(_TURN)
        while self._anybody() and time.monotonic() < lingers:  # nobody to be polite to, nothing to wait for
            await asyncio.sleep(_TURN)
        self._open = False
        self._loop.remove_reader(self._listener.fileno())
        if whole:
            _turn_deaf(self._listener)
        while self._take():
            pass
        self._listener.close()
        if self._coming:
            await asyncio.wait(self._coming, timeout=1.0)
        patience = time.monotonic() + min(_LINGER, seconds)
        while any(c.cycle is None for c in self._connections) and time.monotonic() < patience:
            await asyncio.sleep(_TURN)  # whoever connected last has not sent its request yet
        for connection in list(self._connections):
            connection.shutdown()
        while self._connections and time.monotonic() < deadline:
            await asyncio.sleep(0.01)


def _turn_deaf(listener: socket.socket) -> None:
    """Have the kernel drop whoever wants to connect, who tries again a second later and is then refused.

    Between the last connection that is taken and the end of the socket another one could come: it would have been
    accepted for us, and be reset with its request. A filter of one instruction, "keep 0 bytes", closes that gap on
    Linux (socket(7), SO_ATTACH_FILTER); elsewhere it stays, some microseconds wide.
    """
    if sys.platform == "linux":
        program = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0), 8)  # BPF_RET | BPF_K, k = 0
        with contextlib.suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, _DEAF, struct.pack("HP", 1, ctypes.addressof(program)))


def _hear(listener: socket.socket) -> None:
    """Take connections, whatever became of the socket before."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # there is nothing to undo
            listener.setsockopt(socket.SOL_SOCKET, _HEARING, 0)
