"""The panel of running servers: what each serves and how it bears up, tried, swapped, stopped and started.

It looks once a second while somebody looks at it (``pulse``), at one server, with a short patience: what hangs is asked
less often, and the kernel waits for nothing longer than that.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as w

from nbregistry.display import of_load, of_server
from nbregistry.display.blocks import Banner, Block, Code, Look, Span, View
from nbregistry.errors import RegistryError
from nbregistry.registry import Registry
from nbregistry.serving import process, starting
from nbregistry.serving.process import Server, Servers
from nbregistry.serving.rates import Rates, rates
from nbregistry.types import Document
from nbregistry.verbs.asking import Ask
from nbregistry.verbs.grammar import Values
from nbregistry.widgets import parts
from nbregistry.widgets.confirm import Confirm
from nbregistry.widgets.launch import Launch
from nbregistry.widgets.panel import Panel
from nbregistry.widgets.pulse import Pulse
from nbregistry.widgets.swap import Swap
from nbregistry.widgets.tryit import TryIt

_PATIENCE = 0.7  # seconds that a look at a server may take
_REST, _MOST_REST = 2.0, 30.0  # seconds until a server that did not answer is looked at again, doubled each time
_TRY, _SWAP, _LOG, _START = "Try it", "Swap", "Log", "Start a server"
_LINES = 40
_SECRET = 300.0  # seconds that a token that was made stands in the panel


def serve_panel(registry: Registry | None = None, refs: Sequence[str] = ()) -> ServePanel:
    """Return a panel of the servers that run, which can start another.

    Parameters
    ----------
    refs : sequence of str
        What is filled in to be served: ``churn@champion``.
    """
    return ServePanel(registry or Registry(), refs)


def opened(ask: Ask, values: Values) -> ServePanel:
    """Open the panel for what was typed."""
    wish = {name: values[name] for name in ("port", "workers", "token", "detach") if values[name]}
    return ServePanel(ask.registry, values["refs"] or (), **wish)


class Watched:
    """One server that is looked at: its last minute, and when it is worth asking again."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.past: deque[Rates | None] = deque(maxlen=of_load.KEPT)
        self.stats: Document = {}
        self.trouble = ""
        self._at = 0.0
        self._rest = _REST
        self._again = 0.0

    def look(self) -> None:
        """Ask what it did, unless it ended or did not answer a moment ago; waits no longer than ``_PATIENCE``."""
        state = self.server.state
        if state == "ready" and time.monotonic() >= self._again:
            self._ask()
            return
        self.past.append(None)
        if not self.server.alive:
            starting.forget(self.server.id)
            self.stats, told = {}, self.server.why()
            self.trouble = f"This server has {state}" + (f": {told}" if told else ".")

    def _ask(self) -> None:
        try:
            with self.server.quick(_PATIENCE) as client:
                found = client.stats()
        except RegistryError as error:
            self.past.append(None)
            self.stats = {}
            self.trouble = f"It does not answer: {error} It is asked again in {self._rest:g} s."
            self._again, self._rest = time.monotonic() + self._rest, min(2 * self._rest, _MOST_REST)
            return
        now = time.monotonic()
        if self.stats:
            self.past.append(rates(self.stats, found, now - self._at))
        self.stats, self._at, self._rest, self._again = found, now, _REST, 0.0
        self.trouble = "; ".join(str(one["trouble"]) for one in found.get("endpoints", ()) if one.get("trouble"))


