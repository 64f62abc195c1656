"""What panels are made of: labelled controls, buttons, drawn objects, sections and views to switch between.

Every control has a visible label that is tied to it, so that it can be reached and read without a mouse or eyes.
Text from users enters a page in two ways only: as the value of a control, which the browser never reads as markup, and
through ``display``, which escapes it. ipywidgets' own HTML widget trusts its value, so nothing else here makes one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import ipywidgets as w

from nbregistry.display import as_html, told
from nbregistry.display.blocks import Block, Look, Span, Title, View
from nbregistry.display.visible import inline

Tone: TypeAlias = Literal["", "primary", "success", "warning", "danger"]

_LABEL = 80  # characters of a user's text in a button or an option


class Drawn(w.HTML):
    """Something of the registry, drawn by ``display``.

    Parameters
    ----------
    shown : object
        An object that has a representation, a ``View``, or blocks of one; None draws nothing.
    """

    def __init__(self, shown: object = None) -> None:
        super().__init__()
        self.show(shown)

    def show(self, shown: object) -> None:
        """Draw something else in its place."""
        self.value = "" if shown is None else fragment(shown)


def fragment(shown: object) -> str:
    """Return HTML without a style sheet, which the panel around it carries."""
    if isinstance(shown, View):
        found = shown
    elif isinstance(shown, tuple):
        found = View(shown)
    else:
        found = told.view(shown)
    return as_html.fragment(found, datetime.now(UTC))


def blocks(*found: Block) -> Drawn:
    """Return blocks, drawn."""
    return Drawn(found)


def hint(*words: str) -> tuple[Block, ...]:
    """Return a quiet line that says what a control is for."""
    return (Title((), tuple(Span(word, Look.MUTED) for word in words)),)


def button(label: str, *, tone: Tone = "", tip: str = "") -> w.Button:
    """Return a button; ``Panel.press`` gives it something to do."""
    return w.Button(description=plain(label), button_style=tone, tooltip=inline(tip, 200) if tip else "")


def text(label: str, value: str = "", *, hint: str = "", grow: bool = False) -> w.Text:
    """Return a line to type."""
    return _field(w.Text(value=value, description=label, placeholder=hint, continuous_update=False), grow)


def area(label: str, value: str = "", *, hint: str = "", rows: int = 3) -> w.Textarea:
    """Return some lines to type, as wide as there is room."""
    return _field(w.Textarea(value=value, description=label, placeholder=hint, rows=rows), True)


def choice(
    label: str, options: Sequence[tuple[str, Any]] | Sequence[str], value: Any = None, *, grow: bool = False
) -> w.Dropdown:
    """Return a list to pick one from: texts, or (text, value) pairs; the first one unless told."""
    pairs = [(plain(o), o) if isinstance(o, str) else (plain(o[0]), o[1]) for o in options]
    values = [found for _, found in pairs]
    chosen = value if value in values else (values[0] if values else None)
    return _field(w.Dropdown(options=pairs, value=chosen, description=label), grow)


def tick(label: str, value: bool = False) -> w.Checkbox:
    """Return a box to tick."""
    found = w.Checkbox(value=value, description=plain(label), indent=False)
    found.add_class("nbr-tick")
    return found


def plain(label: str) -> str:
    """Return a label of one line, with everything visible; ipywidgets 8 writes it as text, never as markup."""
    return inline(label, _LABEL)


def _field(widget: Any, grow: bool) -> Any:
    widget.description_allow_html = False
    widget.add_class("nbr-field")
    if grow:
        widget.add_class("nbr-grow")
    return widget


def row(*widgets: w.Widget) -> w.HBox:
    """Return widgets side by side, which wrap where there is no room."""
    found = w.HBox(widgets)
    found.add_class("nbr-row")
    return found


def stack(*widgets: w.Widget) -> w.VBox:
    """Return widgets one under the other."""
    found = w.VBox(widgets)
    found.add_class("nbr-stack")
    return found


def shown(widget: w.Widget, yes: bool) -> None:
    """Show a widget, or hide it without taking it from the page."""
    (widget.remove_class if yes else widget.add_class)("nbr-hidden")


def discard(widget: w.Widget) -> None:
    """Close a widget with everything in it, so that neither the kernel nor the browser keeps any of it."""
    for child in getattr(widget, "children", ()):
        discard(child)
    for own in (getattr(widget, "layout", None), getattr(widget, "style", None)):
        if isinstance(own, w.Widget):
            own.close()
    widget.close()


class Views(w.VBox):
    """Several things in one place, of which one is looked at; each is made when it is first looked at.

    Parameters
    ----------
    label : str
        What is chosen, for those who hear the page.
    makers : mapping of str to callable
        Name of a view and what makes its widget; called once, guarded by the panel through ``run``.
    run : callable
        ``Panel.run``: has what a maker raises told.
    chosen : str or None
        What is looked at first; the first one unless told.
    """

    def __init__(
        self,
        label: str,
        makers: Mapping[str, Callable[[], w.Widget]],
        run: Callable[[Callable[[], object]], bool],
        *,
        chosen: str | None = None,
    ) -> None:
        self._makers, self._run = dict(makers), run
        self._made: dict[str, w.Widget] = {}
        self.names = w.ToggleButtons(options=list(makers), value=chosen or next(iter(makers), None), tooltip=label)
        self.names.add_class("nbr-views")
        self._place = stack()
        super().__init__([self.names, self._place])
        self.add_class("nbr-stack")
        self.names.observe(lambda change: self._look(), "value")
        self._look()

    def select(self, name: str) -> None:
        """Look at a view."""
        self.names.value = name

    def forget(self, names: Iterable[str] | None = None) -> None:
        """Have views made anew when they are next looked at; the one in sight is at once."""
        for name in list(self._made if names is None else names):
            if (old := self._made.pop(name, None)) is not None:
                discard(old)
        self._look()

    def close(self) -> None:
        """Close every view that was made, in sight or not."""
        for made in self._made.values():
            discard(made)
        self._made.clear()
        super().close()

    def _look(self) -> None:
        name = self.names.value
        if name not in self._made:
            self._run(lambda: self._made.__setitem__(name, self._makers[name]()))
        self._place.children = (self._made[name],) if name in self._made else ()
