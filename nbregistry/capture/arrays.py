"""Arrays, sparse matrices and lists against one column with a shape. The file about NumPy containers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from nbregistry.capture.containers import ARRAY, FRAME, LIST, SERIES, SPARSE, as_pandas, kind_of
from nbregistry.capture.mismatch import Mismatch
from nbregistry.capture.numbers import fit, missing_in, rows_of
from nbregistry.domain.signature import Column

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


def numbers_in(data: Sequence[Any]) -> tuple[Array, Mask]:
    """Return a list of numbers (or of lists of numbers) as an array, and where values are missing.

    Raises
    ------
    ValueError
        Ragged, or not numbers.
    """
    values = np.array(data, dtype=object)
    mask = missing_in(values)
    if not mask.any():
        return fit_any(values), mask
    whole = np.full(values.shape, np.nan)
    whole[~mask] = fit(values[~mask], whole.dtype)
    return whole, mask


def fit_any(values: Array) -> Array:
    """Return objects that are all numbers in the narrowest of bool, int64, uint64, float64 and complex128."""
    for name in ("bool", "int64", "uint64", "float64", "complex128"):
        try:
            return fit(values, np.dtype(name))
        except Mismatch:
            continue
    raise Mismatch("objects that are no numbers", "send numbers")


def to_array(data: Any, column: Column) -> Any:
    """Return data as the array a column describes; the same object when nothing has to change.

    Raises
    ------
    Mismatch
        The shape or the values do not fit.
    """
    values = _arrayed(data)
    wanted = column.shape
    if wanted is not None and values.shape == (0,):
        values = values.reshape((0, *wanted[1:]))
    _compare(values.shape, column)
    if column.dtype == "any":
        return values
    mask = missing_in(values)
    if mask.any() and not column.nullable:
        count = int(mask.sum())
        raise Mismatch(
            f"{count} missing value{'s' if count > 1 else ''} ({rows_of(mask)})",
            "fill or drop them: none was seen in training",
        )
    if str(values.dtype) == column.dtype:
        return values
    try:
        target = np.dtype(column.dtype)
    except TypeError:
        raise Mismatch(str(values.dtype), f"send {column.dtype}; this environment cannot convert to it") from None
    return _in_dtype(values, target, mask)


def _in_dtype(values: Array, target: np.dtype[Any], mask: Mask) -> Array:
    if target.kind == "O":
        return values.astype(object)
    if values.dtype.kind == "O" and target.kind in "SU":
        kind = str if target.kind == "U" else bytes
        if not all(isinstance(v, kind) for v in values.ravel().tolist()):
            raise Mismatch("objects that are not all text", "send text only")
        return np.array(values.tolist(), dtype=target.kind)
    if values.dtype.kind == "O" and mask.any():
        if target.kind not in "fc":
            raise Mismatch(f"missing values ({rows_of(mask)})", f"fill them: {target} cannot hold any")
        whole = np.full(values.shape, np.nan, dtype=target)
        whole[~mask] = fit(values[~mask], target)
        return whole
    return fit(values, target)


def check_shape(data: Any, column: Column) -> None:
    """Raise Mismatch unless data has the shape a column describes; its values are not looked at."""
    shape = getattr(data, "shape", None)
    _compare(tuple(shape) if shape is not None else _arrayed(data).shape, column)


def _arrayed(data: Any) -> Array:
    kind = kind_of(data)
    if kind == ARRAY:
        return data  # type: ignore[no-any-return]  # kind_of has just said that it is one
    if kind in (FRAME, SERIES):
        return as_pandas(data).to_numpy()  # type: ignore[no-any-return]  # pandas is not imported here, so not typed
    if kind == SPARSE:
        return data.toarray()  # type: ignore[no-any-return]  # scipy ships no types
    if kind == LIST:
        return _of_list(data)
    raise Mismatch(f"a {type(data).__name__}", "send an array, a list of rows or a DataFrame")


def _of_list(data: Sequence[Any]) -> Array:
    if any(kind_of(row) == ARRAY for row in data):
        try:
            return np.stack([np.asarray(row) for row in data])
        except ValueError as fault:
            raise Mismatch(f"rows of different shapes ({fault})", "send rows of the same length") from None
    lengths = {len(row) if isinstance(row, (list, tuple)) else -1 for row in data}
    if len(lengths) > 1:
        told = ", ".join("a single value" if n < 0 else str(n) for n in sorted(lengths)[:5])
        raise Mismatch(f"rows of different lengths ({told})", "send rows of the same length")
    return np.array(data, dtype=object)


def _compare(shape: tuple[int, ...], column: Column) -> None:
    if column.shape is None:
        return
    wanted = column.shape
    if len(shape) == len(wanted) and all(w in (-1, s) for s, w in zip(shape, wanted, strict=True)):
        return
    told = " x ".join("rows" if w == -1 else str(w) for w in wanted) or "a single value"
    advice = f"send an array of {told}"
    if len(shape) == len(wanted) - 1 and shape == wanted[1:]:
        advice = "send a list of rows: one row too needs the outer brackets, as in array.reshape(1, -1)"
    raise Mismatch(f"the shape {' x '.join(map(str, shape)) or '()'}", advice)


def to_sparse(data: Any, column: Column, form: str) -> Any:
    """Return data as a sparse matrix of the column's width and dtype; the same object when nothing has to change."""
    if kind_of(data) != SPARSE:
        from scipy.sparse import csr_matrix

        return csr_matrix(to_array(data, column)).asformat(form)
    _compare(data.shape, column)
    if column.dtype == "any":
        return data
    if not column.nullable and missing_in(np.asarray(data.tocoo().data)).any():
        raise Mismatch("missing values", "fill or drop them: none was seen in training")
    if str(data.dtype) != column.dtype:
        target = np.dtype(column.dtype)
        fit(np.asarray(data.tocoo().data), target)
        data = data.astype(target)
    return data


def to_list(data: Any) -> list[Any]:
    """Return the values of an array, a series or a frame as a list."""
    return list(_arrayed(data).tolist())
