"""Code in pieces, each with what it is, so that it can be read in colours.

Pygments, which comes with IPython, tells the pieces apart; without it code is all of one kind. The lines that IPython
adds to Python (``%magic``, ``!command``) are set apart first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from nbregistry.display.blocks import CodeLine, Syntax
from nbregistry.display.visible import inline

MOST = 64 * 1024
"""Characters of one piece of code that are taken apart; more is shown plain."""

_LINE = 500  # characters of one line
_LINES = 2_000
_MAGIC = re.compile(r"\s*(?:%|!|\?)|.*\?\s*\Z")
_KINDS = {
    "Token.Comment": Syntax.COMMENT,
    "Token.Keyword": Syntax.KEYWORD,
    "Token.Operator.Word": Syntax.KEYWORD,
    "Token.Literal.String": Syntax.TEXT,
    "Token.Literal.Number": Syntax.FIGURE,
    "Token.Name.Function": Syntax.NAME,
    "Token.Name.Class": Syntax.NAME,
    "Token.Name.Decorator": Syntax.NAME,
}


def pieces(code: str) -> tuple[CodeLine, ...]:
    """Return the lines of Python, or of a notebook's cell, in pieces; everything in them is visible."""
    lines = code.replace("\r\n", "\n").expandtabs(4).strip("\n").split("\n")
    beyond = len(lines) - _LINES
    lines = [inline(line, _LINE) for line in lines[:_LINES]]
    magic = {at for at, line in enumerate(lines) if _MAGIC.match(line)}
    if lines[0].startswith("%%"):
        magic = {0}
    if sum(map(len, lines)) > MOST or (magic and lines[0].startswith("%%")):
        found: list[CodeLine] = [((Syntax.PLAIN, line),) for line in lines]
    else:
        # A comment in its place keeps a line of magic from confusing what reads Python.
        found = _read(["#" if at in magic else line for at, line in enumerate(lines)])
    for at in magic:
        found[at] = ((Syntax.MAGIC, lines[at]),)
    more = [((Syntax.COMMENT, f"… {beyond:,} more lines"),)] if beyond > 0 else []
    return (*found, *more)


def _read(lines: list[str]) -> list[CodeLine]:
    try:
        from pygments.lexers.python import PythonLexer
    except ImportError:
        return [((Syntax.PLAIN, line),) for line in lines]
    read = PythonLexer(stripnl=False, ensurenl=False).get_tokens("\n".join(lines))
    return [tuple(line) for line in _split((_kind(str(token)), text) for token, text in read)]


def _split(tokens: Iterable[tuple[Syntax, str]]) -> list[list[tuple[Syntax, str]]]:
    """Cut tokens where lines end, and join neighbours of one kind."""
    found: list[list[tuple[Syntax, str]]] = [[]]
    for kind, text in tokens:
        for at, part in enumerate(text.split("\n")):
            if at:
                found.append([])
            line = found[-1]
            if part and line and line[-1][0] is kind:
                line[-1] = (kind, line[-1][1] + part)
            elif part:
                line.append((kind, part))
    return found


def _kind(token: str) -> Syntax:
    while token not in _KINDS and "." in token:
        token = token.rpartition(".")[0]
    return _KINDS.get(token, Syntax.PLAIN)
