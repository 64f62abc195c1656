"""The ``%register`` line that says what was picked in a panel, as one would type it."""

from __future__ import annotations

from dataclasses import dataclass

from nbregistry.errors import InvalidInput
from nbregistry.verbs.words import split


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be registered, in words.

    Attributes
    ----------
    data : tuple of str
        Variables: none, X, or X and y.
    metrics, tags : tuple of str
        As one types them: ``auc=0.93``, ``auc=scores["auc"]``, ``team=risk``.
    """

    name: str
    model: str
    data: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    note: str = ""
    tags: tuple[str, ...] = ()
    stage: str = ""
    alias: str = ""
    format: str = ""


def line(wanted: Wanted) -> tuple[str, tuple[str, ...]]:
    """Return the line, and what of it cannot be written in one, such as a note with every kind of quotation mark."""
    parts, left = ["%register", wanted.name, wanted.model], list[str]()
    for option, words in (("--data", wanted.data), ("--metric", wanted.metrics), ("--tag", wanted.tags)):
        # Typed where nothing is filled in, and read where IPython's braces are.
        kept = [word for word in words if not set(word) & set("{}$")]
        parts += [option, *kept] if kept else []
        left += [f"{option} {word}" for word in words if word not in kept]
    for option, value in (("--stage", wanted.stage), ("--alias", wanted.alias), ("--format", wanted.format)):
        parts += [option, value] if value else []
    if note := " ".join(wanted.note.split()):
        told = written(note)
        parts += ["--note", told] if told is not None else []
        left += ["the note"] if told is None else []
    return " ".join(parts), tuple(left)


def written(text: str) -> str | None:
    """Return a text as one types it so that it comes out as it is; None where no quotation marks do that."""
    # What begins with a brace would be filled in; where none begins, nothing is.
    safe = text.replace("{", "{{").replace("}", "}}") if "{" in text else text
    for way in (f'"{safe}"', f"'{safe}'", safe):
        if _read(way) == safe and ("$" not in text or way.startswith("'")):
            return way
    return None


def _read(text: str) -> str | None:
    """Return what a written word is read as, where it stays one word and is no option."""
    try:
        found = split(f"{text} --end")
    except InvalidInput:
        return None
    if len(found) != 2 or text.endswith(";") or found[0].raw != text:
        return None
    return found[0].text if found[0].quoted or not found[0].text.startswith("-") else None
