"""Frames of the signature's exact dtypes out of tables, and the long way in for what only pandas can convert.

Imported when a model needs a frame; a server whose models are all compiled never does. About pandas.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from nbregistry.capture.containers import SERIES
from nbregistry.capture.conversion import Expected, convert
from nbregistry.capture.dtypes import rebuild_labels
from nbregistry.capture.enforcement import Contract
from nbregistry.capture.mismatch import Mismatch
from nbregistry.domain.signature import Column, Signature
from nbregistry.errors import BadRows, InvalidInput
from nbregistry.serving.intake.faults import MOST
from nbregistry.serving.intake.numeric import Numbers
from nbregistry.serving.table import Shape, Table

LONGEST = 3_500
"""Bytes of a refusal's message."""


class Frames:
    """What a signature's frames are made of, prepared once.

    Parameters
    ----------
    signature : Signature
        One whose container is a frame or a series.
    """

    def __init__(self, signature: Signature) -> None:
        self._contract = Contract(signature)
        self._series = signature.container == SERIES
        self.expected = [Expected.of(c) for c in signature.inputs]
        self.index = rebuild_labels([e.label for e in self.expected], (signature.extra or {}).get("columns"))
        dtypes = {str(e.dtype) for e in self.expected}
        self._alike = len(dtypes) == 1

    def build(self, table: Table) -> Any:
        """Return the rows in the signature's container and dtypes."""
        if self._series:
            expected = self.expected[0]
            values = table.values[:, 0] if table.shape is Shape.ARRAY else table.values[0]
            return pd.Series(_held(values, expected), name=expected.column.name or None)
        if table.shape is Shape.ARRAY and self._alike:
            return pd.DataFrame(table.values, columns=self.index)
        columns = table.values.T if table.shape is Shape.ARRAY else table.values
        held: dict[int, Any] = {
            place: _held(values, expected)
            for place, (values, expected) in enumerate(zip(columns, self.expected, strict=True))
        }
        frame = pd.DataFrame(held, index=pd.RangeIndex(table.rows))
        frame.columns = self.index
        return frame

    def of_frame(self, frame: Any, numbers: Numbers | None) -> Table:
        """Check a DataFrame or Series by the contract, and take it apart."""
        found = applied(self._contract, frame)
        rows = len(found)
        parts = [found] if self._series else [found.iloc[:, place] for place in range(found.shape[1])]
        columns = tuple(listed(part) for part in parts)
        if numbers is not None and (values := numbers.of_columns(columns, rows)) is not None:
            return Table(Shape.ARRAY, values, rows)
        return Table(Shape.COLUMNS, columns, rows)


def applied(contract: Contract, data: Any) -> Any:
    """Return what the contract makes of data; its refusal is of the rows, not of the request."""
    try:
        return contract.apply(data)
    except InvalidInput as fault:
        raise BadRows(str(fault).encode("utf-8", "replace")[:LONGEST].decode("utf-8", "ignore")) from None


def listed(values: Any) -> list[Any]:
    """Return a column as a list, None where a value is missing."""
    found: list[Any] = values.tolist()
    missing = values.isna().to_numpy()
    return [None if gone else v for v, gone in zip(found, missing, strict=True)] if missing.any() else found


def converted(values: list[Any], column: Column, fault: Callable[[int, str], None]) -> list[Any]:
    """Return values in the dtype of a column, as a list; what does not fit is told to ``fault``."""
    expected = Expected.of(column)
    try:
        return listed(convert(_objects(values), expected))
    except Mismatch as whole:
        bad = _bad_rows(values, expected)
        for row, came in bad:
            fault(row, came)
        if not bad:
            fault(-1, f"{whole.came}: {whole.advice}")
    return values


def _bad_rows(values: list[Any], expected: Expected) -> list[tuple[int, str]]:
    """Return the first rows that do not fit, found by halving, since one conversion costs as much as a thousand."""
    found: list[tuple[int, str]] = []
    parts = [(0, len(values))]
    while parts and len(found) < MOST:
        start, stop = parts.pop()
        try:
            convert(_objects(values[start:stop]), expected)
        except Mismatch as fault:
            if stop - start == 1:
                found.append((start, fault.came))
            else:
                middle = (start + stop) // 2
                parts += [(middle, stop), (start, middle)]
    return found


def _objects(values: Sequence[Any]) -> pd.Series[Any]:
    held = np.empty(len(values), dtype=object)
    held[:] = values
    return pd.Series(held, dtype=object)


def _held(values: Any, expected: Expected) -> Any:
    """Return a column's values as pandas holds its dtype."""
    dtype = expected.dtype
    if isinstance(values, np.ndarray):
        return values if dtype is None or not isinstance(dtype, np.dtype) else values.astype(dtype)
    if dtype is None:
        return pd.Series(values)
    if isinstance(dtype, np.dtype):
        if dtype.kind == "O":
            return _objects(values)
        if dtype.kind in "biuf":
            return np.array(values, dtype=dtype)
        return pd.Series(values, dtype=dtype)
    if isinstance(dtype, pd.CategoricalDtype) and dtype.categories is not None:
        places, _ = expected.places
        codes = [-1 if v is None else places[(bool, v) if isinstance(v, bool) else v] for v in values]
        return pd.Categorical.from_codes(codes, dtype=dtype)
    return pd.array(values, dtype=dtype)
