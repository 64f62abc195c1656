"""Statistics of several processes as those of one server: each leaves what it counted in the run folder.

A scrape reaches whichever process takes the connection. It answers with its own live cells and the snapshots of the
others; a process that ended, or was killed, keeps its counters there, so that none ever falls.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import Any

import orjson

from nbregistry.serving.boundary import attempted
from nbregistry.serving.measures import SHAPES, Measures
from nbregistry.serving.metrics import State, exposition, merged

EVERY = 0.2
"""Seconds between two snapshots at least."""

ENDED = "metrics-ended.json"
"""What all processes counted that ended, and the names of the files that are in it and may still be there."""

_REMEMBERED = 256


class Snapshots:
    """The statistics of this process beside those of its siblings.

    Parameters
    ----------
    measures : Measures
        What this process counts.
    folder : Path or None
        The run folder that all processes of the server share; None: there is only this one.
    index : str
        Which of the processes: ``0``, ``1`` or ``supervisor``. A process that takes the place of another has its index.
    """

    def __init__(self, measures: Measures, folder: Path | None = None, index: str = "0") -> None:
        self._measures = measures
        self._started = time.time()
        self._folder = folder
        self._index = index
        self._file = folder / f"metrics-{index}-{time.time_ns()}.json" if folder else None
        self._written = b""
        self._leave = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to write, on a thread of its own."""
        self._measures.started.labels().set(self._started)
        if self._file is not None:
            self.write()
            attempted("Adding up the counters of ended processes", self.gather, None)
            self._thread = threading.Thread(target=self._run, name="nbregistry-metrics", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Write a last time, as a process that ended."""
        self._leave.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._file is not None:
            self.write(ended=True)

    def _run(self) -> None:
        while not self._leave.wait(EVERY):
            self.write()

    def write(self, *, ended: bool = False) -> None:
        """Leave what was counted, if anything changed since the last time; a full disk loses statistics only."""
        if self._file is None:
            return
        told = {"pid": os.getpid(), "index": self._index, "ended": ended, "state": self._measures.state()}
        data = orjson.dumps(told)
        if data == self._written:
            return
        beside = self._file.with_suffix(".part")
        with contextlib.suppress(OSError):
            beside.write_bytes(data)
            os.replace(beside, self._file)
            self._written = data

    def text(self, *, openmetrics: bool = False) -> bytes:
        """Return what a scrape is answered with."""
        return exposition(SHAPES, self.state(), openmetrics=openmetrics)

    def state(self) -> dict[str, list[list[Any]]]:
        """Return the statistics of all processes, added up."""
        self._measures.memory.labels().set(resident())
        living: list[State] = [self._measures.state()]
        gone: list[State] = []
        others = self._others()
        # Last, as what ends up in it meanwhile was seen above and is named in it: nothing is missed or counted twice.
        ended, within = self._ended()
        for file, newest, found in others:
            if file.name not in within:
                (living if newest and _runs(found) else gone).append(found["state"])
        return merged(SHAPES, living, [*gone, ended])

    def gather(self) -> None:
        """Add what ended processes left to one file, so that restarts do not pile up files."""
        if self._folder is None:
            return
        from filelock import FileLock, Timeout

        with contextlib.suppress(OSError, Timeout), FileLock(self._folder / "metrics.lock", timeout=1, mode=0o600):
            state, within = self._ended()
            over = [(file, found) for file, _, found in self._others() if not _runs(found)]
            more = [(file, found) for file, found in over if file.name not in within]
            if more:
                state = merged(SHAPES, [], [state, *(found["state"] for _, found in more)])
                within = [*within, *(file.name for file, _ in more)][-max(_REMEMBERED, len(over)) :]
                beside = self._folder / "metrics-ended.part"
                beside.write_bytes(orjson.dumps({"state": state, "within": within}))
                os.replace(beside, self._folder / ENDED)
            for file, _ in over:
                file.unlink(missing_ok=True)

    def _ended(self) -> tuple[State, list[str]]:
        """Return what was added up of ended processes, and the names of the files that it came from."""
        if self._folder is not None:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                told = orjson.loads((self._folder / ENDED).read_bytes())
                if isinstance(told["state"], dict) and isinstance(told["within"], list):
                    return told["state"], told["within"]
        return {}, []

    def _others(self) -> list[tuple[Path, bool, dict[str, Any]]]:
        """Return what the others left, and whether it is the last of its index: only that one can be alive."""
        if self._folder is None:
            return []
        found: list[tuple[Path, int, dict[str, Any]]] = []
        for file in sorted(self._folder.glob("metrics-*-*.json")):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                told = orjson.loads(file.read_bytes())
                if file != self._file and isinstance(told["state"], dict) and isinstance(told["pid"], int):
                    found.append((file, int(file.stem.rsplit("-", 1)[1]), told))
        last = {self._index: time.time_ns()}
        for _, started, told in found:
            last[told["index"]] = max(last.get(told["index"], 0), started)
        return [(file, started == last[told["index"]], told) for file, started, told in found]


def _runs(told: dict[str, Any]) -> bool:
    if told["ended"]:
        return False
    try:
        os.kill(told["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def resident() -> float:
    """Return the memory of this process in bytes, as the system counts it; 0 where that cannot be told."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return _peak()
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


def _peak() -> float:
    """Return the most memory that was ever in use, where the system does not tell what is now (macOS)."""
    try:
        import resource
    except ImportError:
        return 0.0
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
