"""Starts servers, finds those that run already, and ends what this process started when it ends."""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nbregistry.config import child_environment
from nbregistry.domain.graph import Graph
from nbregistry.domain.graph_nodes import KINDS
from nbregistry.domain.refs import Ref
from nbregistry.errors import Conflict, InvalidInput, MissingDependency, Refused
from nbregistry.registry import loading
from nbregistry.registry.progress import Progress
from nbregistry.serving.process import Server, own_token, running
from nbregistry.serving.spec import ADMIN, PREDICT, RunFolder, ServerSpec, Token, graph_file, is_graph, runs, shown
from nbregistry.serving.trying import keep_examples

if TYPE_CHECKING:
    from nbregistry.registry import Registry

_WAIT = 5.0
_ANSWER = 20.0  # seconds in which a supervisor has to say where it listens
_PAUSE = 0.02
_KEPT = 20  # run folders of servers that have ended, with their logs
_SHORTEST = 16  # characters of a token


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants served, and how; see ``Registry.serve``."""

    port: int = 0
    host: str = "127.0.0.1"
    grpc: int | None = None
    workers: int = 1
    token: str | None = None
    detach: bool = False
    compile: bool = True
    batch: int = 128
    timeout: float = 30.0
    memory: int = 0
    names: tuple[str, ...] = ()
    sampled: float = 0.0
    redacted: tuple[str, ...] = field(default=())
    wait: float = _WAIT

    def __post_init__(self) -> None:
        _whole(self.port, "port", 0, 65535)
        _whole(0 if self.grpc is None else self.grpc, "grpc", 0, 65535)
        _whole(self.workers, "workers", 1, 256)
        _whole(self.batch, "batch", 1, 65536)
        _whole(self.memory, "memory", 0, 2**50)
        if not 0.1 <= self.timeout <= 3600:
            raise InvalidInput(f"timeout is between 0.1 and 3600 seconds, not {self.timeout!r}.")
        if not 0 <= self.sampled <= 1:
            raise InvalidInput(f"sampled is a fraction between 0 and 1, not {self.sampled!r}.")
        if self.token is not None and self.token != "auto":  # noqa: S105 - the word that asks for one
            _strong(self.token)
        if self.token is None and not _loopback(self.host):
            raise Refused(
                f"Who reaches {self.host} could ask without a token: give one, or token='auto' (--token auto), or stay"
                " on 127.0.0.1."
            )


def serve(registry: Registry, targets: Sequence[Any], wish: Wish) -> Server:
    """Return the server of these references, started when there is none; see ``Registry.serve``."""
    parts = checked(registry, targets)
    needed = [("uvicorn", "serve"), ("httptools", "serve"), ("numpy", "serve"), ("grpc", "grpc")]
    for library, extra in needed if wish.grpc is not None else needed[:3]:
        if find_spec(library) is None:
            raise MissingDependency(library, extra, "Serving")
    home = registry.settings.home
    wanted = _spec(registry, tuple(part.entry for part in parts), wish)
    found = _same(running(home), wanted, wish)
    if found is not None:
        if _as_wished(found, wanted, wish):
            return _joined(registry, found, wanted, parts)
        found.stop()
        # Where it was, so that whoever asks it finds it again, with what it was asked to serve meanwhile.
        names = {shown(entry) for entry in wanted.refs}
        more = tuple(entry for entry in found.run.wanted() if shown(entry) not in names)
        parts = (*parts, *(Part(e, "", (found.run.path / graph_file(e)).read_bytes()) for e in more if is_graph(e)))
        wanted = replace(wanted, port=wish.port or found.port, refs=(*wanted.refs, *more))
    elif wish.port and (other := next((s for s in running(home) if s.port == wish.port), None)) is not None:
        return _joined(registry, other, wanted, parts)
    secret = secrets.token_urlsafe(32) if wish.token == "auto" else wish.token  # noqa: S105 - the word that asks for one
    return _started(
        registry, replace(wanted, tokens=_tokens(secret, home, wanted.id)), parts, wish, secret=secret or ""
    )


class Part(NamedTuple):
    """One thing to be served.

    Attributes
    ----------
    entry : str
        As it stands in the list of what is wanted.
    rows : str
        The reference whose rows it takes.
    graph : bytes
        The file of a graph that was written in a notebook.
    """

    entry: str
    rows: str
    graph: bytes = b""


def checked(registry: Registry, targets: Sequence[Any]) -> tuple[Part, ...]:
    """Return what can be served, or refuse before any process is started.

    Raises
    ------
    nbregistry.errors.RegistryError
        Nothing of that name, a version that failed, bytes that do not match, or a signer who is not trusted.
    """
    if registry.core.frozen is not None:
        raise InvalidInput("This is the registry as it was; a server follows what is: serve from the registry itself.")
    if not targets:
        raise InvalidInput("Serve what? Give a reference, as in serve('churn@champion').")
    parts: dict[str, Part] = {}
    for target in targets:
        part = _graph(registry, target) if isinstance(target, (Graph, *KINDS)) else _model(registry, target)
        parts[part.entry] = part
    return tuple(parts.values())


def _model(registry: Registry, target: Any) -> Part:
    ref = target if isinstance(target, str) else getattr(target, "ref", None) or getattr(target, "name", target)
    ref = str(Ref.parse(ref))
    loading.admit(registry.core, registry.version(ref))
    return Part(ref, ref)


def _graph(registry: Registry, target: Any) -> Part:
    from nbregistry.serving.offering import write_graph

    graph = (target if isinstance(target, Graph) else Graph(target)).named("graph")
    for ref in graph.refs():
        loading.admit(registry.core, registry.version(ref))
    entry, data = write_graph(graph)
    return Part(entry, graph.refs()[0], data)


def _spec(registry: Registry, refs: tuple[str, ...], wish: Wish) -> ServerSpec:
    home = registry.settings.home.absolute()
    path = tuple(dict.fromkeys(os.path.abspath(p) for p in sys.path))
    names = wish.names if _loopback(wish.host) else (*wish.names, *_names_of(wish.host))
    return ServerSpec(
        secrets.token_hex(4), str(registry.core.store.folder), str(home), registry.settings.user, refs, host=wish.host,
        port=wish.port, grpc=-1 if wish.grpc is None else wish.grpc, workers=wish.workers,
        detach=wish.detach, compile=wish.compile, batch=wish.batch,
        timeout=float(wish.timeout), memory=wish.memory, names=tuple(dict.fromkeys(names)), sampled=float(wish.sampled),
        redacted=tuple(wish.redacted), path=path,
    )  # fmt: skip


def _tokens(secret: str | None, home: Path, id: str) -> tuple[Token, ...]:
    """Return who may ask: with a token for callers the owner needs one too, which only the owner's key makes."""
    if secret is None:
        return ()
    return Token.of(secret, PREDICT), Token.of(own_token(home, id), PREDICT, ADMIN)


