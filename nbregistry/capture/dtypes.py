"""pandas and NumPy dtypes as plain data, and back; columns and labels of a frame. The file about pandas' types."""

from __future__ import annotations

import base64
import functools
import importlib
import zoneinfo
from collections.abc import Hashable, Mapping
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbregistry.capture.boundary import plain
from nbregistry.capture.values import Unstorable, decode, decode_zone, encode_or_text, encode_zone, text_of
from nbregistry.domain.signature import Column
from nbregistry.types import Document

MOST_CATEGORIES = 10_000
"""Categorical columns with more categories are recorded without them: these are identifiers, not categories."""

_UNSAFE_ARROW = 14
"""Up to 14.0.0 a schema could name a pickle to load (CVE-2023-47248); the rest of 14 is not told apart."""


def describe(dtype: Any) -> tuple[str, Document]:
    """Return a dtype as text, with what its text does not say; categories are not included."""
    text = str(dtype)
    match dtype:
        case pd.StringDtype():
            return text, {"storage": dtype.storage, "na": "NA" if getattr(dtype, "na_value", pd.NA) is pd.NA else "nan"}
        case pd.DatetimeTZDtype():
            try:
                return text, {"unit": dtype.unit, "tz": encode_zone(dtype.tz)}
            except Unstorable:
                return text, {"unit": dtype.unit}
        case pd.IntervalDtype():
            subtype, extra = describe(dtype.subtype)
            return text, {"subtype": subtype, "subtype_extra": extra, "closed": dtype.closed}
        case pd.PeriodDtype():
            return text, {"freq": text.removeprefix("period[").removesuffix("]")}
        case pd.SparseDtype():
            subtype, extra = describe(dtype.subtype)
            return text, {"subtype": subtype, "subtype_extra": extra, "fill": encode_or_text(dtype.fill_value)[0]}
        case pd.ArrowDtype():
            return text, {"arrow": _arrow_described(dtype)}
    return text, {}


def _arrow_described(dtype: Any) -> str:
    pyarrow = importlib.import_module("pyarrow")
    return base64.b64encode(pyarrow.schema([("", dtype.pyarrow_dtype)]).serialize()).decode()


def _arrow_rebuilt(told: str) -> Any:
    pyarrow = importlib.import_module("pyarrow")
    if int(pyarrow.__version__.partition(".")[0]) <= _UNSAFE_ARROW:
        raise ImportError("this pyarrow unpickles what a schema tells it to")
    return pd.ArrowDtype(pyarrow.ipc.read_schema(pyarrow.py_buffer(base64.b64decode(told))).field(0).type)


def rebuild(text: str, extra: Mapping[str, Any] | None, *, column: Column | None = None) -> Any:
    """Return the dtype that ``describe`` described, or None where this process cannot build it.

    Parameters
    ----------
    column : Column, optional
        Where the categories are, for a categorical.
    """
    try:
        return _rebuild(text, extra or {}, column)
    except (TypeError, ValueError, KeyError, ImportError, zoneinfo.ZoneInfoNotFoundError):
        return None


def _rebuild(text: str, extra: Mapping[str, Any], column: Column | None) -> Any:
    if text == "category":
        return _categorical(column) if column is not None else None
    if "storage" in extra:
        missing = pd.NA if extra["na"] == "NA" else np.nan
        try:
            return pd.StringDtype(extra["storage"], na_value=missing)
        except TypeError:  # pandas before 2.3 knows only pd.NA
            return pd.StringDtype(extra["storage"])
    if "tz" in extra:
        return pd.DatetimeTZDtype(extra["unit"], decode_zone(extra["tz"]))
    if "closed" in extra:
        return pd.IntervalDtype(rebuild(extra["subtype"], extra["subtype_extra"]), extra["closed"])
    if "freq" in extra:
        return pd.PeriodDtype(extra["freq"])
    if "arrow" in extra:
        return _arrow_rebuilt(extra["arrow"])
    if "fill" in extra:
        return pd.SparseDtype(rebuild(extra["subtype"], extra["subtype_extra"]), decode(extra["fill"]))
    return _by_name(text)


@functools.lru_cache(maxsize=256)
def _by_name(text: str) -> Any:
    return pd.api.types.pandas_dtype(text)


def _categorical(column: Column) -> pd.CategoricalDtype | None:
    told = (column.extra or {}).get("categories")
    if column.categories is None or told is None or told.get("lossy"):
        return None
    dtype = rebuild(told["dtype"], told["extra"])
    if dtype is None:
        return None
    values = [decode(v) for v in told["values"]] if "values" in told else list(column.categories)
    index = pd.Index(values, dtype=dtype, tupleize_cols=False, name=decode(told.get("name")))
    return pd.CategoricalDtype(with_freq(index, told.get("freq")), ordered=column.ordered)


def column_of(values: pd.Series[Any] | pd.Index[Any], label: Hashable, *, missing: bool | None = None) -> Column:
    """Describe one column.

    Parameters
    ----------
    missing : bool, optional
        Whether a value is missing, where the caller knows.
    """
    dtype = values.dtype
    text, extra = describe(dtype)
    if missing is None:
        missing = bool(np.asarray(values.isna()).any())
    categories: tuple[Any, ...] | None = None
    if isinstance(dtype, pd.CategoricalDtype):
        categories, extra = _categories(dtype)
    elif dtype.kind == "O" and isinstance(dtype, np.dtype) and (held := held_by(values)):
        extra = {"holds": held}
    name, told = _label(label)
    extra = {**extra, **told}
    ordered = bool(getattr(dtype, "ordered", False))
    return Column(name, text, missing or made_for_missing(dtype), categories, ordered, extra=extra or None)


