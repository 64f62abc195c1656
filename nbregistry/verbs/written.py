"""What was done, written as the line that would have done it: in a cell, and in Python."""

from __future__ import annotations

import re

from nbregistry.verbs import lines

_BARE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@-]*\Z")


def magic(word: str, *words: str, **options: str | None) -> str | None:
    """Return the line of a magic; None where what was typed cannot be said in one line, letter for letter.

    Parameters
    ----------
    *words : str
        References, names, stages: words that need no quotation marks.
    **options : str or None
        Free text behind ``--because`` and its kin; None leaves an option out.
    """
    parts = [f"%{word}", *words]
    for name, text in options.items():
        if text is None:
            continue
        said = text if _BARE.match(text) else lines.written(text)
        if said is None or len(text.splitlines()) > 1 or text.endswith(("\n", "\r")):
            return None
        parts += [f"--{name.replace('_', '-')}", said]
    return " ".join(parts)


def call(word: str, *words: str, **options: str | None) -> str:
    """Return the call of a method of the registry."""
    said = [repr(text) for text in words]
    said += [f"{name}={text!r}" for name, text in options.items() if text is not None]
    return f"registry.{word}({', '.join(said)})"