# -- what runs already


def _same(there: Sequence[Server], wanted: ServerSpec, wish: Wish) -> Server | None:
    """Return the server that serves all this, where it is wanted."""
    for server in there:
        placed = wish.port in (0, server.port)
        if placed and server.spec.uri == wanted.uri and set(map(shown, wanted.refs)) <= set(server.refs):
            return server
    return None


def _as_wished(server: Server, wanted: ServerSpec, wish: Wish) -> bool:
    mine, asked = server.spec.options(), wanted.options()
    if wish.token == "auto":  # noqa: S105 - the word that asks for one
        given = bool(mine["tokens"])  # the one it has will do; another could not be shown to those who have it
    else:
        given = mine["tokens"] == ([Token.of(wish.token).sha256] if wish.token else [])
    return given and {**mine, "tokens": 0} == {**asked, "tokens": 0}


def _joined(registry: Registry, other: Server, wanted: ServerSpec, parts: tuple[Part, ...]) -> Server:
    """Have a server that runs serve these too; what it serves already is left alone."""
    if other.spec.uri != wanted.uri:
        raise Conflict(
            f"Port {other.port} is that of your server {other.id}, which serves {', '.join(other.refs)} from"
            f" {other.spec.uri}: stop it (%serve --stop {other.id}), or choose another port."
        )
    new = [part for part in parts if part.entry not in other.run.wanted()]
    keep_examples(registry, other.run, {shown(part.entry): part.rows for part in new})
    for part in new:
        if part.graph:
            other.run.keep(graph_file(part.entry), part.graph)
        other.load(part.entry)
    return other


# -- a new one


def _started(registry: Registry, spec: ServerSpec, parts: tuple[Part, ...], wish: Wish, *, secret: str) -> Server:
    run = RunFolder(Path(spec.home) / "servers" / spec.id)
    run.create(spec)
    for part in parts:
        if part.graph:
            run.keep(graph_file(part.entry), part.graph)
    started = _Started(run, spec)
    keep_examples(registry, run, {shown(p.entry): p.rows for p in parts if p.rows})  # while its processes come up
    deadline = time.monotonic() + wish.wait
    with Progress(f"Serving {', '.join(map(shown, spec.refs))}") as progress:
        server = Server(run, token=secret, made=wish.token == "auto")  # noqa: S105 - the word that asks for one
        state = started.answered()
        if state.get("state") == "failed":
            raise _failure(spec, state)
        while time.monotonic() < deadline and server.state in ("starting", "stopping"):
            progress.tell("starting")
            time.sleep(_PAUSE)
        if server.state == "failed":
            raise _failure(spec, run.state())
        while time.monotonic() < deadline and not server.ready and server.state == "ready":
            progress.tell("loading")
            time.sleep(_PAUSE)
    _sweep(Path(spec.home))
    return server