def _label(label: Hashable) -> tuple[str, Document]:
    """Return a label as text, and what else is needed to have the label itself again."""
    if type(label) is str and label.isascii():
        return label, {}
    name = plain(label if type(label) is str else text_of(label, 200))
    told, _ = encode_or_text(label)
    return name, {} if told == name else {"label": told}


def freq_of(index: pd.Index[Any]) -> str | None:
    """Return the frequency of an index of moments or durations, which its values do not tell."""
    found: str | None = None if isinstance(index, pd.PeriodIndex) else getattr(index, "freqstr", None)
    return found


def with_freq(index: pd.Index[Any], freq: str | None) -> pd.Index[Any]:
    """Return the index with the frequency it had."""
    if freq is not None:
        cast(Any, index).freq = freq
    return index


def made_for_missing(dtype: Any) -> bool:
    """Whether the dtype was made to hold missing values, as ``Int64``, ``boolean`` and ``string`` were."""
    return getattr(dtype, "na_value", None) is pd.NA


def held_by(values: pd.Series[Any] | pd.Index[Any]) -> str:
    """Return what an object column holds (``string``, ``decimal``, ``date`` ...), empty when it is mixed or empty."""
    found = pd.api.types.infer_dtype(values, skipna=True)
    return "" if found in ("empty", "mixed") else found


def _categories(dtype: pd.CategoricalDtype) -> tuple[tuple[Any, ...] | None, Document]:
    index = dtype.categories
    if index is None:
        return None, {}
    if len(index) > MOST_CATEGORIES:
        return None, {"categories_omitted": len(index)}
    text, extra = describe(index.dtype)
    told: Document = {"dtype": text, "extra": extra}
    if (freq := freq_of(index)) is not None:
        told["freq"] = freq
    if index.name is not None:
        told["name"] = encode_or_text(index.name)[0]
    values = index.tolist()
    encoded = [encode_or_text(v) for v in values]
    if all(whole and v is form for v, (form, whole) in zip(values, encoded, strict=True)):
        return tuple(values), {"categories": told}
    if not all(whole for _, whole in encoded):
        told["lossy"] = True
    told["values"] = [form for form, _ in encoded]
    return tuple(text_of(v, 200) for v in values), {"categories": told}


def frame_columns(frame: pd.DataFrame, *, look_for_missing: bool = True) -> tuple[Column, ...]:
    """Describe every column of a frame, by position, so that repeated labels are no problem."""
    labels, dtypes = frame.columns.tolist(), frame.dtypes.tolist()
    missing = missing_columns(frame).tolist() if look_for_missing else [True] * len(labels)
    texts: dict[int, str] = {}
    found = []
    for position, (label, dtype) in enumerate(zip(labels, dtypes, strict=True)):
        if isinstance(dtype, np.dtype) and dtype.kind != "O":
            # the common case, many times the same dtype: nothing to ask of pandas
            text = texts.get(id(dtype)) or texts.setdefault(id(dtype), str(dtype))
            name, extra = _label(label)
            found.append(Column(name, text, missing[position], extra=extra or None))
        else:
            found.append(column_of(frame.iloc[:, position], label, missing=missing[position]))
    return tuple(found)


def missing_columns(frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return for each column whether it misses a value."""
    if any(isinstance(dtype, pd.SparseDtype) for dtype in frame.dtypes):
        # pandas warns when it must bring sparse columns together
        found = [bool(np.asarray(frame.iloc[:, i].isna()).any()) for i in range(frame.shape[1])]
        return np.array(found, dtype=bool)
    return np.asarray(frame.isna().to_numpy().any(axis=0), dtype=bool)


def describe_labels(columns: pd.Index[Any]) -> Document:
    """Return what is needed to rebuild a column index besides its labels: names, levels and dtype."""
    names = [encode_or_text(n)[0] for n in columns.names]
    if isinstance(columns, pd.MultiIndex):
        return {"levels": columns.nlevels, "names": names}
    text, extra = describe(columns.dtype)
    found: Document = {"dtype": text}
    if isinstance(columns.dtype, pd.CategoricalDtype):
        found["column"] = column_of(columns, "").as_document()
    if extra:
        found["extra"] = extra
    if names != [None]:
        found["names"] = names
    if isinstance(columns, pd.RangeIndex):
        found["range"] = [columns.start, columns.stop, columns.step]
    return found


def label_of(column: Column) -> Any:
    """Return the label itself; its text where the label could not be stored."""
    told = (column.extra or {}).get("label")
    return column.name if told is None and "label" not in (column.extra or {}) else decode(told)


def rebuild_labels(labels: list[Any], told: Mapping[str, Any] | None) -> pd.Index[Any]:
    """Return the column index with these labels that ``describe_labels`` described; a plain one where it cannot."""
    told = told or {}
    names = [decode(n) for n in told.get("names", ())]
    if "levels" in told:
        if labels:
            return pd.MultiIndex.from_tuples(labels, names=names)
        return pd.MultiIndex(levels=[[]] * told["levels"], codes=[[]] * told["levels"], names=names)
    if "range" in told and list(range(*told["range"])) == labels:
        start, stop, step = told["range"]
        return pd.RangeIndex(start, stop, step, name=names[0] if names else None)
    of = Column.from_document(told["column"]) if "column" in told else None
    dtype = rebuild(told["dtype"], told.get("extra"), column=of) if "dtype" in told else None
    name: Any = names[0] if names else None
    try:
        found: pd.Index[Any] = pd.Index(labels, dtype=dtype, name=name, tupleize_cols=False)
    except (TypeError, ValueError):
        found = pd.Index(labels, dtype=object, name=name, tupleize_cols=False)
    return found
