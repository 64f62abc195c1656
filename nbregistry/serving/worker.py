"""One process that answers: ``python -m nbregistry.serving.worker RUNFOLDER INDEX LISTEN TELL``.

Started by the supervisor with the listening socket and a pipe to tell ``ready`` or ``failed: why``; its standard input
ends when the supervisor does. It loads no library that the versions it serves do not need.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbregistry.errors import MissingDependency, RegistryError
from nbregistry.serving.listening import Listening
from nbregistry.serving.marker import Look, Marker
from nbregistry.serving.spec import RunFolder, ServerSpec
from nbregistry.serving.supervisor import DRAIN, REFUSED, STUCK
from nbregistry.types import Digest

_SWITCH = 0.0005
"""Seconds after which a model's thread gives the interpreter to the event loop, where it is Python that runs."""

_PARTING = 0.3  # seconds in which those who waited for a model that does not come back are told so


class Worker:
    """The process of one index.

    Parameters
    ----------
    run : RunFolder
        The server's.
    index : int
        Which of its workers this is.
    listener : socket
        Shared with the supervisor and the siblings.
    tell : callable
        Tells the supervisor a line.
    """

    def __init__(self, run: RunFolder, index: int, listener: socket.socket, tell: Callable[[str], None]) -> None:
        self.run, self.index, self.spec = run, index, run.spec()
        self._listener, self._tell = listener, tell
        self.marker = Marker(run.marker(index))
        self._leave: asyncio.Event | None = None
        self._orphan = False

    async def serve(self) -> None:
        """Answer until told to stop."""
        loop = asyncio.get_running_loop()
        leave = self._leave = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, leave.set)
        loop.add_reader(0, self._orphaned)
        from nbregistry.serving.assembly import assembled

        parts = await assembled(self)
        protocol, state = _protocol(parts.app)

        def headers(found: list[tuple[bytes, bytes]]) -> None:
            state.default_headers = found

        siblings = [Look(self.run.marker(i)) for i in range(self.spec.workers) if i != self.index]
        listening = Listening(
            self._listener, protocol, connections=state.connections, headers=headers, marker=self.marker,
            siblings=siblings,
        )  # fmt: skip
        parts.app.start()
        listening.start()
        _quieten_collector()
        self._tell("ready")
        await leave.wait()
        parts.leave()
        deadline = loop.time() + DRAIN
        await listening.finish(DRAIN, whole=self._whole())
        await parts.close(max(0.1, deadline - loop.time()))
        parts.app.stop()

    def _orphaned(self) -> None:
        """Leave when the supervisor is gone: nobody could stop this process any more."""
        if not os.read(0, 1024) and self._leave is not None:
            asyncio.get_running_loop().remove_reader(0)
            self._orphan = True
            self._leave.set()

    def _whole(self) -> bool:
        """Whether the server ends, not this worker alone."""
        try:
            return self._orphan or self.run.state().get("state") == "stopping"
        except RegistryError:  # it cannot be read now: the siblings' connections are not to be risked
            return False

    def stuck(self, digest: Digest) -> None:
        """End the process, since a thread cannot be ended; those who waited are told first."""
        self.marker.blame(digest)
        asyncio.get_running_loop().call_later(_PARTING, os._exit, STUCK)


def _quieten_collector() -> None:
    """Leave what was loaded to start with out of every later look for cycles, which else holds up answers for long."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)


def _protocol(app: Any) -> tuple[Callable[[], asyncio.Protocol], Any]:
    """Return what makes the protocol of a connection, and what the connections share."""
    try:
        from uvicorn.config import Config
        from uvicorn.server import ServerState

        from nbregistry.serving.express import Express
        from nbregistry.serving.protocol import bound
    except ImportError as error:
        raise MissingDependency(error.name or "uvicorn", "serve", "Serving") from None
    kind = bound(app.options, app.measures, Express(app))
    config = Config(
        app, http=kind, ws="none", lifespan="off", log_config=None, access_log=False, proxy_headers=False,
        server_header=False, date_header=False, interface="asgi3",
    )  # fmt: skip
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    return lambda: kind(config=config, server_state=state, app_state={}, _loop=loop), state


def prepare(spec: ServerSpec) -> None:
    """Set what holds for the whole process, before anything is imported that looks at it."""
    sys.setswitchinterval(_SWITCH)
    sys.path.extend(path for path in spec.path if path not in sys.path)
    if spec.memory:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (spec.memory, spec.memory))
    # Rows are handed over as an array wherever that is the same, in the order of the signature.
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )


def loop_of() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the fastest event loop that is installed; None for Python's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def main(arguments: list[str] | None = None) -> int:
    """Run one worker.

    Returns
    -------
    int
        The exit status: 0 told to stop, ``REFUSED`` when nothing could be served.
    """
    folder, index, listens, tells = (sys.argv[1:] if arguments is None else arguments)[:4]

    def tell(line: str) -> None:
        os.write(int(tells), f"{line}\n".encode())

    try:
        run = RunFolder(Path(folder))
        prepare(run.spec())
        listener = socket.socket(fileno=int(listens))
        listener.setblocking(False)
        worker = Worker(run, int(index), listener, tell)
        with asyncio.Runner(loop_factory=loop_of()) as runner:
            runner.run(worker.serve())
    except RegistryError as error:
        tell(f"failed: {' '.join(str(error).split())}")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
