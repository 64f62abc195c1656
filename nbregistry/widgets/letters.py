"""A widget without a face that has a click wait for the letters that were typed before it.

ipywidgets sends what is typed letter by letter, but holds the next ones back until the kernel is done with those
before; a click is sent at once. So a quick typist's last letters come after the click: the reason of a promotion would
end in the middle of a word. Here the first click after typing goes round by the kernel once. Its answer comes behind
the news that lets the held back letters go, so that they are on their way before the click is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget


class LastLetters(anywidget.AnyWidget):
    """Guards the buttons of the panel it is in."""

    _esm = Path(__file__).parent / "static" / "letters.js"

    def __init__(self) -> None:
        super().__init__()
        self.on_msg(self._asked)

    def _asked(self, _: object, told: Any, __: object) -> None:
        """Answer; that all before it was taken in is what the answer says."""
        if told == "typed":
            self.send("taken in")
