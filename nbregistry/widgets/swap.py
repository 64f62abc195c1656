"""Has a running server answer with another version: whatever decides which version answers is what is changed.

What follows an alias is swapped by moving the alias, what follows a stage by a promotion, and what is pinned by serving
the other version beside it until that one answers, so that nobody is ever turned away.
"""

from __future__ import annotations

import time

import ipywidgets as w

from nbregistry.display.blocks import Banner, Block, Facts, Line, Look, Span
from nbregistry.domain.refs import Ref
from nbregistry.errors import InvalidInput
from nbregistry.serving.process import Server
from nbregistry.serving.spec import is_graph, shown
from nbregistry.serving.starting import checked
from nbregistry.types import Document
from nbregistry.widgets import parts
from nbregistry.widgets.confirm import Confirm
from nbregistry.widgets.panel import Panel
from nbregistry.widgets.picking import Picker

_PATIENCE = 60.0  # seconds in which a version has to be loaded before the swap is given up


class Swap(w.VBox):
    """What one server serves, and how to have it serve another version.

    Attributes
    ----------
    pending : tuple of (str, str, float) or None
        What is served, what takes its place once it answers, and until when that is waited for.
    """

    def __init__(self, panel: Panel, server: Server) -> None:
        super().__init__()
        self.add_class("nbr-stack")
        self._panel, self.server, self.registry = panel, server, panel.registry
        self.pending: tuple[str, str, float] | None = None
        refs = [shown(entry) for entry in server.run.wanted() if not is_graph(entry)]
        self.ref = parts.choice("What it serves", refs)
        self.picker = Picker(panel, Ref.parse(refs[0]).name if refs else None)
        self.reason = parts.text("Reason", hint="why now; kept in the audit", grow=True)
        self.go = parts.button("", tone="primary")
        self.how = parts.Drawn()
        self.confirm = Confirm(panel, lambda: None)
        self.below = parts.stack()
        shown_here: list[w.Widget] = [parts.row(self.ref, self.picker), self.how, self.reason, parts.row(self.go)]
        if not refs:
            told = "It serves graphs alone: serve another graph under the same name to swap it."
            self.children = (parts.Drawn(parts.hint(told)),)
            return
        self.children = (*shown_here, self.confirm, self.below)
        panel.watch(self.ref, self._chosen)
        panel.watch(self.picker.version, self._explain)
        panel.press(self.go, self._ask)
        panel.run(self._explain)

    def _chosen(self) -> None:
        name = Ref.parse(self.ref.value).name
        if self.picker.model.value != name and name in self.picker.model.options:
            self.picker.model.value = name
        self._explain()

    def _explain(self) -> None:
        """Say what the button will do for what is chosen."""
        ref, target = Ref.parse(self.ref.value), self.picker.ref
        if ref.alias:
            label, told = f"Move @{ref.alias} …", "It follows an alias: moving the alias swaps it, here and everywhere."
        elif ref.stage:
            label, told = "Promote …", f"It follows the stage {ref.stage.value}: a promotion swaps it."
        else:
            label = "Swap …"
            told = "The other version is served beside it until it answers, then this one is given up."
        self.go.description = parts.plain(label)
        parts.shown(self.reason, bool(ref.alias))
        self.how.show(parts.hint(told, f"→ {target}" if target else ""))

    def _ask(self) -> None:
        ref, target = Ref.parse(self.ref.value), self.picker.ref
        if target is None:
            raise InvalidInput("Pick the version that is to answer.")
        if ref.stage:
            self._promotion(target, ref)
            return
        if ref.alias and Ref.parse(target).name != ref.name:
            raise InvalidInput(f"The alias {ref.alias} is one of {ref.name}: pick a version of that model.")
        rows: tuple[tuple[str, Line], ...] = (
            ("Server", (Span(self.server.id, Look.CODE), Span(self.server.url, Look.MUTED))),
            ("Served as", (Span(str(ref), Look.CODE),)),
            ("Answers now", (Span(self._current(ref)),)),
            ("Will answer", (Span(target, Look.STRONG), Span(self.registry.version(target).digest[:16], Look.CODE))),
        )
        question: tuple[Block, ...] = (Banner(Look.WARN, (Span("Callers will get the answers of another version."),)),)
        expected = self._current(ref) if ref.alias else ""
        call = (lambda: self._move(ref, target, expected)) if ref.alias else (lambda: self._begin(str(ref), target))
        self.confirm.ask((*question, Facts(rows)), "Move the alias" if ref.alias else "Swap", call)

    def _current(self, ref: Ref) -> str:
        return self.registry.version(str(ref)).ref

    def _move(self, ref: Ref, target: str, expected: str) -> None:
        self.registry.alias(target, str(ref.alias), because=self.reason.value or None, expect=expected)
        self._panel.done(f"@{ref.alias} points at {target} now; the server follows within a second.")

    def _begin(self, old: str, new: str) -> None:
        """Serve the other version too; ``looked`` gives this one up when that one answers."""
        if old == new or new in self.server.refs:
            raise InvalidInput(f"{new} is served already.")
        checked(self.registry, [new])
        self.server.also(new)
        self.pending = old, new, time.monotonic() + _PATIENCE
        self._panel.strip.tell(f"{new} is being loaded; {old} answers until it is ready.", tone="warn")

    def looked(self, stats: Document) -> None:
        """Go on with a swap that is under way, as far as the server's latest word allows."""
        if self.pending is None:
            return
        old, new, until = self.pending
        there: Document = next((one for one in stats.get("endpoints", ()) if one.get("ref") == new), {})
        if there.get("ready"):
            self.pending = None
            self.server.unload(old)
            self._panel.done(f"{new} is served in place of {old}.")
            self._relist(new)
        elif time.monotonic() > until:
            self.pending = None
            self.server.unload(new)
            why = there.get("trouble") or f"it did not answer within {_PATIENCE:g} s"
            self._panel.done(f"{new} was not put in place of {old}, which still answers: {why}.", tone="bad")

    def _relist(self, chosen: str) -> None:
        refs = [shown(entry) for entry in self.server.run.wanted() if not is_graph(entry)]
        self.ref.options = [(parts.plain(ref), ref) for ref in refs]
        self.ref.value = chosen if chosen in refs else refs[0]

    def _promotion(self, target: str, ref: Ref) -> None:
        """Open the panel that promotes, below."""
        from nbregistry.widgets.promote import promote_panel

        found = promote_panel(self.registry, target, ref.stage or "Production")
        old, self.below.children = self.below.children, (found,)
        for widget in old:
            parts.discard(widget)
