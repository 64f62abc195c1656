"""What a model takes and gives, read off the data it was trained on or off the fitted estimator itself.

``enforce(infer(data), data)`` is ``data``: what a model saw in training always fits it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbregistry.capture.boundary import attempt, plain
from nbregistry.capture.containers import ARRAY, FRAME, LIST, MAPPING, SERIES, SPARSE, as_pandas, kind_of
from nbregistry.capture.enforcement import Contract, enforce
from nbregistry.capture.values import encode_or_text, text_of
from nbregistry.domain.signature import Column, Signature

__all__ = ["Contract", "enforce", "from_estimator", "infer"]

MOST_LOOKED_AT = 50_000_000
"""Cells beyond which missing values are not looked for; every column then counts as one that may have some."""


def infer(data: Any, y: Any = None) -> Signature:
    """Return the signature of a model trained on ``data`` that gives values like ``y``.

    Parameters
    ----------
    data : DataFrame, Series, ndarray, scipy sparse matrix, list, dict or polars frame
        What is passed to ``predict``.
    y : optional
        The target or predictions.
    """
    kind = kind_of(data)
    columns, extra = _columns(data, kind)
    outputs = () if y is None else _columns(y, kind_of(y))[0]
    return Signature(columns, outputs, kind, "data", extra or None)


def _columns(data: Any, kind: str) -> tuple[tuple[Column, ...], dict[str, Any]]:
    if kind == FRAME:
        from nbregistry.capture.dtypes import describe_labels, frame_columns

        frame = as_pandas(data)
        columns = frame_columns(frame, look_for_missing=frame.size <= MOST_LOOKED_AT)
        return columns, {"columns": describe_labels(frame.columns)}
    if kind == SERIES:
        from nbregistry.capture.dtypes import column_of

        values = as_pandas(data)
        return (column_of(values, "" if values.name is None else values.name),), {}
    if kind == ARRAY:
        return (_tensor(data.dtype, data.shape, _may_miss(data)),), {}
    if kind == SPARSE:
        missing = _may_miss(data.data) if hasattr(data, "data") else True
        return (_tensor(data.dtype, data.shape, missing),), {"format": data.format}
    if kind == LIST:
        return (_listed(data),), {}
    if kind == MAPPING:
        return tuple(_keyed(k, v) for k, v in data.items()), {}
    shape = attempt("", lambda: tuple(map(int, data.shape)), None)
    return (() if shape is None else (_tensor(getattr(data, "dtype", "any"), shape, True),)), {}


def _tensor(dtype: Any, shape: tuple[int, ...], missing: bool) -> Column:
    return Column("", plain(text_of(dtype, 1_000)), missing, shape=(-1, *shape[1:]) if shape else ())


def _may_miss(values: Any) -> bool:
    import numpy as np

    from nbregistry.capture.numbers import missing_in

    if values.size > MOST_LOOKED_AT or getattr(values.dtype, "kind", "O") not in "biufcmMOSU":
        return True
    if values.dtype.kind in "fc":
        # one pass without a temporary: a sum is NaN if any term is, and seldom otherwise
        with np.errstate(all="ignore"):
            if not np.isnan(values.sum()):
                return False
    return bool(missing_in(values).any())


def _listed(data: Any) -> Column:
    """Describe a list: text and numbers are told apart, anything else is taken as it comes."""
    if data and all(type(v) is str or v is None for v in data):
        return Column("", "str", any(v is None for v in data), shape=(-1,))
    found = attempt("", lambda: _numbers(data), None) if data else None
    return found or Column("", "any", True)


def _numbers(data: Any) -> Column:
    from nbregistry.capture.arrays import numbers_in

    values, mask = numbers_in(data)
    return _tensor(values.dtype, values.shape, bool(mask.any()))


def _keyed(key: Any, values: Any) -> Column:
    """Describe one entry of a dictionary of arrays."""
    columns, _ = _columns(values, kind_of(values))
    if len(columns) != 1:
        columns = (Column("", "any", True),)
    column = columns[0]
    name = key if type(key) is str else text_of(key, 200)
    told, _ = encode_or_text(key)
    extra: Mapping[str, Any] = {**(column.extra or {}), **({} if told == name else {"label": told})}
    return Column(
        plain(name), column.dtype, column.nullable, column.categories, column.ordered, column.shape or (-1,),
        extra or None,
    )  # fmt: skip


def from_estimator(estimator: Any) -> Signature | None:
    """Return what a fitted estimator tells of its input, None when it tells nothing.

    Names are ``feature_names_in_``, the number of columns ``n_features_in_``; types are not known, so any fits.
    """
    names = attempt("", lambda: list(estimator.feature_names_in_), None)
    if names and all(isinstance(n, str) for n in names):
        columns = tuple(Column(plain(str(n)), "any", True) for n in names)
        return Signature(columns, (), FRAME, "estimator")
    count = attempt("", lambda: int(estimator.n_features_in_), None)
    if count is None or count < 0:
        return None
    return Signature((Column("", "any", True, shape=(-1, count)),), (), "unknown", "estimator")
