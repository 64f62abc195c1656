"""A running server, held from a notebook: its address, whether it is ready, what it counted, and its end.

A handle is nothing but the server's run folder, so that another kernel of the same user can hold it too. What this
process started, it ends with itself, unless the server was detached.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from nbregistry.errors import Conflict, RegistryError
from nbregistry.serving.spec import ADMIN, RunFolder, ServerSpec, graph_name, is_graph, runs, shown
from nbregistry.types import Document

if TYPE_CHECKING:
    from nbregistry.serving.client import Client

_PAUSE = 0.02
_LEAVING = 40.0  # seconds; the supervisor ends its workers by itself before that


class Server:
    """A server and everything that can be asked of it.

    Parameters
    ----------
    run : RunFolder
        Where its processes keep what they have to say.
    token : str
        The token of its callers, where this is known: it is kept nowhere.
    made : bool
        Whether that token was made just now, and nobody has seen it yet.
    """

    def __init__(self, run: RunFolder, *, token: str = "", made: bool = False) -> None:
        self.run = run
        self.token, self.made = token, made
        self.spec: ServerSpec = run.spec()
        self._client: Client | None = None

    @property
    def id(self) -> str:
        """Eight hexadecimal digits that name it."""
        return self.spec.id

    @property
    def url(self) -> str:
        """Where it is asked."""
        return str(self.run.state().get("url", ""))

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.run.state().get("port", 0))

    @property
    def grpc_port(self) -> int:
        """Where it answers gRPC; 0 where it does not."""
        return int(self.run.state().get("grpc", 0))

    @property
    def refs(self) -> tuple[str, ...]:
        """What it was asked to serve, the first one first."""
        return tuple(map(shown, self.run.wanted()))

    @property
    def alive(self) -> bool:
        """Whether it runs at all."""
        return self.run.alive

    @property
    def state(self) -> str:
        """``starting``, ``ready``, ``stopping``, ``ended`` or ``failed``."""
        told = str(self.run.state().get("state", "starting"))
        return told if self.alive or told in ("ended", "failed") else "ended"

    @property
    def workers(self) -> tuple[Document, ...]:
        """Its processes: ``index``, ``pid``, ``ready``, ``restarts``."""
        return tuple(self.run.state().get("workers", ()))

    @property
    def ready(self) -> bool:
        """Whether everything that it serves can answer now."""
        return self.state == "ready" and self.client.ready()

    @property
    def client(self) -> Client:
        """A client that may ask everything."""
        if self._client is None:
            from nbregistry.serving.client import Client

            self._client = Client(self.url, self.token or self._own_token(), timeout=30.0)
        return self._client

    def quick(self, timeout: float = 3.0) -> Client:
        """Return a client for whoever looks at a server and does not wait for one that is not there yet."""
        from nbregistry.serving.client import Client

        return Client(self.url, self.token or self._own_token(), timeout=timeout, retries=0)

    def wait_ready(self, timeout: float = 30.0) -> Self:
        """Wait until everything that it serves can answer.

        Raises
        ------
        nbregistry.errors.Conflict
            It could not start, has ended, or was not ready in time; says why.
        """
        deadline = time.monotonic() + timeout
        while not self.ready:
            if (state := self.state) in ("failed", "ended"):
                raise Conflict(f"The server {self.id} has {state}: {self.why() or 'see its log'}")
            if time.monotonic() > deadline:
                raise Conflict(f"The server {self.id} is not ready after {timeout:g} s: {self.why() or state}.")
            time.sleep(_PAUSE)
        return self

    def why(self) -> str:
        """Return why it is not as it should be; empty when nothing says so."""
        told = str(self.run.state().get("why", ""))
        if told or self.state != "ready":
            return told
        return "; ".join(m["trouble"] for m in self.served() if m.get("trouble"))

    def served(self) -> list[Document]:
        """Return what it serves now: reference, version, digest and trouble of each; empty when it cannot be asked."""
        if not self.alive:
            return []
        try:
            with self.quick() as quick:
                return quick.models()
        except RegistryError:
            return []

    def stats(self) -> Document:
        """Return what was counted over all processes since the start: requests, errors, times, batches, memory."""
        return self.client.stats()

    def predict(self, X: Any, method: str = "predict", ref: str | None = None, **more: Any) -> Any:
        """Return what it predicts; see ``Client.predict``.

        Parameters
        ----------
        ref : str
            Which of the references it serves; the first one unless told.
        """
        return self.client.predict(X, ref or "", method=method, **more)

    def metadata(self, ref: str = "") -> Document:
        """Return what it tells of a model: version, signature, batching, compiled or not."""
        return self.client.metadata(ref)

    def logs(self, lines: int = 50) -> str:
        """Return the last lines that its processes wrote."""
        try:
            text = self.run.log.read_bytes()[-256 * 1024 :].decode("utf-8", "replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def load(self, ref: str, *, wait: float = 30.0) -> Self:
        """Have it serve one more reference, in all its processes.

        A graph takes the place of the one of its name.

        Raises
        ------
        nbregistry.errors.Conflict
            It was not served in time; says why.
        """
        self.also(ref)
        deadline, ref = time.monotonic() + wait, shown(ref)
        while not any(m["ref"] == ref and m["ready"] for m in self.served()):
            if time.monotonic() > deadline or not self.alive:
                why = next((m["trouble"] for m in self.served() if m["ref"] == ref), "") or self.state
                raise Conflict(f"{ref} is not served by {self.url}: {why}.")
            time.sleep(_PAUSE)
        return self

    def also(self, ref: str) -> Self:
        """Ask it to serve one more reference, without waiting until it does."""
        self.run.want(partial(_with, ref))
        return self

    def unload(self, ref: str) -> Self:
        """Have it serve a reference no more."""
        self.run.want(lambda refs: (r for r in refs if shown(r) != ref))
        return self

    def begin_stop(self) -> None:
        """Have it answer what is under way and end, without waiting until it has."""
        if self._client is not None:
            self._client.close()
        with contextlib.suppress(ProcessLookupError):
            if self.alive and (pid := self._pid()):
                os.kill(pid, signal.SIGTERM)

    def stop(self) -> None:
        """Answer what is under way, and end; fine when it has ended."""
        self.begin_stop()
        deadline = time.monotonic() + _LEAVING
        while self.alive:
            if time.monotonic() > deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._pid(), signal.SIGKILL)
                break
            time.sleep(_PAUSE)
        from nbregistry.serving import starting

        starting.forget(self.id)

    def as_document(self) -> Document:
        """Return what can be told of it, as plain data."""
        return {
            "id": self.id, "url": self.url, "state": self.state, "refs": list(self.refs), "served": self.served(),
            "workers": list(self.workers), "detached": self.spec.detach, "why": self.why(),
        }  # fmt: skip

    def _pid(self) -> int:
        # Only while the lock is held, so that the number cannot have become another's.
        return int(self.run.state().get("pid", 0))

    def _own_token(self) -> str | None:
        """Return the token that any kernel of the same user can make again, where one is needed."""
        if not any(ADMIN in token.permissions for token in self.spec.tokens):
            return None
        return own_token(Path(self.spec.home), self.id)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __eq__(self, other: object) -> bool:
        return self.run.path == other.run.path if isinstance(other, Server) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.run.path)


class Servers(list[Server]):
    """Running servers, the newest first."""


def _with(ref: str, there: Sequence[str]) -> list[str]:
    """Return a list with one more entry, a graph in the place of the one of its name."""
    if ref in there:
        return list(there)
    same = [r for r in there if is_graph(ref) and is_graph(r) and graph_name(r) == graph_name(ref)]
    return [ref if r in same else r for r in there] if same else [*there, ref]


def own_token(home: Path, id: str) -> str:
    """Return the token of a server's owner: a signature that only the owner's key makes, so that it is kept nowhere."""
    import hashlib

    from nbregistry.flavors.trust import Keyring

    return hashlib.sha256(Keyring(home).sign(f"nbregistry server {id}: its owner".encode()).encode()).hexdigest()


def running(home: Path) -> Servers:
    """Return the servers of a user that are alive, the newest first."""
    found = Servers()
    for run in runs(home):
        if run.alive:
            with contextlib.suppress(RegistryError):
                found.append(Server(run))
    return found


def find(home: Path, words: Sequence[str]) -> Servers:
    """Return the running servers that words name: an id, a URL, a port or a reference; ``all`` for every one.

    Raises
    ------
    nbregistry.errors.NotFound
        A word names none; says what runs.
    """
    from nbregistry.errors import NotFound

    there, found = running(home), Servers()
    for word in words:
        named = [s for s in there if word == "all" or word in (s.id, s.url, str(s.port), *s.refs)]
        if not named and word != "all":
            known = "; ".join(f"{s.id} at {s.url} serves {', '.join(s.refs)}" for s in there)
            raise NotFound(
                f"No server of yours is {word[:200]!r}." + (f" Running: {known}." if known else " None runs.")
            )
        found += [s for s in named if s not in found]
    return found
