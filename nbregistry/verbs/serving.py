"""The verb that serves: in a notebook it gives a handle, on the command line it stays until it is told to end."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from nbregistry.domain.graph import Graph
from nbregistry.domain.graph_nodes import KINDS, Node
from nbregistry.errors import Conflict, InvalidInput
from nbregistry.serving import process
from nbregistry.serving.process import Server
from nbregistry.verbs.asking import Ask
from nbregistry.verbs.grammar import Values

_LOOK = 0.2  # seconds between two looks at whether a server that stays in the foreground still runs


def serve(ask: Ask, values: Values) -> object:
    """Serve versions, list the servers that run, or stop some."""
    home = ask.registry.settings.home
    if values["list"]:
        return process.running(home)
    if values["stop"] is not None:
        return _stop(ask, values)
    if not values["refs"]:
        raise InvalidInput(f"Serve what? Write {ask.said('serve')} churn@champion, or --list, or --stop.")
    if ask.place.notebook or values["detach"]:
        return _told(ask, _started(ask, values))
    with _signalled() as ended:
        server = _started(ask, values)
        if ended.is_set():
            server.stop()
            return None
        ask.show(_told(ask, server))
        with server:
            while not ended.wait(_LOOK):
                if not server.alive:
                    raise Conflict(f"The server {server.id} has {server.state}: {server.why() or 'see its log'}")
    return None


def _started(ask: Ask, values: Values) -> Server:
    options: dict[str, Any] = {
        name: values[name] for name in ("host", "port", "grpc", "workers") if values[name] is not None
    }
    targets = [_meant(ask, word) for word in values["refs"]]
    found: Server = ask.registry.serve(
        *targets, token=values["token"], detach=values["detach"], compile=not values["no_compile"], **options
    )
    return found


def _meant(ask: Ask, word: str) -> Any:
    """Return the graph that a variable of the notebook or a YAML file holds, else the reference as it is."""
    held = ask.namespace.get(word)
    if isinstance(held, Graph):
        return held.named(word)
    if isinstance(held, KINDS):
        return Graph(cast("Node", held)).named(word)
    if word.endswith((".yaml", ".yml")):
        from nbregistry.serving.graph.reading import read_graph

        return read_graph(Path(word).expanduser()).named(Path(word).stem)
    return word


def _told(ask: Ask, server: Server) -> Server:
    """Say the token that was made: this once, since it is kept nowhere."""
    if server.made:
        ask.tell(f"Token, shown this once: {server.token}")
    return server


def _stop(ask: Ask, values: Values) -> process.Servers:
    """Stop what is named; without a name, the only one that runs."""
    home = ask.registry.settings.home
    words = [w for w in (values["stop"], *values["refs"]) if w]
    found = process.find(home, words) if words else process.running(home)
    if not words and len(found) > 1:
        said = "; ".join(f"{s.id} serves {', '.join(s.refs)}" for s in found)
        raise InvalidInput(f"Several servers run: {said}. Say which to stop, or --stop all.")
    for server in found:
        server.stop()
        ask.tell(f"Stopped {server.id}, which served {', '.join(server.refs)}.")
    if not found:
        ask.tell("No server runs.")
    return process.running(home)


@contextlib.contextmanager
def _signalled() -> Iterator[threading.Event]:
    """Yield what is set when the process is told to end; from the first moment, so that no start is left half done."""
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
