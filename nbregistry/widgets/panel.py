"""What every panel has: a title, a strip that tells what went wrong or was done, and a picture for later.

A saved notebook holds the outputs of its cells and no kernel. A widget is nothing without one, so a panel leaves two
outputs: itself, and a static picture drawn by ``display``. The living panel carries a style that hides the picture;
where no panel lives that style is missing, the picture shows, and hides what the dead widget says of itself.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import ipywidgets as w
from IPython.display import display as publish

from nbregistry.display import as_html, as_markdown, as_text
from nbregistry.display.blocks import Banner, Block, Foot, Look, Patch, Span, Title, View
from nbregistry.display.style import SHEET as DRAWN
from nbregistry.display.visible import inline
from nbregistry.errors import StoreReadOnly
from nbregistry.registry import Registry
from nbregistry.widgets import look
from nbregistry.widgets.boundary import guarded
from nbregistry.widgets.letters import LastLetters
from nbregistry.widgets.parts import Drawn, stack

_TONES = {"good": Look.GOOD, "warn": Look.WARN, "bad": Look.BAD}


class Strip(Drawn):
    """One thing that must not be missed; read out by those who hear the page."""

    def __init__(self) -> None:
        super().__init__()
        self.add_class("nbr-strip")
        self.told = ""

    def tell(self, text: str, *, tone: str = "good", where: str = "") -> None:
        """Say something: ``tone`` is good, warn or bad; ``where`` is a traceback, shown below."""
        self.told = text
        said: list[Block] = [Banner(_TONES[tone], (Span(text),))]
        if where:
            said.append(Patch((Span("Where it happened"),), tuple((Look.PLAIN, line) for line in where.splitlines())))
        self.show(tuple(said))
        # Only an alert is read out when it is put into the page together with its text.
        self.value = f'<div role="alert">{self.value}</div>'

    def clear(self) -> None:
        """Say nothing any more."""
        self.told = ""
        self.show(None)


class Panel(w.VBox):
    """A panel; subclasses fill ``body`` and say with ``picture`` what is left of them without a kernel.

    Parameters
    ----------
    registry : Registry
        What it asks.
    title : str
        What it is.

    Attributes
    ----------
    strip : Strip
        Tells what was done and what went wrong.
    body : VBox
        The panel's own widgets, as ``body.children``.
    faults : list of str
        What callbacks raised, for tests and for whoever composes panels.
    """

    def __init__(self, registry: Registry, title: str) -> None:
        self.registry, self.title = registry, title
        self.faults: list[str] = []
        self._uid = secrets.token_hex(6)
        self._published = False
        self.strip = Strip()
        self.head = Drawn((Title((Span(title, Look.STRONG),)),))
        self.body = stack()
        style = w.HTML(f"<style>{DRAWN}{look.SHEET}{self._hiding()}</style>")
        style.add_class("nbr-hidden")
        super().__init__([style, self.head, self.strip, self.body, LastLetters()])
        self.add_class("nbr-panel")
        self.add_class(f"nbr-live-{self._uid}")

    # -- for subclasses

    def picture(self) -> View:
        """Return what the panel shows, as far as it can be read without a kernel."""
        return View((Title((Span(self.title, Look.STRONG),)),))

    def settle(self) -> None:
        """Put buttons in order that can be pressed at times only; called after each press."""

    def press(self, button: w.Button, call: Callable[[], object], *, working: str = "") -> None:
        """Have a button do something; until that is done it cannot be pressed again.

        Parameters
        ----------
        working : str
            What the strip says meanwhile, for what may take over a second.
        """

        def pressed(_: object) -> None:
            if button.disabled:
                return
            button.disabled = True
            try:
                if working:
                    self.strip.tell(working, tone="warn")
                self.run(call)
                if working and self.strip.told == working:
                    self.strip.clear()
            finally:
                button.disabled = False
                self.run(self.settle)

        button.on_click(pressed)

    def watch(self, widget: w.Widget, call: Callable[[], object], trait: str = "value") -> None:
        """Have something done whenever a control changes."""
        widget.observe(lambda change: self.run(call), trait)

    def run(self, call: Callable[[], object]) -> bool:
        """Do something; what it raises is told in the strip. Returns whether it went through."""
        return guarded(call, self._fault)

    def done(self, text: str, *, tone: str = "good") -> None:
        """Tell what was done, and take a new picture."""
        self.strip.tell(text, tone=tone)
        self.retake()

    def barring(self, action: str) -> str:
        """Return why the registry cannot be changed, where ``action`` is what cannot be done; empty when it can."""
        try:
            self.registry.core.writable(action)
        except StoreReadOnly as error:
            return str(error)
        return ""

    @contextlib.contextmanager
    def quietly(self, *widgets: w.Widget) -> Iterator[None]:
        """Disable controls for a while."""
        before = [(widget, widget.disabled) for widget in widgets]
        for widget in widgets:
            widget.disabled = True
        try:
            yield
        finally:
            for widget, was in before:
                widget.disabled = was

    def _fault(self, told: str, where: str) -> None:
        self.faults.append(told)
        self.strip.tell(told, tone="bad", where=where)

    # -- being shown

    def retake(self) -> None:
        """Take a new picture for the saved notebook."""
        if self._published:
            publish(self._bundle(), raw=True, display_id=self._uid, update=True)

    def _ipython_display_(self, **_: Any) -> None:
        bundle = self._repr_mimebundle_()
        bundle["text/plain"] = inline(f"{self.title} (a panel: open it in JupyterLab or Voila)")
        publish(bundle, raw=True)
        self._published = True
        publish(self._bundle(), raw=True, display_id=self._uid)

    def _bundle(self) -> dict[str, str]:
        now = datetime.now(UTC)
        picture = self.picture()
        note = Foot((Span("A picture of the panel as it stood: run the cell again to use it.", Look.MUTED),))
        left = View((*picture.blocks, note), framed=True)
        drawn = as_html.render(left, now)
        output = ".jp-OutputArea-child"
        # What stands before the picture and is not this panel alive is what is left of the widget: an error line.
        dead = f"{output}:has(+ {output} .nbr-twin-{self._uid}):not(:has(.nbr-live-{self._uid})){{display:none}}"
        return {
            "text/html": f'<style>{dead}</style><div class="nbr-twin-{self._uid}">{drawn}</div>',
            "text/markdown": as_markdown.render(left),
            "text/plain": as_text.render(picture, as_text.room()),
        }

    def _hiding(self) -> str:
        return f".jp-OutputArea-child:has(.nbr-twin-{self._uid}),.nbr-twin-{self._uid}{{display:none}}"
