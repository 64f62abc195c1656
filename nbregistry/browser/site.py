"""The browser in its kernel: draws what an address asks for, and puts beside it what an approver may do."""

from __future__ import annotations

from pathlib import Path

import anywidget
import ipywidgets as w
import traitlets
from IPython.display import display as publish

from nbregistry.browser import access, pages
from nbregistry.browser.access import Access
from nbregistry.browser.addresses import Asked
from nbregistry.display.style import SHEET
from nbregistry.registry import Registry
from nbregistry.widgets import look, parts

_STATIC = Path(__file__).resolve().parent / "static"


class Place(anywidget.AnyWidget):
    """Where the visitor is: the front end says what was asked for, the kernel what there is to see.

    Attributes
    ----------
    asked, turn : str, int
        The address, and how often one was asked for: set by the page.
    html, title, drawn : str, str, int
        The view, and how often one was drawn: set by the kernel.
    """

    _esm = _STATIC / "place.js"
    asked = traitlets.Unicode("").tag(sync=True)
    turn = traitlets.Int(0).tag(sync=True)
    html = traitlets.Unicode("").tag(sync=True)
    title = traitlets.Unicode("").tag(sync=True)
    drawn = traitlets.Int(0).tag(sync=True)


class Site:
    """The registry browser.

    Parameters
    ----------
    registry : Registry
        Read-only; what an approver changes goes through a handle of the approver's own.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._access: Access | None = None
        self._equipped: Asked | None = None
        self.place = Place()
        self.panels = w.VBox()
        self.panels.add_class("nbr-panels")
        self._whole = w.VBox([self.place, self.panels])
        self._whole.add_class("nbr-site")
        self.place.observe(self._turned, "turn")

    @property
    def access(self) -> Access:
        """What the visitor may do; known once somebody has come."""
        if self._access is None:
            self._access = access.arrive(self._registry)
        return self._access

    def show(self) -> None:
        """Show the page: as it can be read at once, and as it lives."""
        asked = Asked.parse(self.access.query)
        page = pages.drawn(self.access, asked)
        html = pages.markup(page, self.access)
        styled = f"<style>{SHEET}{look.SHEET}</style>"
        if self.access.served:
            drawn = f'{styled}<div id="nbr-view" class="nbr-view">{html}</div>'
            publish({"text/html": drawn, "text/plain": page.title}, raw=True, metadata={"nbregistry": "drawn"})
        else:
            own = (_STATIC / "site.css").read_text("utf-8")
            publish({"text/html": f"{styled}<style>{own}</style>", "text/plain": page.title}, raw=True)
            self.place.html, self.place.title = html, page.title
        self.place.asked = self.access.query
        self._equip(asked)
        publish(self._whole)

    def refresh(self) -> Asked:
        """Draw what is asked for again; its panels stay as they are."""
        asked = Asked.parse(self.place.asked)
        page = pages.drawn(self.access, asked)
        with self.place.hold_sync():
            self.place.html = pages.markup(page, self.access)
            self.place.title = page.title
            self.place.drawn += 1
        return asked

    def _turned(self, _: object) -> None:
        asked = self.refresh()
        if asked != self._equipped:
            self._equip(asked)

    def _equip(self, asked: Asked) -> None:
        self._equipped = asked
        if not self.access.decides:
            return
        from nbregistry.browser.tools import tools  # a reader's kernel does not even load them

        old, self.panels.children = self.panels.children, tools(self.access, asked, self.refresh)
        for panel in old:
            parts.discard(panel)


def opened(uri: str | None = None) -> Site:
    """Return the browser before anybody has come: everything imported, the registry read."""
    registry = access.opened(uri)
    site = Site(registry)
    pages.drawn(Access(registry), Asked.parse(""))
    return site
