"""The table of the panels: rows to search, sort, page through and select, without a library of tables.

Cells are data and never markup. A cell is what ``display`` calls a line, so whatever stands in its tables stands here
too: text with a look, badges, moments, small pictures; and numbers, which are sorted by what they are. The browser
draws them with nothing but text nodes (``static/rows.js``); it holds all rows and draws those of one page.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, TypeAlias

import anywidget
import traitlets

from nbregistry.display import sparks
from nbregistry.display.blocks import MOST_ROWS, Column, Line, Look, Part, Span, Spark, Table, When
from nbregistry.display.figures import figures
from nbregistry.display.visible import inline, ours
from nbregistry.errors import InvalidInput

_STATIC = Path(__file__).parent / "static"
_LABEL = 80  # characters of a column's name


@dataclass(frozen=True, slots=True)
class Number:
    """A number, exact on hover; ``text`` is how it is written, else with as many decimals as its column needs."""

    value: float | None
    text: str = ""


Cell: TypeAlias = "tuple[Part | Number, ...]"


@dataclass(frozen=True, slots=True)
class Row:
    """A row and the key by which it is selected, one cell for each column."""

    key: str
    cells: tuple[Cell, ...]


class Rows(anywidget.AnyWidget):
    """A table whose rows can be selected; to hide it, hide a box around it: its own classes are read once.

    Parameters
    ----------
    columns : sequence of Column
        As those of ``display``: ``right`` for numbers, ``wide`` for free text, which wraps.
    rows : sequence of Row
        In the order that stands while nothing is sorted by; keys must differ.
    label : str
        What the rows are, as one would say what is searched: ``models``.
    page : int
        Rows on a page.
    multiple : bool
        Whether a second selection adds to the first.
    empty : str
        What is said where there is no row.

    Attributes
    ----------
    selected : tuple of str
        Keys of the selected rows, in the order of selection; to be observed and set.
    """

    _esm = _STATIC / "rows.js"
    _css = _STATIC / "rows.css"
    table = traitlets.Unicode().tag(sync=True)
    selected = traitlets.Tuple().tag(sync=True)

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Sequence[Row] = (),
        *,
        label: str,
        page: int = 25,
        multiple: bool = False,
        empty: str = "There is nothing here yet.",
    ) -> None:
        self.columns, self.label, self.page, self.multiple, self.empty = tuple(columns), label, page, multiple, empty
        self.rows, self._keys = _checked(self.columns, rows)
        super().__init__(table=self._told())
        self.add_class("nbr-table-widget")

    def replace(self, rows: Sequence[Row], columns: Sequence[Column] | None = None) -> None:
        """Show other rows; what was selected stays so where its key is still there."""
        self.columns = self.columns if columns is None else tuple(columns)
        self.rows, self._keys = _checked(self.columns, rows)
        with self.hold_sync():
            self.table = self._told()
            self.selected = tuple(key for key in self.selected if key in self._keys)

    def select(self, *keys: str) -> None:
        """Select rows, and no others."""
        self.selected = keys

    def blocks(self, most: int = MOST_ROWS) -> Table:
        """Return the first rows as a table of ``display``, for a picture of the panel."""
        lines = tuple(tuple(map(_line, cells)) for cells in _written(self.rows[:most], len(self.columns)))
        beyond = len(self.rows) - len(lines)
        more = f"{beyond:,} more {self.label} are not in this picture." if beyond > 0 else ""
        return Table(self.columns, lines, total=len(self.rows), more=more)

    @traitlets.validate("selected")
    def _known(self, proposal: Any) -> tuple[str, ...]:
        """Keep what can be meant: a browser is anybody, and may not have heard of the newest rows yet."""
        found = tuple(dict.fromkeys(key for key in proposal["value"] if isinstance(key, str) and key in self._keys))
        return found if self.multiple else found[-1:]

    def _told(self) -> str:
        told = {
            "label": inline(self.label),
            "empty": inline(self.empty),
            "page": self.page,
            "multiple": self.multiple,
            "columns": [[inline(column.name, _LABEL), column.right, column.wide] for column in self.columns],
            "rows": [
                [row.key, [[_sent(part) for part in cell] for cell in cells]]
                for row, cells in zip(self.rows, _written(self.rows, len(self.columns)), strict=True)
            ],
        }
        return json.dumps(told, separators=(",", ":"), allow_nan=False)


def _checked(columns: Sequence[Column], rows: Iterable[Row]) -> tuple[tuple[Row, ...], frozenset[str]]:
    found = tuple(rows)
    keys = frozenset(row.key for row in found)
    if len(keys) != len(found):
        raise InvalidInput("Two rows have the same key: a selection could mean either.")
    for row in found:
        if len(row.cells) != len(columns):
            raise InvalidInput(f"Row {row.key!r} has {len(row.cells)} cells under {len(columns)} columns.")
    return found, keys


def _written(rows: Sequence[Row], columns: int) -> Iterable[tuple[Cell, ...]]:
    """Yield the cells of each row, every number written with as many decimals as those above and below it."""
    written: list[dict[int, str]] = []
    for at in range(columns):
        # A cell has one number at most that stands in a column with others: its first.
        found = {place: n for place, row in enumerate(rows) if (n := _number(row.cells[at])) and not n.text}
        texts = figures([n.value for n in found.values()])
        written.append(dict(zip(found, texts, strict=True)))
    for place, row in enumerate(rows):
        yield tuple(_with(cell, written[at].get(place)) for at, cell in enumerate(row.cells))


def _number(cell: Cell) -> Number | None:
    return next((part for part in cell if isinstance(part, Number)), None)


def _with(cell: Cell, text: str | None) -> Cell:
    """Return a cell whose first number is written as ``text``; what has no value is a gap."""
    if text is None:
        return cell
    first = _number(cell)
    return tuple(Number(first.value, text or "—") if first is not None and part is first else part for part in cell)


def _sent(part: Part | Number) -> list[Any]:
    """Return a part as the browser reads it."""
    if isinstance(part, Number):
        exact = repr(part.value) if isinstance(part.value, float) else ""
        return ["n", inline(part.text), _weight(part.value), exact if ours(exact) and exact != part.text else ""]
    if isinstance(part, When):
        return ["w", round(part.moment.astimezone(UTC).timestamp() * 1000)]
    if isinstance(part, Spark):
        heights = [None if h is None else round(h, 3) for h in sparks.heights(part)]
        return ["p", heights, part.bars, part.told if ours(part.told) else ""]
    return ["s", inline(part.text), part.look.value, part.title if ours(part.title) else ""]


def _weight(value: float | None) -> float | None:
    """Return what a number is sorted by: JSON has no infinities, but the largest double stands where they would."""
    if isinstance(value, float) and math.isinf(value):
        return math.copysign(sys.float_info.max, value)
    return sparks.finite(value)


def _line(cell: Cell) -> Line:
    return tuple(
        Span(part.text, Look.NUMBER, title=repr(part.value)) if isinstance(part, Number) else part for part in cell
    )
