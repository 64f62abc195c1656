"""Whether two answers of a model are the same answer, whatever container they come in."""

from __future__ import annotations

import math
import sys
from typing import Any

from nbregistry.flavors.boundary import foreign


def same(first: Any, second: Any, *, tolerance: float = 0.0) -> bool:
    """Compare arrays, frames, sparse matrices, tensors, plain values, and lists, tuples and mappings of them.

    Missing equals missing. Kinds of numbers must agree (integers stay integers), their width need not.

    Parameters
    ----------
    tolerance : float
        Allowed difference of floating-point numbers, relative and absolute; 0 means equal.
    """
    with foreign("Comparing two answers"):
        return _same(first, second, tolerance)


def _same(first: Any, second: Any, tolerance: float) -> bool:
    first, second = _plain(first), _plain(second)
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_same(v, second[k], tolerance) for k, v in first.items())
    if isinstance(first, list | tuple) and type(first) is type(second):
        pairs = zip(first, second, strict=False)
        return len(first) == len(second) and all(_same(a, b, tolerance) for a, b in pairs)
    if _container(first) != _container(second):
        return False
    if hasattr(first, "columns"):
        return _same_frames(first, second, tolerance)
    if hasattr(first, "index") and hasattr(first, "dtype"):
        return _same_series(first, second, tolerance)
    if hasattr(first, "shape"):
        return _same_arrays(first, second, tolerance)
    return _same_values(first, second, tolerance)


def _container(value: Any) -> object:
    """Tell containers apart: an array is never the same as a list or a number."""
    return type(value) if isinstance(value, dict | list | tuple) or hasattr(value, "index") else hasattr(value, "shape")


def _plain(value: Any) -> Any:
    """Bring sparse matrices and tensors into something that compares."""
    if callable(getattr(value, "detach", None)):
        return value.detach().cpu().numpy()
    if callable(getattr(value, "tocsr", None)):
        rows = value.tocsr(copy=True)
        rows.sum_duplicates()
        return (rows.shape, rows.indptr, rows.indices, rows.data)
    if getattr(value, "shape", None) == () and callable(getattr(value, "item", None)):
        return value.item()
    return value


def _same_frames(first: Any, second: Any, tolerance: float) -> bool:
    if type(first) is not type(second) or list(first.columns) != list(second.columns) or len(first) != len(second):
        return False
    return all(_same_series(first.iloc[:, i], second.iloc[:, i], tolerance) for i in range(len(first.columns)))


def _same_series(first: Any, second: Any, tolerance: float) -> bool:
    if type(first) is not type(second) or not first.index.equals(second.index) or first.dtype != second.dtype:
        return False
    if first.equals(second):
        return True
    return bool(tolerance) and _same_arrays(first.to_numpy(), second.to_numpy(), tolerance)


def _same_arrays(first: Any, second: Any, tolerance: float) -> bool:
    numpy = sys.modules["numpy"]  # whoever made an array has loaded it
    first, second = numpy.asarray(first), numpy.asarray(second)
    if first.shape != second.shape or first.dtype.kind != second.dtype.kind:
        return False
    if first.dtype.kind == "O":
        return all(_same(a, b, tolerance) for a, b in zip(first.ravel(), second.ravel(), strict=True))
    if first.dtype.names:
        return all(_same_arrays(first[name], second[name], tolerance) for name in first.dtype.names)
    if first.dtype.kind in "fc":
        if tolerance:
            return bool(numpy.allclose(first, second, rtol=tolerance, atol=tolerance, equal_nan=True))
        return bool(numpy.array_equal(first, second, equal_nan=True))
    if first.dtype.kind in "mM":
        missing = numpy.isnat(first)
        return bool((missing == numpy.isnat(second)).all() and (first[~missing] == second[~missing]).all())
    return bool(numpy.array_equal(first, second))


def _same_values(first: Any, second: Any, tolerance: float) -> bool:
    if isinstance(first, float) and isinstance(second, float):
        if math.isnan(first) or math.isnan(second):
            return math.isnan(first) and math.isnan(second)
        return first == second or abs(first - second) <= tolerance * (1 + abs(second))
    if type(first) is not type(second):
        return False
    kind: Any = type(first)
    if kind.__eq__ is object.__eq__:  # by identity only, which no model that was loaded again could give
        return _same(getattr(first, "__dict__", {}), getattr(second, "__dict__", {}), tolerance)
    return bool(first == second)
