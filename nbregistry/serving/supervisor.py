"""The parent of a server's workers: ``python -m nbregistry.serving.supervisor RUNFOLDER``. Standard library only.

It binds the address itself, so that the URL holds from the first moment, whatever becomes of a worker: what connects
while one is started again waits in the socket's queue. It starts the workers, starts them again when they end, puts
away a version that keeps bringing them down, and ends when it is told to or when whoever asked for the server is gone.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nbregistry.errors import StoreUnavailable
from nbregistry.serving.marker import Look
from nbregistry.serving.quarantine import TIMES, WITHIN, Crashes, quarantine
from nbregistry.serving.spec import RunFolder, address
from nbregistry.types import Digest, Document

DRAIN = 30.0
"""Seconds that requests under way are given when the server is told to stop."""

STUCK, REFUSED = 70, 3
"""How a worker ends when a model does not come back, and when it cannot serve at all."""

_WORKER = (sys.executable, "-P", "-m", "nbregistry.serving.worker")
_LOOK = 0.25  # seconds between two looks at whether the parent is there and every event loop turns
_GRACE = 10.0  # seconds beyond a run's limit after which a worker whose loop stands still is killed
_LOADING = 120.0  # seconds in which any version should be loaded
_MOST_LOG = 8 * 2**20
_BACKLOG = 2048


@dataclass(slots=True)
class _Worker:
    index: int
    process: subprocess.Popen[bytes] | None = None
    told: int = -1
    life: int = -1
    words: bytes = b""
    ready: bool = False
    was_ready: bool = False
    restarts: int = 0
    due: float = 0.0
    doing: tuple[Digest, ...] = ()
    since: float = 0.0
    look: Look | None = None


class Supervisor:
    """One server's processes.

    Parameters
    ----------
    folder : Path
        Its run folder.
    worker : sequence of str
        The command of a worker; index, socket and pipes are appended.
    life : int or None
        A pipe whose other end the starting process holds: its end is ours.
    parent : int or None
        The starting process; a child that it forked may hold the pipe too.
    """

    def __init__(self, folder: Path, *, worker: Sequence[str] = _WORKER, life: int | None, parent: int | None) -> None:
        self._run = RunFolder(folder)
        self._spec = self._run.spec()
        self._command, self._life, self._parent = worker, life, parent
        self._workers = [_Worker(index) for index in range(max(1, self._spec.workers))]
        self._crashes = Crashes()
        self._select = selectors.DefaultSelector()
        self._socket: socket.socket | None = None
        self._grpc: socket.socket | None = None
        self._log = os.open(self._run.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._started = time.time()
        self._url = ""
        self._stopping = 0.0
        self._leave = False
        self._why = ""
        self._told: Document = {}

    def run(self) -> int:
        """Serve until the end.

        Returns
        -------
        int
            The exit status: 0 stopped, 1 could not serve.
        """
        with self._run.held():
            try:
                self._listen()
            except OSError as error:
                self._tell("failed", why=error.strerror or str(error), errno=error.errno)
                return 1
            self._watch_signals()
            while not self._over():
                self._turn()
            self._tell("failed" if self._why else "ended", why=self._why)
        return 1 if self._why else 0

    # -- what it stands on

    def _listen(self) -> None:
        host, port = self._spec.host, self._spec.port
        resolved = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, place = resolved[0]
        found = socket.socket(family, kind, protocol)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(place)
        found.listen(_BACKLOG)
        found.setblocking(False)
        self._socket = found
        self._url = address(host, found.getsockname()[1])
        if self._spec.grpc >= 0:
            # Bound and never listening: it only keeps the port for the workers, which each listen on it.
            self._grpc = socket.socket(family, kind, protocol)
            self._grpc.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self._grpc.bind((place[0], self._spec.grpc, *place[2:]))
        self._report()

    def _watch_signals(self) -> None:
        wakes, woken = os.pipe()
        os.set_blocking(wakes, False)
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._asked_to_stop())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._select.register(wakes, selectors.EVENT_READ, lambda: _drained(wakes))
        if self._life is not None:
            self._select.register(self._life, selectors.EVENT_READ, self._abandoned)

    def _asked_to_stop(self) -> None:
        self._leave = True

    def _abandoned(self) -> None:
        if self._life is not None:
            self._select.unregister(self._life)
            self._life = None
        self._leave = True

    # -- one turn

    def _turn(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.process is None and now >= worker.due and not self._stopping and not self._leave:
                self._start(worker)
        self._report()
        for key, _ in self._select.select(self._pause(now)):
            key.data()
        for worker in self._workers:
            self._reap(worker)
        if self._parent is not None and os.getppid() != self._parent:
            self._leave = True
        if self._leave and not self._stopping:
            self._stop()
        if self._stopping and time.monotonic() > self._stopping:
            self._end()
        self._trim()

    def _pause(self, now: float) -> float:
        due = [w.due - now for w in self._workers if w.process is None and not self._stopping]
        return max(0.0, min([_LOOK, *due]))

    def _over(self) -> bool:
        return bool(self._stopping) and all(w.process is None for w in self._workers)

    def _report(self) -> None:
        if self._stopping:
            return self._tell("stopping", why=self._why)
        # Begun once all are there; from then on one that is started again does not make the server unready.
        complete = all(w.was_ready for w in self._workers) and any(w.ready for w in self._workers)
        return self._tell("ready" if complete else "starting")

    # -- workers

    def _start(self, worker: _Worker) -> None:
        assert self._socket is not None  # noqa: S101 - bound before the first worker is started
        if worker.look is None:
            worker.look = Look(self._run.marker(worker.index))
        told, tells = os.pipe()
        lives, life = os.pipe()
        listens = self._socket.fileno()
        command = [*self._command, str(self._run.path), str(worker.index), str(listens), str(tells)]
        worker.process = subprocess.Popen(  # noqa: S603 - our own module, with arguments of ours
            command, stdin=lives, stdout=self._log, stderr=self._log, pass_fds=(listens, tells), close_fds=True
        )
        os.close(tells)
        os.close(lives)
        os.set_blocking(told, False)
        worker.told, worker.life, worker.words, worker.ready = told, life, b"", False
        worker.doing, worker.since = (), time.monotonic()
        self._select.register(told, selectors.EVENT_READ, lambda: self._listen_to(worker))

    def _listen_to(self, worker: _Worker) -> None:
        with contextlib.suppress(BlockingIOError):
            block = os.read(worker.told, 4096)
            worker.words += block
            if not block:
                self._select.unregister(worker.told)
                os.close(worker.told)
                worker.told = -1
        if worker.words.startswith(b"ready\n") and not worker.ready:
            worker.ready = worker.was_ready = True

    def _reap(self, worker: _Worker) -> None:
        process = worker.process
        if process is None:
            return
        code = process.poll()
        if code is None:
            self._check(worker, process)
            return
        if worker.told >= 0:
            self._listen_to(worker)
        if worker.told >= 0:
            self._select.unregister(worker.told)
            os.close(worker.told)
            worker.told = -1
        os.close(worker.life)
        worker.process, worker.ready = None, False
        if not self._stopping and not self._leave:
            self._ended(worker, code)

    def _check(self, worker: _Worker, process: subprocess.Popen[bytes]) -> None:
        """Kill a worker that stands still: a model may hold the interpreter, or its loading, and never give it back."""
        if worker.look is None:
            return
        now = time.monotonic()
        if not worker.ready:
            if (doing := worker.look.suspects()) != worker.doing:
                worker.doing, worker.since = doing, now  # each version has its own time
            elif now - worker.since > self._loading:
                self._hung(worker)
                process.kill()
            return
        beat, _ = worker.look.beat()
        if beat and now - beat > self._spec.timeout + _GRACE:
            self._say(f"worker {worker.index} stood still for {self._spec.timeout + _GRACE:g} s and is ended")
            process.kill()

    @property
    def _loading(self) -> float:
        return self._spec.loading or max(_LOADING, 4 * self._spec.timeout)

    def _hung(self, worker: _Worker) -> None:
        """Put away what a worker loads and does not get to the end of: to see it three times would take too long."""
        worker.since = time.monotonic()
        self._say(f"worker {worker.index} has loaded for {self._loading:g} s and is ended")
        if len(worker.doing) == 1:
            self._put_away(worker.doing[0], f"its loading did not end within {self._loading:g} s")

    def _ended(self, worker: _Worker, code: int) -> None:
        """Decide what follows from a worker's end: it is started again, unless the server never could serve."""
        why = worker.words.partition(b"failed: ")[2].decode("utf-8", "replace").strip()
        if code == REFUSED and not any(w.was_ready for w in self._workers):
            self._why = why or "A worker could not start; its log says more."
            self._leave = True
            return
        now = time.monotonic()
        suspects = worker.look.suspects() if worker.look is not None else ()
        if not suspects and worker.restarts + 1 >= TIMES and not any(w.was_ready for w in self._workers):
            self._why = f"its workers end {_how(code)} before they can answer: {_last_line(self._run.log)}"
            self._leave = True
            return
        for digest in self._crashes.note(suspects, now):
            reason = f"{TIMES} workers ended within {WITHIN:g} s while they ran it, the last one {_how(code)}"
            self._put_away(digest, reason)
        # The first ones at once: a worker that is killed from outside is missed for a moment only.
        beyond = self._crashes.recent(now) - 2 * TIMES
        worker.due = now + (min(0.5 * 2**beyond, 15.0) if beyond >= 0 else 0.0)
        worker.restarts += 1
        self._count()
        self._say(f"worker {worker.index} ended {_how(code)}; it is started again" + (f" ({why})" if why else ""))

    def _put_away(self, digest: Digest, reason: str) -> None:
        try:
            quarantine(self._run.path, digest, reason)
        except (OSError, StoreUnavailable) as error:  # which ends no server; its next crashes are counted again
            self._say(f"version with digest {digest} cannot be put into quarantine: {error}")
        else:
            self._say(f"version with digest {digest} is put into quarantine: {reason}")

    # -- the end

    def _stop(self) -> None:
        self._stopping = time.monotonic() + DRAIN + 5.0
        self._report()
        if self._socket is not None:
            self._socket.close()  # the workers' copies go on until each has answered what it took
        for worker in self._workers:
            if worker.process is not None:
                worker.process.terminate()

    def _end(self) -> None:
        for worker in self._workers:
            if worker.process is not None:
                worker.process.kill()

    # -- what it tells

    def _tell(self, state: str, *, why: str = "", errno: int | None = None) -> None:
        workers = [
            {"index": w.index, "pid": w.process.pid if w.process else 0, "ready": w.ready, "restarts": w.restarts}
            for w in self._workers
        ]
        found: Document = {
            "state": state, "why": why, "errno": errno, "url": self._url, "pid": os.getpid(), "started": self._started,
            "grpc": self._grpc.getsockname()[1] if self._grpc is not None else 0,
            "port": int(self._url.rpartition(":")[2] or 0), "workers": workers,
        }  # fmt: skip
        if found != self._told:
            with contextlib.suppress(OSError):  # a full disk ends no server
                self._run.write("state.json", found)
                self._told = found

    def _count(self) -> None:
        """Leave the number of restarts where the workers leave their statistics, in the same form."""
        count = sum(w.restarts for w in self._workers)
        state = {"nbregistry_worker_restarts_total": [[[], count]]}
        found: Document = {"pid": os.getpid(), "index": "supervisor", "ended": False, "state": state}
        with contextlib.suppress(OSError):
            self._run.write(f"metrics-supervisor-{int(self._started * 1e9)}.json", found)

    def _say(self, text: str) -> None:
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with contextlib.suppress(OSError):
            os.write(self._log, f"{when} supervisor: {text}\n".encode())

    def _trim(self) -> None:
        with contextlib.suppress(OSError):
            if os.fstat(self._log).st_size > _MOST_LOG:
                shutil.copyfile(self._run.log, f"{self._run.log}.1")
                os.ftruncate(self._log, 0)  # every writer appends, so the next line of each begins the file again


def _how(code: int) -> str:
    if code == STUCK:
        return "since the model did not come back"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"by {signal.Signals(-code).name}"
    return f"with status {code}"


def _last_line(log: Path) -> str:
    with contextlib.suppress(OSError):
        lines = log.read_bytes()[-4096:].decode("utf-8", "replace").splitlines()
        return next((line for line in reversed(lines) if line.strip() and " supervisor: " not in line), "")
    return ""


def _drained(fd: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(fd, 4096):
            pass


def main(arguments: Sequence[str] | None = None, *, worker: Sequence[str] = _WORKER) -> int:
    """Run the supervisor of a run folder; see ``Supervisor`` for ``worker``."""
    parser = argparse.ArgumentParser(prog="nbregistry.serving.supervisor")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--life", type=int)
    parser.add_argument("--parent", type=int)
    asked = parser.parse_args(arguments)
    os.umask(0o077)
    if asked.parent is None and os.fork():
        os._exit(0)  # nobody waits for a server that outlives its starter, and no zombie is left to one who could
    if asked.life is not None:
        fcntl.fcntl(asked.life, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    return Supervisor(asked.folder, worker=worker, life=asked.life, parent=asked.parent).run()


if __name__ == "__main__":
    sys.exit(main())
