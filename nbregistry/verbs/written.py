"""What was done, written as the line that would have done it: in a cell, and in Python."""

from __future__ import annotations

from nbregistry.errors import InvalidInput
from nbregistry.verbs.words import split

_FILLED = frozenset("{}$\n\r")  # what IPython fills in, or ends a line at


def magic(word: str, *words: str, **options: str | None) -> str | None:
    """Return the line of a magic; None where what was typed cannot be said in one line, letter for letter.

    Parameters
    ----------
    *words : str
        References, names, stages: words that need no quotation marks.
    **options : str or None
        Free text behind ``--because`` and its kin; None leaves an option out.
    """
    said = {name.replace("_", "-"): text for name, text in options.items() if text is not None}
    line = " ".join((*words, *(f"--{name} {_quoted(text)}" for name, text in said.items())))
    if _FILLED & set(line):
        return None
    try:
        read = [found.text for found in split(line)]
    except InvalidInput:
        return None
    meant = [*words, *(part for name, text in said.items() for part in (f"--{name}", text))]
    return f"%{word} {line}" if read == meant else None


def call(word: str, *words: str, **options: str | None) -> str:
    """Return the call of a method of the registry."""
    said = [repr(text) for text in words]
    said += [f"{name}={text!r}" for name, text in options.items() if text is not None]
    return f"registry.{word}({', '.join(said)})"


def _quoted(text: str) -> str:
    if text and not any(c.isspace() or c in "\"'\u201c\u2018" for c in text) and not text.startswith("-"):
        return text
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'
