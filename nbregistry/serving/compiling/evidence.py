"""Rows to ask both models about: captured, drawn from the profile, and those at the edges where models go wrong.

Seeded, so that the same version is always asked the same.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, nan, nextafter
from typing import Any

from nbregistry.domain.signature import Column, Signature
from nbregistry.errors import RegistryError
from nbregistry.serving.compiling.layout import NUMBER, WORD, Layout
from nbregistry.serving.intake import Intake
from nbregistry.serving.table import Shape, Table

DRAWN, TIED, EDGES = 400, 900, 600
"""Most rows drawn from the profile, at thresholds, and with one value at an edge."""

STRANGE = "a word never seen"
_EDGES = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    1e-300,
    5e-324,
    1e6,
    -1e6,
    1e15,
    1e29,
    -1e29,
    1e31,
    3.4028235e38,
    4e38,
    -1e308,
    inf,
    -inf,
    nan,
)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one kind.

    Attributes
    ----------
    what : str
        What they are, for messages.
    usual : bool
        Whether a compiled model has to answer them to be of any use.
    """

    what: str
    table: Table
    usual: bool = False


def evidence(
    signature: Signature,
    layout: Layout,
    ties: Mapping[int, Sequence[float]],
    *,
    example: Table | None = None,
    profile: Mapping[str, Any] | None = None,
) -> list[Rows]:
    """Return rows that the version's intake accepts.

    Parameters
    ----------
    layout : Layout
        Which columns are numbers and which words the model knows.
    ties : mapping of int to sequence of float
        By column: thresholds. Each is asked about exactly, and one step of a double, and of a float32, beside it.
    example, profile
        As they were captured.
    """
    return _Drawing(signature, layout, ties, profile or {}).all(example)


