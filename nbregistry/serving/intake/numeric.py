"""Rows of nothing but numbers, the way of nearly every request: one array out of the lists, or None where care is due.

What is declined here is not refused: the checks of the columns look at it and say what is wrong, or find that it fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from nbregistry.capture.numbers import fit
from nbregistry.domain.signature import Column
from nbregistry.serving.intake.checks import INTEGERS

Array = npt.NDArray[Any]
_EXACT = 2.0**53 - 1
"""Beyond, two integers may share a double."""
_LARGEST_SINGLE = float(np.finfo(np.float32).max)


class Numbers:
    """Columns that fit one array.

    Parameters
    ----------
    columns : sequence of Column
        Of one numeric dtype, or integers among columns of float64: these are held as float64 as long as it is exact.
    dtype : str
        Of the array.
    """

    def __init__(self, columns: Sequence[Column], dtype: str) -> None:
        self.dtype = np.dtype(dtype)
        self.width = len(columns)
        self.mixed = any(c.dtype not in (dtype, "any") for c in columns)
        demanding = [(not c.nullable and c.dtype != "any") or c.dtype in INTEGERS for c in columns]
        self._demanding: Array | None = np.array(demanding) if any(demanding) else None
        self._all_demanding = all(demanding)
        self._kinds = frozenset({float, int} if self._all_demanding else {float, int, type(None)})
        whole = [(place, *INTEGERS[c.dtype]) for place, c in enumerate(columns) if c.dtype in INTEGERS]
        self._whole = [place for place, _, _ in whole]
        self._low = np.array([max(float(low), -_EXACT) for _, low, _ in whole])
        self._high = np.array([min(float(high), _EXACT) for _, _, high in whole])

    @classmethod
    def of(cls, columns: Sequence[Column]) -> Numbers | None:
        """Return the way for these columns; None when they do not fit one array."""
        dtypes = {c.dtype for c in columns}
        if len(dtypes) == 1:
            dtype = next(iter(dtypes)).replace("any", "float64")
            return cls(columns, dtype) if dtype in ("float64", "float32", *INTEGERS) else None
        return cls(columns, "float64") if dtypes and dtypes <= {"float64", *INTEGERS} else None

    def of_rows(self, rows: Sequence[Any]) -> Array | None:
        """Return the rows as an array, None when they need to be looked at one by one."""
        width = self.width
        for row in rows:
            if type(row) not in (list, tuple) or len(row) != width:
                return None
        kinds = set(map(type, rows[0] if len(rows) == 1 else chain.from_iterable(rows)))
        if not kinds <= self._kinds:
            return None
        if not rows:
            return np.empty((0, width), self.dtype)
        return self._integers(rows, kinds) if self.dtype.kind in "iu" else self._floats(rows, kinds)

    def _integers(self, rows: Sequence[Any], kinds: set[type]) -> Array | None:
        if kinds != {int}:
            return None
        low, high = INTEGERS[self.dtype.name]
        if min(map(min, rows)) < low or max(map(max, rows)) > high:
            return None
        return np.array(rows, self.dtype)

    def _floats(self, rows: Sequence[Any], kinds: set[type]) -> Array | None:
        single = self.dtype == np.float32
        if single and int in kinds:
            return None
        try:
            values = np.array(rows, np.float64)
        except OverflowError:
            return None
        return self._settled(values, single=single)

    def _settled(self, values: Array, *, single: bool) -> Array | None:
        """Return the array where its missing values, its whole numbers and its range are as they must be."""
        square = np.vdot(values, values)
        if square != square:  # noqa: PLR0124 - only NaN differs from itself, and one among the values makes their sum one
            missing = np.isnan(values)
            if self._demanding is not None and missing[:, self._demanding].any():
                return None
        if single:
            finite = values[np.isfinite(values)]
            if finite.size and np.abs(finite).max() > _LARGEST_SINGLE:
                return None
            return values.astype(np.float32)
        if self._whole:
            found = values[:, self._whole]
            if not ((found == np.floor(found)) & (found >= self._low) & (found <= self._high)).all():
                return None
        return values

    def of_array(self, values: Array) -> Array | None:
        """Return an array in the dtype; None where it holds missing values that must not be.

        Raises
        ------
        Mismatch
            Its dtype cannot be widened to this one.
        """
        if values.dtype.kind == "O":
            return None
        fitted = fit(values, self.dtype) if values.dtype != self.dtype else values
        if self._demanding is not None and self.dtype.kind == "f" and np.isnan(fitted[:, self._demanding]).any():
            return None
        return fitted

    def of_columns(self, columns: Sequence[list[Any]], rows: int) -> Array | None:
        """Return columns that were checked as an array; None when float64 cannot hold their integers."""
        if any(not self._kinds >= set(map(type, column)) for column in columns):
            return None
        if self.mixed and any(abs(v) > _EXACT for place in self._whole for v in columns[place]):
            return None
        values = np.empty((rows, self.width), self.dtype)
        try:
            for place, column in enumerate(columns):
                values[:, place] = column
        except OverflowError:
            return None
        return values
