"""Rows as a notebook holds them, in the words of the native protocol; and its answers as a notebook wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from nbregistry.errors import InvalidInput
from nbregistry.types import Document

_NUMBERS = (int, float)


def question(
    X: Any, *, method: str = "predict", key: str | None = None, params: Mapping[str, Any] | None = None
) -> bytes:
    """Return the body of a request for predictions.

    Raises
    ------
    InvalidInput
        Rows of a kind that cannot be told in JSON.
    """
    asked: Document = dict(rows(X))
    if method != "predict":
        asked["method"] = method
    if key is not None:
        asked["key"] = key
    if params:
        asked["params"] = dict(params)
    try:
        return orjson.dumps(asked, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"These rows cannot be sent: {str(error)[:200]}.") from None


def rows(X: Any) -> Document:
    """Return rows as ``{"columns", "rows"}``, ``{"records"}`` or ``{"rows"}``; missing values become null.

    Raises
    ------
    InvalidInput
        Not a table, nor a list of rows or records.
    """
    if hasattr(X, "iloc"):
        return _of_pandas(X)
    if hasattr(X, "tocsr") and hasattr(X, "toarray"):
        X = X.toarray()
    if hasattr(X, "__dataframe__") and hasattr(X, "to_pandas"):
        return _of_pandas(X.to_pandas())
    if hasattr(X, "shape") and hasattr(X, "dtype"):
        return _of_array(X)
    if isinstance(X, Mapping):
        return {"records": [dict(X)]}
    if isinstance(X, Sequence) and not isinstance(X, str | bytes):
        found = list(X)
        return {"records" if found and isinstance(found[0], Mapping) else "rows": found}
    raise InvalidInput(
        f"Rows cannot be made of a {type(X).__name__}: pass a DataFrame, an ndarray, or a list of rows or of records."
    )


def _of_pandas(X: Any) -> Document:
    if not hasattr(X, "columns"):
        return {"rows": _column(X)}
    columns = [_column(X.iloc[:, at]) for at in range(X.shape[1])]
    names = [str(name) for name in X.columns]
    return {"columns": names, "rows": list(map(list, zip(*columns, strict=True))) if columns else []}


def _column(column: Any) -> list[Any]:
    """Return a column's values; what is missing, in whichever way pandas says it, is None."""
    return [None if missing else value for value, missing in zip(column.tolist(), column.isna().tolist(), strict=True)]


def _of_array(X: Any) -> Document:
    names = X.dtype.names
    if names:
        return {"columns": list(names), "rows": [list(row) for row in X.tolist()]}
    if X.ndim == 0:
        raise InvalidInput("A single number is no row: pass [[...]], one list for each row.")
    return {"rows": X.tolist()}


def _plain(value: Any) -> Any:
    """Return what JSON has instead of a value that it has not."""
    for name in ("isoformat", "tolist", "item"):
        if callable(told := getattr(value, name, None)):
            return told()
    raise TypeError(f"a {type(value).__name__} has no form in JSON")


def answered(found: Mapping[str, Any]) -> Any:
    """Return an answer's predictions: an ndarray of numbers, a DataFrame where columns are named, else the list."""
    values = found.get("predictions")
    columns = found.get("columns")
    if not isinstance(values, list):
        return values
    if columns:
        import pandas as pd

        if values and isinstance(values[0], Mapping):
            return pd.DataFrame.from_records(values, columns=list(columns))
        return pd.DataFrame(values, columns=list(columns))
    if values and _numeric(values):
        try:
            import numpy as np
        except ImportError:
            return values
        return np.asarray(values)
    return values


def _numeric(values: Sequence[Any]) -> bool:
    """Whether a list is a table or a column of numbers, without a gap."""
    if isinstance(values[0], list):
        width = len(values[0])
        return all(isinstance(v, list) and len(v) == width and bool(v) and _numeric(v) for v in values)
    return all(isinstance(v, _NUMBERS) and not isinstance(v, bool) for v in values)
