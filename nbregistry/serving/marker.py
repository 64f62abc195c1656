"""What a worker is doing right now, in a file that outlives it: after a crash it tells which version was running.

Writing costs a slice assignment into mapped memory, so each run of a model can afford it, and nothing has to be flushed
when the process is killed in the middle of it.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import threading
import time
from pathlib import Path

from nbregistry.types import Digest

_WIDTH = 64  # hexadecimal digits of a SHA-256
_NOTHING = bytes(_WIDTH)
_BEAT, _CONNECTIONS, _BLAMED, _SLOTS = 0, 8, 16, 128  # offsets
_SIZE = _SLOTS + 32 * _WIDTH  # 32 threads may run models at the same time


class Marker:
    """The marker of one worker; its methods may be called from any thread.

    Parameters
    ----------
    path : Path
        The file; made when it is not there, never shortened, since siblings have it mapped.
    """

    def __init__(self, path: Path) -> None:
        self._map = _mapped(path)
        self._map[:] = bytes(_SIZE)
        self._free = list(range(_SLOTS, _SIZE, _WIDTH))
        self._held: dict[int, int] = {}

    def running(self, digest: Digest) -> None:
        """Say that the calling thread loads or runs a version from here on."""
        thread = threading.get_ident()
        slot = self._held.get(thread)
        if slot is None:
            if not self._free:
                return
            slot = self._held[thread] = self._free.pop()
        self._map[slot : slot + _WIDTH] = _padded(digest)

    def idle(self) -> None:
        """Say that the calling thread runs nothing any more."""
        slot = self._held.pop(threading.get_ident(), None)
        if slot is not None:
            self._map[slot : slot + _WIDTH] = _NOTHING
            self._free.append(slot)

    def blame(self, digest: Digest) -> None:
        """Say that this version is why the process is about to end itself, whatever else runs."""
        self._map[_BLAMED : _BLAMED + _WIDTH] = _padded(digest)

    def beat(self, connections: int) -> None:
        """Say that the event loop turns, and how many connections it has."""
        struct.pack_into("dq", self._map, _BEAT, time.monotonic(), connections)


class Look:
    """A look at a marker from another process."""

    def __init__(self, path: Path) -> None:
        self._map = _mapped(path)

    def suspects(self) -> tuple[Digest, ...]:
        """Return the versions that were being loaded or run; the one that was blamed, if one was."""
        places = [_BLAMED, *range(_SLOTS, _SIZE, _WIDTH)]
        found = [self._map[at : at + _WIDTH].rstrip(b"\0").decode("ascii", "replace") for at in places]
        return (found[0],) if found[0] else tuple(dict.fromkeys(filter(None, found)))

    def beat(self) -> tuple[float, int]:
        """Return when its event loop last turned (``time.monotonic``; 0 before the first) and its connections."""
        when, connections = struct.unpack_from("dq", self._map, _BEAT)
        return when, connections

    def close(self) -> None:
        """Let go of the file."""
        with contextlib.suppress(BufferError):
            self._map.close()


def _padded(digest: Digest) -> bytes:
    return digest.encode("ascii", "replace").ljust(_WIDTH, b"\0")[:_WIDTH]


def _mapped(path: Path) -> mmap.mmap:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(fd).st_size < _SIZE:
            os.ftruncate(fd, _SIZE)
        return mmap.mmap(fd, _SIZE)
    finally:
        os.close(fd)