def _failure(spec: ServerSpec, state: dict[str, Any]) -> Conflict:
    forget(spec.id)
    if state.get("errno") == errno.EADDRINUSE:
        taken = spec.grpc if state.get("url") else spec.port
        return Conflict(
            f"Port {taken} of {spec.host} is in use by another program: choose another, or port 0 for any that is free."
        )
    where = f" at {spec.host}:{spec.port}" if state.get("errno") else ""
    return Conflict(f"The server could not start{where}: {state.get('why')}")


class _Started:
    """A supervisor that this process started: it ends with it, unless detached."""

    def __init__(self, run: RunFolder, spec: ServerSpec) -> None:
        self._run, self._pid, self._life = run, os.getpid(), -1
        command = [sys.executable, "-P", "-m", "nbregistry.serving.supervisor", str(run.path)]
        passed: tuple[int, ...] = ()
        if not spec.detach:
            lives, self._life = os.pipe()
            passed = (lives,)
            command += ["--life", str(lives), "--parent", str(self._pid)]
        environment = child_environment(NBREGISTRY_HOME=spec.home, NBREGISTRY_USER=spec.user)
        with run.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own module, with arguments of ours
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=passed, env=environment,
                start_new_session=True,
            )  # fmt: skip
        for fd in passed:
            os.close(fd)
        if not spec.detach:
            _here[spec.id] = self
            os.register_at_fork(after_in_child=self.forked)

    def answered(self) -> dict[str, Any]:
        """Wait until the supervisor has said something."""
        deadline = time.monotonic() + _ANSWER
        while not (state := self._run.state()):
            code = self.process.poll()
            if code or time.monotonic() > deadline:
                log = Server(self._run).logs(3)
                return {"state": "failed", "why": log or f"its process ended with status {code}"}
            time.sleep(0.005)
        return state

    def forked(self) -> None:
        """In a child that was forked: let go of the pipe, so that it does not keep the server alive."""
        if self._life >= 0:
            with contextlib.suppress(OSError):
                os.close(self._life)
            self._life = -1

    def forget(self) -> None:
        """Let go of a supervisor that ends."""
        if self._pid != os.getpid():
            return
        try:
            self.process.wait(40.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.forked()


_here: dict[str, _Started] = {}
"""What this process started. State of the process itself, as its children are, and so the one table of its kind."""


def forget(id: str) -> None:
    """Let go of a server that has ended."""
    if (started := _here.pop(id, None)) is not None:
        started.forget()


@atexit.register
def _end_all() -> None:
    for started in list(_here.values()):
        with contextlib.suppress(ProcessLookupError):
            if started._pid == os.getpid() and started.process.poll() is None:
                started.process.send_signal(signal.SIGTERM)
    for id_ in list(_here):
        forget(id_)


def _sweep(home: Path) -> None:
    """Remove the folders of servers that ended long ago; those of the last ones keep their logs."""
    dead = [run for run in runs(home) if not run.alive]
    for run in dead[_KEPT:]:
        shutil.rmtree(run.path, ignore_errors=True)


# -- what may be wished


def _whole(value: Any, name: str, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidInput(f"{name} is a whole number from {least} to {most}, not {value!r}.")


def _strong(token: str) -> None:
    if not (token.isascii() and token.isprintable()) or " " in token or len(token) < _SHORTEST:
        raise InvalidInput(
            f"A token is at least {_SHORTEST} letters, digits and signs without spaces; token='auto' (--token auto)"
            " makes one that cannot be guessed."
        )


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _names_of(host: str) -> tuple[str, ...]:
    """Return what a server beyond loopback is called by."""
    import socket

    if host not in ("0.0.0.0", "::", ""):  # noqa: S104 - recognised, not bound
        return (f"[{host}]" if ":" in host else host,)
    found = [socket.gethostname()]
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        # Which address would be used to get there; nothing is sent.
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((elsewhere, 9))
            own = probe.getsockname()[0]
            found.append(f"[{own}]" if ":" in own else own)
    return tuple(found)
