"""What a browser would see in a piece of HTML, for the tests to judge."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = frozenset({"br", "hr"})


class Seen(HTMLParser):
    """Every element, attribute and text; nesting must come out even.

    Attributes
    ----------
    elements : list of (str, dict)
        Start tags and their attributes, in order.
    texts : list of (str, str)
        Innermost element and text.
    faults : list of str
        End tags that match nothing, comments, declarations.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.faults: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.faults += [f"<{element}> is never closed" for element in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if len(dict(attrs)) != len(attrs):
            self.faults.append(f"<{tag}> has an attribute twice")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()
        else:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"comment {data[:40]!r}")

    def handle_decl(self, decl: str) -> None:
        self.faults.append(f"declaration {decl[:40]!r}")

    def handle_pi(self, data: str) -> None:
        self.faults.append(f"instruction {data[:40]!r}")

    def unknown_decl(self, data: str) -> None:
        self.faults.append(f"section {data[:40]!r}")

    @property
    def text(self) -> str:
        """All text but the style sheet."""
        return "".join(text for element, text in self.texts if element != "style")
