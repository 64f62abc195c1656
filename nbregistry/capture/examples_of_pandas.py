"""Frames, series and their indexes as plain JSON and back, exactly: values, dtypes, names, index. About pandas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nbregistry.capture.dtypes import column_of, frame_columns, freq_of, rebuild, with_freq
from nbregistry.capture.values import decode, encode_or_text
from nbregistry.domain.signature import Column, Signature
from nbregistry.types import Document


def encode_frame(frame: pd.DataFrame, signature: Signature | None) -> Document:
    """Return a frame as plain data."""
    columns = frame_columns(frame) if signature is None else signature.inputs
    if [c.dtype for c in columns] != [str(dtype) for dtype in frame.dtypes]:
        columns = frame_columns(frame)
    found: Document = {
        "container": "frame",
        "rows": len(frame),
        "columns": [c.as_document() for c in columns],
        "labels": _encode_index(frame.columns),
        "index": _encode_index(frame.index),
    }
    values = [_encode_values(series, column) for (_, series), column in zip(frame.items(), columns, strict=True)]
    found["data"] = [forms for forms, _ in values]
    if not all(whole for _, whole in values):
        found["lossy"] = True
    return found


def encode_series(series: pd.Series[Any]) -> Document:
    """Return a series as plain data."""
    column = column_of(series, series.name)
    data, whole = _encode_values(series, column)
    found: Document = {
        "container": "series",
        "columns": [column.as_document()],
        "name": encode_or_text(series.name)[0],
        "index": _encode_index(series.index),
        "data": [data],
    }
    return found if whole else {**found, "lossy": True}


def _encode_values(values: pd.Series[Any] | pd.Index[Any], column: Column) -> tuple[list[Any], bool]:
    """Return the values, and whether all of them and their dtype can be had again."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype) and column.categories is not None and rebuild_of(column) is not None:
        codes = values.cat.codes if isinstance(values, pd.Series) else pd.CategoricalIndex(values).codes
        return codes.tolist(), True
    pairs = [encode_or_text(value) for value in _listed(values)]
    return [form for form, _ in pairs], all(whole for _, whole in pairs) and rebuild_of(column) is not None


def _listed(values: Any) -> list[Any]:
    """Return values one by one, as wide as they are: ``tolist`` would narrow what Python has no type for."""
    dtype = values.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "fc" and dtype.itemsize > np.dtype(complex).itemsize // 2:
        return list(values.to_numpy())
    return list(values.tolist())


def rebuild_of(column: Column) -> Any:
    """Return a column's dtype, None where it cannot be rebuilt."""
    return rebuild(column.dtype, column.extra, column=column)


def _encode_index(index: pd.Index[Any]) -> Document:
    names = [encode_or_text(name)[0] for name in index.names]
    if isinstance(index, pd.RangeIndex):
        return {"range": [index.start, index.stop, index.step], "names": names}
    if isinstance(index, pd.MultiIndex):
        return {"levels": [_encode_index(index.get_level_values(i)) for i in range(index.nlevels)], "names": names}
    column = column_of(index, "")
    found: Document = {"column": column.as_document(), "names": names, "data": _encode_values(index, column)[0]}
    if (freq := freq_of(index)) is not None:
        found["freq"] = freq
    return found


def decode_frame(found: Mapping[str, Any]) -> pd.DataFrame:
    """Rebuild what ``encode_frame`` wrote."""
    index = _decode_index(found["index"])
    columns = [Column.from_document(c) for c in found["columns"]]
    held = {
        place: _series(_decode_values(values, column), index)
        for place, (values, column) in enumerate(zip(found["data"], columns, strict=True))
    }
    frame = pd.DataFrame(held, index=index)
    frame.columns = _decode_index(found["labels"])
    return frame


def decode_series(found: Mapping[str, Any]) -> pd.Series[Any]:
    """Rebuild what ``encode_series`` wrote."""
    values = _decode_values(found["data"][0], Column.from_document(found["columns"][0]))
    series = _series(values, _decode_index(found["index"]))
    series.name = decode(found["name"])
    return series


def _series(values: Any, index: pd.Index[Any]) -> pd.Series[Any]:
    # the dtype is said, or pandas would make text of objects that happen to be text
    series: pd.Series[Any] = pd.Series(values, index=index, dtype=values.dtype)
    return series


def _decode_values(forms: list[Any], column: Column) -> Any:
    """Return an array of the column's dtype; objects where this environment does not have it."""
    dtype = rebuild_of(column)
    if isinstance(dtype, pd.CategoricalDtype) and all(isinstance(form, int) for form in forms):
        return pd.Categorical.from_codes(forms, dtype=dtype)
    values = [decode(form) for form in forms]
    if dtype is None or dtype == object:  # noqa: E721 - a dtype is compared with what stands for it
        whole = np.empty(len(values), dtype=object)
        whole[:] = values
        return whole
    if isinstance(dtype, pd.IntervalDtype):
        return pd.arrays.IntervalArray(values, dtype=dtype)
    if isinstance(dtype, np.dtype) and dtype.kind in "mM":
        return pd.array(values, dtype=dtype)
    return np.array(values, dtype=dtype) if isinstance(dtype, np.dtype) else pd.array(values, dtype=dtype)


def _decode_index(found: Mapping[str, Any]) -> pd.Index[Any]:
    names = [decode(name) for name in found["names"]]
    name: Any = names[0] if names else None
    if "range" in found:
        start, stop, step = found["range"]
        return pd.RangeIndex(start, stop, step, name=name)
    if "levels" in found:
        return pd.MultiIndex.from_arrays([_decode_index(level) for level in found["levels"]], names=names)
    values = _decode_values(found["data"], Column.from_document(found["column"]))
    index: pd.Index[Any] = pd.Index(values, name=name, tupleize_cols=False, dtype=getattr(values, "dtype", None))
    return with_freq(index, found.get("freq"))
