"""Help, written from the table."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

from nbregistry.verbs.grammar import Argument, Place, Verb
from nbregistry.verbs.parsing import usage

_WIDTH = 100
_COLUMN = 24


def of_verb(verb: Verb, place: Place, extra: Iterable[tuple[str, str]] = ()) -> str:
    """Return the help of one verb; ``extra`` are options that every verb of the place has."""
    said = verb.said(place)
    arguments = verb.at(place)
    lines = textwrap.wrap(usage(verb, place), _WIDTH, subsequent_indent=" " * 4, break_on_hyphens=False)
    lines += ["", *textwrap.wrap(verb.summary, _WIDTH)]
    for told in (verb.details, verb.cell if place.notebook else ""):
        lines += textwrap.wrap(told, _WIDTH)
    positions = [(a.label, a.help) for a in arguments if not a.option]
    options = [(_written(a), a.help) for a in arguments if a.option] + list(extra)
    lines += _block("", positions) + _block("Options", options)
    if verb.example:
        lines += ["", "Example", f"  {said} {verb.example}"]
    return "\n".join(lines)


def of_place(verbs: Mapping[str, Verb], place: Place, *, bare: bool = False) -> list[str]:
    """Return one line for each verb of a place; ``bare`` leaves out what stands before the word."""
    return [row(word if bare else place.value.format(word=word), verb.summary) for word, verb in verbs.items()]


def _written(argument: Argument) -> str:
    return argument.name if argument.flag else f"{argument.name} {argument.label}"


def _block(title: str, rows: list[tuple[str, str]]) -> list[str]:
    if not rows:
        return []
    return ["", *([title] if title else []), *(row(label, text) for label, text in rows)]


def row(label: str, text: str) -> str:
    """Return a line of two columns."""
    indent = " " * (_COLUMN + 2)
    start = f"  {label:<{_COLUMN}}" if len(label) < _COLUMN else f"  {label}\n{indent}"
    wrapped = textwrap.wrap(text, _WIDTH - len(indent))
    return start + f"\n{indent}".join(wrapped)
