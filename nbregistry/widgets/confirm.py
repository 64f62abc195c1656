"""The box that asks once more: it names what is about to happen, holds the focus, and is left with Escape.

ipywidgets tell nothing of keys, so a widget of a few lines listens for Escape while the focus is within the box.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import ipywidgets as w
import traitlets

from nbregistry.display.blocks import Block
from nbregistry.widgets.panel import Panel
from nbregistry.widgets.parts import Drawn, Tone, button, plain, row, shown

_LISTEN = """
export default {
  render({ model, el }) {
    el.style.display = "none";
    const heard = (event) => {
      const box = el.closest(".nbr-confirm");
      if (event.key !== "Escape" || !box || !box.contains(event.target)) return;
      event.preventDefault();
      event.stopPropagation();
      model.send("escape");
    };
    document.addEventListener("keydown", heard, true);
    return () => document.removeEventListener("keydown", heard, true);
  },
};
"""


class Escape(anywidget.AnyWidget):
    """Calls back when Escape is pressed in the box around it."""

    _esm = traitlets.Unicode(_LISTEN).tag(sync=True)

    def __init__(self, call: Callable[[], object]) -> None:
        super().__init__()
        self.on_msg(lambda _widget, said, _buffers: call() if said == "escape" else None)


class Confirm(w.VBox):
    """Asks, and does what it asked about once: a second click finds nothing to do.

    Parameters
    ----------
    panel : Panel
        Where errors are told.
    left : callable
        Called whenever the box closes, whatever came of it.
    """

    def __init__(self, panel: Panel, left: Callable[[], object]) -> None:
        self._left = left
        self._call: Callable[[], object] | None = None
        self._question = Drawn()
        self.yes, self.no = button("", tone="primary"), button("Cancel")
        super().__init__([self._question, row(self.yes, self.no), Escape(lambda: panel.run(self.leave))])
        self.add_class("nbr-confirm")
        shown(self, False)
        panel.press(self.yes, self._do)
        panel.press(self.no, self.leave)

    @property
    def asking(self) -> bool:
        """Whether it is open."""
        return self._call is not None

    def ask(self, question: tuple[Block, ...], yes: str, call: Callable[[], object], *, tone: Tone = "primary") -> None:
        """Open the box; the focus goes to the way out, so that no key that was held down says yes."""
        self._question.show(question)
        self.yes.description, self.yes.button_style = plain(yes), tone
        self._call = call
        shown(self, True)
        self.no.focus()

    def leave(self) -> None:
        """Close the box, and do nothing."""
        was, self._call = self._call, None
        shown(self, False)
        self._question.show(None)
        if was is not None:
            self._left()

    def _do(self, *_: Any) -> None:
        call = self._call
        self.leave()
        if call is not None:
            call()