class _Drawing:
    def __init__(
        self, signature: Signature, layout: Layout, ties: Mapping[int, Sequence[float]], profile: Mapping[str, Any]
    ) -> None:
        self.signature, self.layout, self.ties = signature, layout, ties
        self.intake = Intake(signature)
        self.random = random.Random(0)  # noqa: S311 - evidence is to be repeatable, not secret
        self.framed = signature.container == "frame"
        width = len(layout.feeds)
        single = signature.inputs[0]
        self.columns = list(signature.inputs) if self.framed else [Column("", single.dtype, single.nullable)] * width
        told = list(profile.get("columns", ()))
        self.told = told if len(told) == width else [{}] * width
        self.count = max(1, profile.get("sample_rows", profile.get("rows", 1)) or 1)
        self.example: Table | None = None

    def all(self, example: Table | None) -> list[Rows]:
        found = []
        if example is not None and example.rows:
            self.example = example
            found.append(Rows("the captured example", example, usual=True))
        base = [self._row() for _ in range(DRAWN)]
        found += self._lot("rows drawn from the profile", base, usual=True)
        found += self._lot("rows at thresholds", self._tied(base))
        found += self._lot("rows with one value at an edge", self._edged(base))
        return found

    def _lot(self, what: str, rows: list[list[Any]], *, usual: bool = False) -> list[Rows]:
        """Return the rows as tables; those that the intake refuses, a server refuses too."""
        if not rows:
            return []
        try:
            return [Rows(what, self._table(rows), usual)]
        except RegistryError:
            pass
        kept = []
        for row in rows:
            try:
                self._table([row])
                kept.append(row)
            except RegistryError:
                continue
        return [Rows(what, self._table(kept), usual)] if kept else []

    def _table(self, rows: list[list[Any]]) -> Table:
        import numpy as np

        if self.framed:
            columns = zip(*rows, strict=True)
            named = {c.name: list(values) for c, values in zip(self.columns, columns, strict=True)}
            if len(named) != len(self.columns):
                raise RegistryError("column names repeat")
            return self.intake.from_columns(named)
        kind = self.columns[0].dtype
        return self.intake.from_array(np.array(rows, dtype=np.float64).astype("float64" if kind == "any" else kind))

    # -- values

    def _row(self) -> list[Any]:
        return [self._usual(place) for place in range(len(self.columns))]

    def _usual(self, place: int) -> Any:
        column, told, feed = self.columns[place], self.told[place], self.layout.feeds[place]
        if column.nullable and self.random.random() < max(0.02, min(0.5, told.get("missing", 0) / self.count)):
            return None if self.framed else nan
        if feed.kind == NUMBER and "top" not in told:
            return self._fit(place, self._number(place))
        top = [v for v, _ in told.get("top", ())]
        if feed.kind == WORD:
            known = [w for w in top if w in feed.words] if self.random.random() < 0.5 else []
            words = known or list(feed.words) or top or [STRANGE]
            return self.random.choice(words)
        if top:
            return self._fit(place, self.random.choice(top)) if feed.kind == NUMBER else self.random.choice(top)
        return self._example_value(place)

    def _number(self, place: int) -> float:
        told = self.told[place]
        known = [told.get("min"), *(told.get("quantiles") or ()), told.get("max")]
        levels = [float(v) for v in known if isinstance(v, int | float)]
        if len(levels) < 2:
            value = self._example_value(place)
            middle = float(value) if isinstance(value, int | float) and value == value else 0.0  # noqa: PLR0124 - NaN
            return self.random.gauss(middle, abs(middle) or 1.0)
        step = self.random.randrange(len(levels) - 1)
        return self.random.uniform(levels[step], levels[step + 1])

    def _example_value(self, place: int) -> Any:
        if self.example is None:
            return None
        row = self.random.randrange(self.example.rows)
        if self.example.shape is Shape.ARRAY:
            return self.example.values[row, place].item()
        return self.example.values[place][row] if self.example.shape is Shape.COLUMNS else None

    def _fit(self, place: int, value: Any) -> Any:
        """Return a number as the column's dtype has it."""
        kind = self.columns[place].dtype.lower()
        if isinstance(value, float) and isfinite(value) and kind.lstrip("u").startswith("int"):
            return round(value)
        if kind.startswith("bool"):
            return bool(value and value == value)  # noqa: PLR0124 - NaN
        return value

    # -- edges

    def _tied(self, base: list[list[Any]]) -> list[list[Any]]:
        """Return rows with values at thresholds: one in each row, then one in every column."""
        import numpy as np

        places = sorted(self.ties)
        pairs = [(place, t) for place in places for t in self.ties[place]]
        self.random.shuffle(pairs)
        found = []
        for number, (place, tie) in enumerate(pairs[: TIED // 3]):
            near = float(np.float32(tie))
            beside = [tie, nextafter(tie, inf), nextafter(tie, -inf), near]
            beside += [float(np.nextafter(np.float32(tie), np.float32(side))) for side in (inf, -inf)]
            for value in (tie, *self.random.sample(beside[1:], 2)):
                found.append(self._with(base[number % len(base)], place, value))
        for row in base[:100] if places else []:
            for place in places:
                tie = self.random.choice(list(self.ties[place]))
                row = self._with(row, place, self.random.choice([tie, nextafter(tie, inf), nextafter(tie, -inf)]))  # noqa: PLW2901 - grows
            found.append(row)
        return found

    def _with(self, row: list[Any], place: int, value: Any) -> list[Any]:
        return [*row[:place], self._fit(place, value), *row[place + 1 :]]

    def _edged(self, base: list[list[Any]]) -> list[list[Any]]:
        """Return rows with one value at an edge, in as many columns as there is room for."""
        pairs = [(place, value) for place in range(len(self.columns)) for value in self._edges(place)]
        if len(pairs) > EDGES:
            pairs = self.random.sample(pairs, EDGES)
        found = []
        for number, (place, value) in enumerate(pairs):
            row = base[number % len(base)]
            found.append([*row[:place], value, *row[place + 1 :]])
        return found

    def _edges(self, place: int) -> list[Any]:
        column, feed = self.columns[place], self.layout.feeds[place]
        missing = [None if self.framed else nan]
        if feed.kind == WORD:
            return [*missing, *feed.words[:20], STRANGE, "", "nan", "None"]
        kind = column.dtype.lower()
        if feed.kind != NUMBER:
            return missing
        if kind.startswith("bool"):
            return [True, False, *missing]
        if kind.lstrip("u").startswith("int"):
            whole = [0, 1, -1, 127, -128, 255, 32767, 2**31 - 1, -(2**31), 2**53, 2**53 + 1, 2**63 - 1]
            return [*whole, *missing] if self.framed else [float(v) for v in whole[:-2]]
        return [*_EDGES, *missing]
