"""What kind of thing holds the data, told without importing the library it comes from.

A value can only be a DataFrame when pandas is loaded, so ``sys.modules`` answers, and a kernel that never touched
pandas does not pay for it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from nbregistry.errors import InvalidInput

FRAME, SERIES, ARRAY, SPARSE, LIST, MAPPING, UNKNOWN = "frame", "series", "array", "sparse", "list", "dict", "unknown"


def kind_of(data: Any) -> str:
    """Return ``frame``, ``series``, ``array``, ``sparse``, ``list``, ``dict`` or ``unknown``.

    A polars frame or series counts as the pandas one; a pandas Index counts as a series.
    """
    if (np := sys.modules.get("numpy")) is not None and isinstance(data, np.ndarray):
        return ARRAY
    if (pd := sys.modules.get("pandas")) is not None:
        if isinstance(data, pd.DataFrame):
            return FRAME
        if isinstance(data, (pd.Series, pd.Index, pd.api.extensions.ExtensionArray)):
            return SERIES
    if (polars := _polars_kind(data)) is not None:
        return polars
    if (sparse := sys.modules.get("scipy.sparse")) is not None and sparse.issparse(data):
        return SPARSE
    if isinstance(data, (list, tuple)):
        return LIST
    return MAPPING if isinstance(data, Mapping) else UNKNOWN


def _polars_kind(data: Any) -> str | None:
    if (polars := sys.modules.get("polars")) is None:
        return None
    if isinstance(data, polars.DataFrame):
        return FRAME
    return SERIES if isinstance(data, polars.Series) else None


def as_pandas(data: Any) -> Any:
    """Return a frame or series as the pandas one, the same object where it is one already.

    Raises
    ------
    InvalidInput
        A polars frame, and pandas is not installed.
    """
    pd = sys.modules.get("pandas")
    if pd is not None:
        if isinstance(data, (pd.DataFrame, pd.Series)):
            return data
        if isinstance(data, (pd.Index, pd.api.extensions.ExtensionArray)):
            return pd.Series(data)
    try:
        return data.to_pandas()
    except ImportError:
        # polars converts through pyarrow, which need not be there; plain lists lose nothing but the exact width
        pass
    try:
        import pandas
    except ImportError:
        raise InvalidInput(
            f"A {type(data).__module__}.{type(data).__name__} needs pandas to be looked at: pip install pandas,"
            " or pass a NumPy array."
        ) from None
    if hasattr(data, "to_dict"):
        return pandas.DataFrame(data.to_dict(as_series=False))
    return pandas.Series(data.to_list(), name=data.name)


def row_count(data: Any) -> int | None:
    """Return the number of rows, None where there is no telling."""
    shape = getattr(data, "shape", None)
    if isinstance(shape, tuple) and shape and isinstance(shape[0], int):
        return shape[0]
    if isinstance(data, Mapping):
        counts = {row_count(v) for v in data.values()}
        return counts.pop() if len(counts) == 1 else None
    if isinstance(data, (str, bytes)):
        return None
    try:
        return len(data)
    except TypeError:
        return None


def first_rows(data: Any, rows: int) -> Any:
    """Return the first rows in the same container, as a copy that does not keep the whole alive.

    Raises
    ------
    InvalidInput
        Not a container whose rows can be taken.
    """
    kind = kind_of(data)
    if kind in (FRAME, SERIES):
        return as_pandas(data[:rows] if _polars_kind(data) else data).head(rows).copy()
    if kind in (ARRAY, SPARSE):
        # of the sparse formats only these can be sliced by rows
        sliceable = kind == ARRAY or data.format in ("csr", "csc", "lil", "dok")
        return data[:rows].copy() if sliceable else data.tocsr()[:rows].asformat(data.format)
    if kind == LIST:
        return data[:rows]
    if kind == MAPPING:
        return {k: first_rows(v, rows) for k, v in data.items()}
    raise InvalidInput(
        f"No example can be taken from a {type(data).__name__}: pass a DataFrame, an array, a sparse matrix or a list."
    )
