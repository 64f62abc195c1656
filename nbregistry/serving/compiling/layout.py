"""How rows become the one matrix of doubles that a compiled graph takes: numbers as they are, words as their codes.

Texts and categories are looked up here rather than in the graph: a dictionary of Python's is faster than a table of
strings of the runtime's, and a missing or an unknown word gets a code of its own that no word can be mistaken for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Any

from nbregistry.capture.values import decode, encode
from nbregistry.serving.table import Shape, Table
from nbregistry.types import Document

MISSING, UNKNOWN = -1.0, -2.0
"""Codes of a word that is missing and of one that the model does not know."""

NUMBER, WORD, UNUSED = "number", "word", "unused"
"""What a column holds, as far as the graph is concerned."""

_EXACT = 2**53
_PLAIN = frozenset({float, int, bool})
_NO_NUMBER = object()


class Unanswered(Exception):
    """The compiled model does not take these rows; the original is to answer, or to refuse, them.

    Parameters
    ----------
    why : str
        For the log of a developer.
    rows : sequence of int
        Which rows; empty when it is all of them.
    """

    def __init__(self, why: str, rows: Sequence[int] = ()) -> None:
        self.rows = tuple(rows)
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Feed:
    """One column of the matrix.

    Attributes
    ----------
    kind : str
        ``number``, ``word`` or ``unused``.
    words : tuple
        Known words; the code of each is its place.
    """

    kind: str
    words: tuple[Any, ...] = ()

    def as_document(self) -> Document:
        """Return plain JSON data."""
        return {"kind": self.kind, **({"words": [encode(w) for w in self.words]} if self.words else {})}

    @classmethod
    def from_document(cls, found: Mapping[str, Any]) -> Feed:
        """Inverse of ``as_document``."""
        return cls(found["kind"], tuple(decode(w) for w in found.get("words", ())))


@dataclass(frozen=True)
class Layout:
    """The columns of the matrix, in order."""

    feeds: tuple[Feed, ...]
    _codes: tuple[dict[Any, float] | None, ...] = field(init=False, repr=False, compare=False)
    _plain: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        codes = tuple(
            {**{w: float(i) for i, w in enumerate(f.words)}, None: MISSING} if f.kind == WORD else None
            for f in self.feeds
        )
        object.__setattr__(self, "_codes", codes)
        object.__setattr__(self, "_plain", all(f.kind == NUMBER for f in self.feeds))

    def as_document(self) -> list[Document]:
        """Return plain JSON data."""
        return [f.as_document() for f in self.feeds]

    @classmethod
    def from_document(cls, found: Sequence[Mapping[str, Any]]) -> Layout:
        """Inverse of ``as_document``."""
        return cls(tuple(Feed.from_document(f) for f in found))

    def matrix(self, table: Table) -> Any:
        """Return the rows as doubles, shape (rows, columns), C-contiguous; missing numbers are NaN.

        Raises
        ------
        Unanswered
            A value that a double cannot hold, or of another kind than the column's.
        """
        if table.shape is Shape.ARRAY:
            return self._of_array(table.values)
        if table.shape is Shape.COLUMNS:
            return self._of_columns(table.values, table.rows)
        raise Unanswered(f"rows held as {table.shape.value} have no columns")

    def _of_array(self, values: Any) -> Any:
        import numpy as np

        if values.ndim != 2 or values.shape[1] != len(self.feeds) or values.dtype.kind not in "fiub":
            raise Unanswered(f"an array of the shape {values.shape} and the type {values.dtype}")
        if any(f.kind == WORD for f in self.feeds):
            raise Unanswered("numbers came where words are looked up")
        wide = values.dtype.kind in "iu" and values.dtype.itemsize == 8 and values.size
        if wide and max(int(values.max()), -int(values.min())) > _EXACT:
            beyond = (values > _EXACT) | (values < -_EXACT) if values.dtype.kind == "i" else values > _EXACT
            raise Unanswered("integers that a double cannot hold", beyond.any(axis=1).nonzero()[0].tolist())
        matrix = np.ascontiguousarray(values, dtype=np.float64)
        if not self._plain:
            matrix = matrix.copy() if matrix is values else matrix
            matrix[:, [i for i, f in enumerate(self.feeds) if f.kind == UNUSED]] = 0.0
        return matrix

    def _of_columns(self, columns: Sequence[Sequence[Any]], rows: int) -> Any:
        import numpy as np

        if len(columns) != len(self.feeds):
            raise Unanswered(f"{len(columns)} columns came where {len(self.feeds)} are taken")
        matrix, beyond = np.empty((rows, len(columns))), set()
        for place, (feed, codes, values) in enumerate(zip(self.feeds, self._codes, columns, strict=True)):
            if codes is not None:
                try:
                    matrix[:, place] = [codes.get(v, UNKNOWN) for v in values]
                except TypeError:
                    raise Unanswered("a value that is no word") from None
            elif feed.kind == UNUSED:
                matrix[:, place] = 0.0
            else:
                kept = _numbers(values)
                beyond |= (
                    {row for row, value in enumerate(kept) if value is _NO_NUMBER} if kept is not values else set()
                )
                matrix[:, place] = kept if not beyond else [0.0 if v is _NO_NUMBER else v for v in kept]
        if beyond:
            raise Unanswered("values that are no numbers which a double holds", sorted(beyond))
        return matrix


def _numbers(values: Sequence[Any]) -> Sequence[Any]:
    """Return numbers that a double holds, NaN where one is missing, and a mark of our own for anything else."""
    kinds = set(map(type, values))
    if kinds <= _PLAIN and (int not in kinds or max(map(abs, values)) <= _EXACT):
        return values
    return [_number(value) for value in values]


def _number(value: Any) -> Any:
    if value is None:
        return nan
    kind = type(value)
    return value if kind in _PLAIN and (kind is not int or abs(value) <= _EXACT) else _NO_NUMBER