class ServePanel(Panel):
    """Running servers; see ``serve_panel``."""

    def __init__(self, registry: Registry, refs: Sequence[str] = (), **wish: Any) -> None:
        super().__init__(registry, "Serving")
        self._refs, self._wish = tuple(refs), wish
        self.watched: dict[str, Watched] = {}
        self.launch: Launch | None = None
        self.tryit: TryIt | None = None
        self.swap: Swap | None = None
        self._left: list[tuple[Watched, Swap]] = []
        self._forget = 0.0
        self.views: parts.Views | None = None
        self.shown_id = ""
        self._listing = self._drawn = False
        self.server = parts.choice("Server", [])
        self.facts, self.load = parts.Drawn(), parts.Drawn()
        self.stop = parts.button("Stop …", tip="Answer what is under way, and end this server")
        self.confirm = Confirm(self, lambda: None)
        self.pulse = Pulse()
        self.place = parts.stack()
        self.body.children = (
            parts.row(self.server, self.stop), self.facts, self.load, self.confirm, self.place, self.pulse,
        )  # fmt: skip
        self.watch(self.server, self._chosen)
        self.press(self.stop, self._ask_to_stop)
        self.run(self._list)
        self.run(self._chosen)
        if refs and self.views is not None and not self.reading:
            self.views.select(_START)
        self.pulse.on_tick(lambda: self.run(self.tick))

    @property
    def reading(self) -> bool:
        """Whether whoever looks may change nothing."""
        return self.registry.core.read_only

    # -- looking

    def tick(self) -> None:
        """Look again: at which servers there are, at the one that is shown, and at swaps under way on others."""
        self._list()
        for other, swap in self._left:
            if other.server.id != self.shown_id:
                other.look()
            swap.looked(other.stats)
        self._left = [(other, swap) for other, swap in self._left if swap.pending is not None and other.server.alive]
        if self._forget and time.monotonic() > self._forget:
            self._forget = 0.0
            self.strip.clear()
        found = self.watched.get(self.shown_id)
        if found is None:
            return
        found.look()
        if found.stats:
            if self.swap is not None:
                self.swap.looked(found.stats)
            if self.tryit is not None and not self.tryit.made:
                self.tryit.ask_form()
        self._draw(found)

    def _list(self) -> None:
        """Find the servers that run; one that is shown stays in the list when it has ended."""
        running = process.running(self.registry.settings.home)
        if self.reading:
            place = str(self.registry.core.store.folder)
            running = Servers(server for server in running if server.spec.uri == place)
        for server in running:
            self.watched.setdefault(server.id, Watched(server))
        alive = {server.id for server in running}
        self.watched = {id: one for id, one in self.watched.items() if id in alive or id == self.shown_id}
        options = [(parts.plain(_named(one.server)), id) for id, one in self.watched.items()]
        if list(self.server.options) == options:
            return
        ids, chosen = [id for _, id in options], self.server.value
        # While the list is made anew nothing is chosen, and what is shown, half filled in perhaps, stays.
        self._listing = True
        try:
            self.server.options = options
            self.server.index = ids.index(chosen) if chosen in ids else (0 if ids else None)
        finally:
            self._listing = False
        self._chosen()

    def _chosen(self) -> None:
        """Show another server, with views of its own."""
        id = self.server.value or ""
        if self._listing or (id == self.shown_id and self._drawn):
            return
        self._drawn = True
        if self.swap is not None and self.swap.pending is not None and self.shown_id in self.watched:
            self._left.append((self.watched[self.shown_id], self.swap))
        self.shown_id, self.tryit, self.swap, self.launch = id, None, None, None
        found = self.watched.get(id)
        old = self.place.children
        makers = self._makers(found)
        self.views = parts.Views("What to do with it", makers, self.run) if makers else None
        self.place.children = (self.views,) if self.views is not None else ()
        for widget in old:
            parts.discard(widget)
        for widget in (self.server, self.stop, self.load):
            parts.shown(widget, found is not None)
        parts.shown(self.stop, found is not None and not self.reading)
        if found is None:
            told = "No server runs." + ("" if self.reading else " Start one below.")
            self.facts.show(parts.hint(told))
            return
        found.look()
        self._draw(found)

    def _makers(self, found: Watched | None) -> dict[str, Callable[[], w.Widget]]:
        makers: dict[str, Callable[[], w.Widget]] = {}
        if found is not None:
            makers[_TRY] = lambda: self._try(found.server)
            if not self.reading:
                makers[_SWAP] = lambda: self._swap(found.server)
                makers[_LOG] = lambda: self._log(found.server)
        if not self.reading:
            makers[_START] = self._launch
        return makers

    def _draw(self, found: Watched) -> None:
        self.facts.show(self._facts(found))
        self.load.show((of_load.load(tuple(found.past)),))
        self.stop.disabled = not found.server.alive

    def _facts(self, found: Watched) -> tuple[Block, ...]:
        blocks: list[Block] = [*of_server.known(found.server, found.stats.get("endpoints", ()))]
        if found.trouble:
            blocks.append(Banner(Look.WARN if found.server.alive else Look.BAD, (Span(found.trouble),)))
        return tuple(blocks)

    # -- doing

    def _try(self, server: Server) -> w.Widget:
        if self.reading and server.spec.tokens:
            told = "This server answers those who have its token: ask whoever runs it."
            return parts.Drawn(parts.hint(told))
        self.tryit = TryIt(self, server)
        return self.tryit

    def _swap(self, server: Server) -> w.Widget:
        self.swap = Swap(self, server)
        return self.swap

    def _log(self, server: Server) -> w.Widget:
        lines = tuple(server.logs(_LINES).splitlines()) or ("Nothing was written yet.",)
        return parts.blocks(Code(lines))

    def _launch(self) -> w.Widget:
        self.launch = Launch(self, self._refs, self._started, **self._wish)
        return self.launch

    def _started(self, server: Server) -> None:
        self._refs, self._wish = (), {}
        self._list()
        self.server.value = server.id
        told = f"Server {server.id} answers at {server.url}." if server.url else f"Server {server.id} is starting."
        if server.made:
            told += f" Its token, shown this once: {server.token}"
            self._forget = time.monotonic() + _SECRET
        self.done(told)

    def _ask_to_stop(self) -> None:
        found = self.watched[self.shown_id]
        question = Banner(
            Look.WARN,
            (
                Span("Stop the server"), Span(found.server.id, Look.CODE),
                Span(f"at {found.server.url}, which serves {', '.join(found.server.refs)}?"),
            ),
        )  # fmt: skip
        self.confirm.ask((question,), "Stop it", lambda: self._stop(found.server), tone="danger")

    def _stop(self, server: Server) -> None:
        """Have it end; the next looks see it leave, however long what is under way takes."""
        server.begin_stop()
        self.done(f"Server {server.id} answers what is under way, and ends.", tone="warn")
        self.tick()

    # -- afterwards

    def picture(self) -> View:
        """Return what was served and how it bore up."""
        blocks: list[Block] = [*super().picture().blocks]
        found = self.watched.get(self.shown_id)
        if found is not None:
            blocks += [*self._facts(found), of_load.load(tuple(found.past))]
        if len(self.watched) != 1:
            blocks += of_server.servers(Servers(one.server for one in self.watched.values())).blocks
        if self.tryit is not None:
            blocks += self.tryit.answered
        return View(tuple(blocks))


def _named(server: Server) -> str:
    return f"{', '.join(server.refs)} · {server.id} · {server.state}"
