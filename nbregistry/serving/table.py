"""Rows as they travel from the socket to a model: one ndarray where that is possible, else lists by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Shape(Enum):
    """How the values of a table are held.

    ``ARRAY``: one ndarray, rows on the first axis, columns in signature order. ``COLUMNS``: a tuple with a list for
    each column of the signature, in its order: plain Python values, already checked, None for missing. ``ROWS``: one
    list with an entry a row (texts of a vectorizer). ``WHOLE``: anything else, which can neither be joined nor split
    (a sparse matrix, a dictionary of tensors, a frame that had to be converted the long way).
    """

    ARRAY = "array"
    COLUMNS = "columns"
    ROWS = "rows"
    WHOLE = "whole"


@dataclass(slots=True)
class Table:
    """Rows that fit a signature.

    Attributes
    ----------
    shape : Shape
        How ``values`` holds them.
    values : ndarray, tuple of list, list or object
        As ``shape`` says.
    rows : int
        How many.
    """

    shape: Shape
    values: Any
    rows: int

    def cut(self, start: int, stop: int) -> Table:
        """Return the rows from ``start`` up to ``stop``."""
        if self.shape is Shape.COLUMNS:
            return Table(self.shape, tuple(c[start:stop] for c in self.values), stop - start)
        if self.shape is Shape.WHOLE:
            if start or stop != self.rows:
                raise TypeError("a table that is held whole cannot be cut")
            return self
        return Table(self.shape, self.values[start:stop], stop - start)

    def pick(self, rows: Sequence[int]) -> Table:
        """Return some rows, in the order given."""
        if self.shape is Shape.ARRAY:
            return Table(self.shape, self.values[rows], len(rows))
        if self.shape is Shape.COLUMNS:
            return Table(self.shape, tuple([c[i] for i in rows] for c in self.values), len(rows))
        if self.shape is Shape.WHOLE:
            raise TypeError("rows of a table that is held whole cannot be picked")
        return Table(self.shape, [self.values[i] for i in rows], len(rows))


def fits(first: Table, second: Table) -> bool:
    """Whether two tables can be joined."""
    if first.shape is not second.shape or first.shape is Shape.WHOLE:
        return False
    if first.shape is Shape.ARRAY:
        return bool(first.values.shape[1:] == second.values.shape[1:] and first.values.dtype == second.values.dtype)
    return True


def join(tables: Sequence[Table]) -> Table:
    """Return all rows in one table, in order; every pair must fit."""
    if len(tables) == 1:
        return tables[0]
    shape, rows = tables[0].shape, sum(t.rows for t in tables)
    if shape is Shape.ARRAY:
        import numpy as np

        return Table(shape, np.concatenate([t.values for t in tables]), rows)
    if shape is Shape.COLUMNS:
        joined = tuple(
            [v for column in columns for v in column] for columns in zip(*(t.values for t in tables), strict=True)
        )
        return Table(shape, joined, rows)
    return Table(shape, [v for t in tables for v in t.values], rows)
