"""The form that starts a server: what it serves, where, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import ipywidgets as w

from nbregistry.errors import InvalidInput
from nbregistry.serving.process import Server
from nbregistry.widgets import parts
from nbregistry.widgets.panel import Panel
from nbregistry.widgets.picking import Picker

_WAIT = 2.0  # seconds that the kernel waits for it to be ready; it goes on starting by itself
_MOST_WORKERS = 64


class Launch(w.VBox):
    """Starts a server, or gives the one that serves all this already.

    Parameters
    ----------
    started : callable
        Called with the server.
    wish : mapping
        What is filled in: ``port workers token detach``.
    """

    def __init__(self, panel: Panel, refs: Sequence[str], started: Callable[[Server], object], **wish: Any) -> None:
        super().__init__()
        self.add_class("nbr-stack")
        self._panel, self._started = panel, started
        self._secret = str(wish.get("token") or "auto")
        self.refs = list(dict.fromkeys(map(str, refs)))
        self.picker = Picker(panel, follow=True)
        self.add = parts.button("Add", tip="Serve this, too")
        self.chosen = parts.row()
        self.port = _count("Port (0: any that is free)", wish.get("port", 0), 0, 65535)
        self.workers = _count("Processes", wish.get("workers", 1), 1, _MOST_WORKERS)
        self.token = parts.tick("Callers need a token", bool(wish.get("token")))
        self.detach = parts.tick("Goes on when this kernel ends", bool(wish.get("detach")))
        self.go = parts.button("Serve", tone="primary")
        self.hint = parts.Drawn(parts.hint("What is picked is served when nothing was added."))
        self.children = (
            parts.row(self.picker, self.add), self.chosen, parts.row(self.port, self.workers),
            parts.row(self.token, self.detach), parts.row(self.go), self.hint,
        )  # fmt: skip
        panel.press(self.add, self._add)
        panel.press(self.go, self.serve, working="Starting …")
        self._show()

    def serve(self) -> None:
        """Start it; what it needs longer for than a moment goes on without this kernel."""
        refs = self.refs or [ref for ref in (self.picker.ref,) if ref]
        if not refs:
            raise InvalidInput("Pick a version to serve: register one first where there is none.")
        port, workers = int(self.port.value), int(self.workers.value)
        token = self._secret if self.token.value else None
        detach = bool(self.detach.value)
        registry = self._panel.registry
        server: Server = registry.serve(*refs, port=port, workers=workers, token=token, detach=detach, wait=_WAIT)
        self.refs = []
        self._show()
        self._started(server)

    def _add(self) -> None:
        if self.picker.ref is None:
            raise InvalidInput("There is no version to serve: register one first.")
        if self.picker.ref not in self.refs:
            self.refs.append(self.picker.ref)
        self._show()

    def _remove(self, ref: str) -> None:
        self.refs.remove(ref)
        self._show()

    def _show(self) -> None:
        old, buttons = self.chosen.children, []
        for ref in self.refs:
            button = parts.button(f"{ref} ✕", tip=f"Do not serve {ref}")
            self._panel.press(button, partial(self._remove, ref))
            buttons.append(button)
        self.chosen.children = tuple(buttons)
        parts.shown(self.chosen, bool(buttons))
        for button in old:
            parts.discard(button)


def _count(label: str, value: int, least: int, most: int) -> Any:
    found = w.BoundedIntText(value=value, min=least, max=most, description=label)
    found.description_allow_html = False
    found.add_class("nbr-field")
    return found
