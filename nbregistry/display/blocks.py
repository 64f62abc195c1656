"""The few things a representation is made of; every object is told once in them and drawn thrice.

A view is a few blocks. Text inside a block is a line of spans, and a span is text plus a look: what it *is*, never how
it is drawn. No block holds markup, so each representation has one place where text becomes HTML or Markdown, and that
place escapes all of it, ours and the user's alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

MOST_CODE = 8_192
"""Characters of a line of code; one that is longer would not be copied by hand."""

MOST_ROWS = 200
"""Rows of a table that are drawn; the rest is counted, with the way to get them."""


class Look(StrEnum):
    """What a span is; the values are the class names in HTML."""

    PLAIN = "plain"
    MUTED = "muted"
    STRONG = "strong"
    CODE = "code"
    NUMBER = "number"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    CHIP = "chip"
    ALIAS = "alias"
    BADGE = "badge"
    BADGE_GOOD = "badge-good"
    BADGE_BAD = "badge-bad"
    BADGE_WARN = "badge-warn"
    BADGE_INFO = "badge-info"
    BADGE_QUIET = "badge-quiet"
    STRUCK = "struck"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Span:
    """Text with a look.

    Attributes
    ----------
    title : str
        What a hover adds: an exact number, a whole digest; of a ``LINK``, the page of ours it leads to, as in
        ``?model=churn``. Dropped in HTML unless it is of a form that we make ourselves, so that nothing a user typed
        stands in an attribute.
    """

    text: str
    look: Look = Look.PLAIN
    title: str = ""


@dataclass(frozen=True, slots=True)
class When:
    """A moment: relative where a hover can tell the rest, in full elsewhere."""

    moment: datetime


@dataclass(frozen=True, slots=True)
class Spark:
    """A small picture of numbers: a line for how they went, bars for how they lie.

    Attributes
    ----------
    values : tuple of float or None
        Oldest or lowest first; None and what is not finite leave a gap.
    told : str
        What it shows, for those who cannot see it; of our own making, never what a user typed.
    """

    values: tuple[float | None, ...]
    bars: bool = False
    told: str = ""


Part: TypeAlias = "Span | When | Spark"
Line: TypeAlias = "tuple[Part, ...]"


@dataclass(frozen=True, slots=True)
class Title:
    """What this is, first of all."""

    line: Line
    under: Line = ()


@dataclass(frozen=True, slots=True)
class Heading:
    """What the blocks that follow are about."""

    text: str
    line: Line = ()


@dataclass(frozen=True, slots=True)
class Banner:
    """One thing that must not be missed; ``tone`` is GOOD, WARN or BAD."""

    tone: Look
    line: Line


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values, one under the other."""

    rows: tuple[tuple[str, Line], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    right : bool
        For numbers: to the right, never cut.
    wide : bool
        For free text: may wrap, or is cut before anything else.
    firm : bool
        For short words that say nothing when cut: times, stages.
    """

    name: str
    right: bool = False
    wide: bool = False
    firm: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns.

    Attributes
    ----------
    total : int
        How many rows there are, of which ``rows`` holds at most ``MOST_ROWS``.
    more : str
        How to get the rows that are not shown.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Line, ...], ...]
    total: int = 0
    more: str = ""


@dataclass(frozen=True, slots=True)
class Prose:
    """Markdown as a user typed it."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A short list."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Patch:
    """Lines of code, each with its look: GOOD for added, BAD for removed, MUTED for what tells where they belong."""

    label: Line
    lines: tuple[tuple[Look, str], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to be copied and run: drawn whole, however long they are."""

    lines: tuple[str, ...]


class Syntax(StrEnum):
    """What a piece of code is; the values are the class names in HTML."""

    PLAIN = "plain"
    KEYWORD = "keyword"
    NAME = "name"
    TEXT = "text"
    FIGURE = "figure"
    COMMENT = "comment"
    MAGIC = "magic"


CodeLine: TypeAlias = "tuple[tuple[Syntax, str], ...]"


@dataclass(frozen=True, slots=True)
class Source:
    """Code to be read: a line above it that says which it is, then its own lines in pieces."""

    label: Line
    lines: tuple[CodeLine, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """One entry of a thread.

    Attributes
    ----------
    earlier : tuple of (Line, str)
        Texts that an edit replaced: when and by whom, and what they said.
    """

    head: Line
    markdown: str
    earlier: tuple[tuple[Line, str], ...] = ()
    replies: tuple[Note, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Thread:
    """Notes and their replies."""

    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """One number as a length, beside how it is written and what there is to say of it.

    Attributes
    ----------
    value : float or None
        None, and what is not finite, has no bar.
    """

    value: float | None
    text: str
    note: Line = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Bars that are compared with each other: they share a scale, which begins at zero."""

    name: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class GroupedBars:
    """Groups of bars, each with a scale of its own; a group has one bar for each of ``names``."""

    names: tuple[str, ...]
    groups: tuple[Group, ...]
    more: str = ""


class Mark(StrEnum):
    """How a series is drawn; a guide is a quiet line to compare the others with."""

    LINE = "line"
    POINTS = "points"
    GUIDE = "guide"


@dataclass(frozen=True, slots=True)
class Series:
    """Points of a chart under one name: ``x`` and ``y`` of the same length, in the order in which a line joins them."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    note: str = ""
    mark: Mark = Mark.LINE


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis measures, and its ends where the data do not decide them."""

    label: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """A few series over two axes; ``square`` where both axes have one unit."""

    title: str
    series: tuple[Series, ...]
    x: Axis
    y: Axis
    square: bool = False
    note: Line = ()


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure under its name, with what stands beside it: its recent past, how far it moved."""

    name: str
    line: Line


@dataclass(frozen=True, slots=True)
class Tiles:
    """Figures side by side."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Foot:
    """What may be missed: receipts, where this comes from."""

    line: Line


Drawing: TypeAlias = "GroupedBars | Chart | Tiles"
Lines: TypeAlias = "Patch | Code | Source"
Block: TypeAlias = "Title | Heading | Banner | Facts | Table | Prose | Bullets | Lines | Thread | Drawing | Foot"


@dataclass(frozen=True, slots=True)
class View:
    """A whole representation; ``framed`` for one thing with its facts, open for a list of things."""

    blocks: tuple[Block, ...]
    framed: bool = False


GAP = Span("—", Look.MUTED)
"""What stands where there is nothing to say."""


def spaced(parts: Iterable[Line], mark: str = "·") -> Line:
    """Join the lines that are not empty with a quiet mark between them."""
    joined: list[Part] = []
    for part in parts:
        if part:
            joined.extend(([Span(mark, Look.MUTED)] if joined else []) + list(part))
    return tuple(joined)
