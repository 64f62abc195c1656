"""Numbers into the dtype a model was trained on, without losing one: the file about NumPy's casts.

Data that has a dtype of its own (an array, a typed column) may only be widened. Data that has none (a list, JSON) may
take any dtype that holds its values, since its writer had no way to say which.
"""

from __future__ import annotations

import math
import sys
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from nbregistry.capture.mismatch import Mismatch
from nbregistry.capture.values import text_of

Array = npt.NDArray[Any]


def fit(values: Array, target: np.dtype[Any], *, typed: bool = True) -> Array:
    """Return ``values`` (no missing ones among objects) in the dtype ``target``.

    Raises
    ------
    Mismatch
        They are of another kind, or would change.
    """
    if values.dtype == target:
        return values
    if values.dtype.kind == "O":
        values, typed = _settled(values), False
    source = values.dtype
    if source == target:
        return values
    if source.kind == "b" or target.kind == "b":
        fix = "send true and false" if target.kind == "b" else "convert with .astype(int) if 0 and 1 are meant"
        raise Mismatch("booleans" if source.kind == "b" else str(source), fix)
    if source.kind not in "iufc" or target.kind not in "iufc":
        if source.kind in "SU" and target.kind in "SU":
            return values.astype(source if source.itemsize > target.itemsize else target)
        raise Mismatch(str(source), f"send values of the type {target}")
    if np.can_cast(source, target, "safe"):
        return values.astype(target)
    if source.kind in "iu" and target.kind in "fc":
        return _exactly(values, target, f"send numbers that {target} holds exactly, or train on float64")
    if not typed and target.kind in "iu" and source.kind in "iuf":
        return _exactly(values, target, f"send whole numbers in the range of {target}")
    if not typed and target.kind in "fc" and source.kind in "f" + target.kind:
        return _narrowed(values, target)
    raise Mismatch(str(source), f"convert it with .astype('{target}') after making sure that nothing is lost")


def _settled(values: Array) -> Array:
    """Return objects that are all numbers, or all booleans, as an array of these."""
    flat = values.ravel().tolist()
    kinds = {type(v) for v in flat}
    numbers = {
        k for k in kinds if not issubclass(k, (bool, np.bool_)) and issubclass(k, (int, float, complex, np.number))
    }
    decimals = {k for k in kinds if issubclass(k, Decimal)}
    if strange := kinds - numbers - decimals:
        if all(issubclass(k, (bool, np.bool_)) for k in kinds):
            return values.astype(bool)
        row, value = next((i, v) for i, v in enumerate(flat) if type(v) in strange)
        row //= max(1, len(flat) // max(1, len(values)))
        what = "boolean" if isinstance(value, (bool, np.bool_)) else "text" if isinstance(value, str) else "the object"
        raise Mismatch(f"{what} {text_of(value, 40)!r} in row {row}", "send numbers")
    if not flat:
        return values.astype(np.float64)
    settled = np.asarray([float(v) for v in flat] if decimals else flat)
    if settled.dtype.kind == "O":
        raise Mismatch("an integer beyond 64 bits", "send smaller numbers, or floats")
    return settled.reshape(values.shape)


def _exactly(values: Array, target: np.dtype[Any], advice: str) -> Array:
    with np.errstate(all="ignore"):
        cast = values.astype(target)
        back = cast.real if target.kind == "c" else cast
        same = back.astype(values.dtype) == values
        # a float beyond the integers' range casts to anything, perhaps to what it came from
        floats, integers = (values, target) if values.dtype.kind == "f" else (back, values.dtype)
        edges = np.iinfo(integers)
        if floats.dtype.kind == "f":
            same &= (floats >= float(edges.min)) & (floats < float(edges.max) + 1)
        elif target.kind in "iu":
            edges = np.iinfo(target)
            same &= (values >= edges.min) & (values <= edges.max)
    if not same.all():
        first = tuple(np.argwhere(~same)[0])
        raise Mismatch(f"{values[first].item()!r} in row {first[0]}", advice)
    return cast


def _narrowed(values: Array, target: np.dtype[Any]) -> Array:
    with np.errstate(all="ignore"):
        cast = values.astype(target)
    lost = np.isfinite(values) & ~np.isfinite(cast)
    if lost.any():
        first = tuple(np.argwhere(lost)[0])
        raise Mismatch(f"{values[first].item()!r} in row {first[0]}", f"send numbers in the range of {target}")
    return cast


def missing_in(values: Array) -> npt.NDArray[np.bool_]:
    """Return where values are missing: None, NaN, NaT, ``pandas.NA``."""
    kind = values.dtype.kind
    if kind in "fc":
        return np.isnan(values)
    if kind in "mM":
        return np.isnat(values)
    if kind != "O":
        return np.zeros(values.shape, dtype=bool)
    if (pandas := sys.modules.get("pandas")) is not None:
        found: npt.NDArray[np.bool_] = pandas.isna(values)
        return found
    flat = [v is None or (isinstance(v, (float, np.floating)) and math.isnan(v)) for v in values.ravel().tolist()]
    return np.asarray(flat, dtype=bool).reshape(values.shape)


def rows_of(mask: npt.NDArray[np.bool_]) -> str:
    """Return the first rows where the mask holds, as text: ``rows 3, 7, 9 ...``."""
    rows = np.unique(np.nonzero(mask)[0])
    told = ", ".join(map(str, rows[:3].tolist()))
    return f"row{'s' if len(rows) > 1 else ''} {told}{' ...' if len(rows) > 3 else ''}"
