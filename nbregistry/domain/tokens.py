"""Words, quoted texts and signs of a filter or an order, and errors that point at them."""

from __future__ import annotations

import re
from typing import NamedTuple

from nbregistry.errors import InvalidFilter

MAX_TEXT = 4096

_TOKEN = re.compile(
    r"""\s*+(?:(?P<quoted>'(?:[^']|'')*+'|"(?:[^"]|"")*+"|`(?:[^`]|``)*+`)
    | (?P<sign><=|>=|<>|!=|==|[=<>(),])
    | (?P<word>[^\s'"`()=<>!,]+)
    | (?P<end>\Z))""",
    re.VERBOSE,
)


def _printable(text: str) -> str:
    # As long as the text, so that columns stay true; what would move a terminal's caret or its colours is blanked.
    return "".join(c if c.isprintable() else " " for c in text)


class Token(NamedTuple):
    """One of them.

    Attributes
    ----------
    kind : str
        ``word``, ``quoted``, ``sign`` or ``end``.
    text : str
        What it says, without its quotes.
    column, stop : int
        Where it begins and where it ends.
    quote : str
        Of what is quoted, with which.
    """

    kind: str
    text: str
    column: int
    stop: int
    quote: str = ""

    @property
    def keyword(self) -> str:
        """The sign, or the word in capitals; empty for what is quoted, which is never a keyword."""
        return "" if self.kind == "quoted" else self.text.upper()

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else repr(self.text[:40])


class Tokens:
    """Walks over a text token by token."""

    def __init__(self, text: str) -> None:
        self._shown = _printable(text if len(text) <= MAX_TEXT else text[:80])
        if len(text) > MAX_TEXT:
            raise self.fault(f"The text has {len(text):,} characters, more than the {MAX_TEXT:,} allowed", 80)
        self._tokens = [self._read(text, 0)]
        while self._tokens[-1].kind != "end":
            self._tokens.append(self._read(text, self._tokens[-1].stop))
        self._at = 0

    def _read(self, text: str, at: int) -> Token:
        found = _TOKEN.match(text, at)
        if found is None:
            column = len(text) - len(text[at:].lstrip())
            if text[column] == "!":
                raise self.fault("'!' says nothing alone: unequal is written != and the opposite NOT", column)
            raise self.fault(f"The quote {text[column]} is never closed (inside of quotes, double it)", column)
        kind = found.lastgroup or "end"
        raw, column = found[kind], found.start(kind)
        if kind != "quoted":
            return Token(kind, raw, column, found.end())
        return Token(kind, raw[1:-1].replace(raw[0] * 2, raw[0]), column, found.end(), raw[0])

    def fault(self, message: str, column: int) -> InvalidFilter:
        """Return the error that points at ``column``."""
        return InvalidFilter(
            _printable(message if message.endswith((".", "?")) else f"{message}."), self._shown, column
        )

    @property
    def next(self) -> Token:
        """The token that comes next."""
        return self._tokens[self._at]

    def take(self) -> Token:
        """Return the next token and go past it; the end stays."""
        found = self.next
        self._at += found.kind != "end"
        return found

    def took(self, *keywords: str) -> str:
        """Go past the next token if it is one of these signs or keywords, and return it; else an empty string."""
        found = self.next.keyword
        if not found or found not in keywords:
            return ""
        self._at += 1
        return found

    def name(self) -> tuple[Token, str | None]:
        """Take the name of a field: the word, and what stands in quotes right after its dot."""
        token = self.take()
        if token.kind == "word" and token.text.endswith(".") and self.next.quote and self.next.column == token.stop:
            return token, self.take().text
        if token.kind == "word" or (token.quote and token.quote != "'"):
            return token, None
        if token.kind == "quoted":
            raise self.fault(f"The field comes first, as in name = {token}; single quotes are for texts", token.column)
        raise self.fault(f"A field is expected, as in metrics.auc > 0.9, not {token}", token.column)
