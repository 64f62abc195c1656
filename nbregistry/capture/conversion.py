"""One column of incoming data into the dtype a model was trained on: safe or refused, never guessed. About pandas."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from nbregistry.capture.dtypes import held_by, label_of, rebuild
from nbregistry.capture.mismatch import Mismatch
from nbregistry.capture.numbers import fit, rows_of
from nbregistry.capture.values import text_of
from nbregistry.domain.signature import Column

_OFFSET = re.compile(r"[T ]\d\d[\d:.,]*\s?(?:Z|[+-]\d\d:?(?:\d\d)?)\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Expected:
    """One column of a signature, ready to be compared with data.

    Attributes
    ----------
    label : object
        The column label itself.
    dtype : object
        The dtype; None where this process cannot build it or the signature does not say.
    holds : str
        What an object column held.
    """

    column: Column
    label: Any
    dtype: Any
    holds: str

    @classmethod
    def of(cls, column: Column) -> Expected:
        """Prepare a column."""
        dtype = None if column.dtype == "any" else rebuild(column.dtype, column.extra, column=column)
        return cls(column, label_of(column), dtype, (column.extra or {}).get("holds", ""))

    @property
    def lost_label(self) -> bool:
        """Whether only the text of the label could be stored."""
        told = (self.column.extra or {}).get("label")
        return isinstance(told, dict) and "$text" in told

    @functools.cached_property
    def places(self) -> tuple[dict[Any, int], dict[str, int]]:
        """Where each category stands, by value and (for JSON, which writes an interval or a date so) by text."""
        known = self.dtype.categories.tolist()
        texts = {text_of(c, 200): i for i, c in enumerate(known) if not isinstance(c, (str, bool))}
        return {_key(c): i for i, c in enumerate(known)}, texts

    def said(self) -> str:
        """Return what is expected, for people."""
        text = f"text ({self.column.dtype})" if self.holds == "string" or _is_text(self.dtype) else self.column.dtype
        if self.column.categories is not None and len(self.column.categories) <= 8:
            text += f" of {', '.join(text_of(c, 24) for c in self.column.categories)}"
        return text + (", may be missing" if self.column.nullable else "")


def convert(values: pd.Series[Any], expected: Expected) -> pd.Series[Any]:
    """Return the column as expected; the same object when nothing has to change.

    Raises
    ------
    Mismatch
        It does not fit; says what came and what to do.
    """
    if expected.column.dtype == "any":
        return values
    _refuse_missing(values, expected)
    if same_dtype(values.dtype, expected):
        if expected.holds:
            _check_held(values, expected)
        return values
    if expected.dtype is None:
        raise Mismatch(str(values.dtype), f"send {expected.column.dtype}; this environment cannot convert to it")
    if isinstance(values.dtype, pd.SparseDtype):
        dense: pd.Series[Any] = cast(Any, values).sparse.to_dense()
        values = dense
    try:
        return _converter(expected.dtype)(values, expected)
    except (TypeError, ValueError, OverflowError, ArithmeticError) as fault:
        if isinstance(fault, Mismatch):
            raise
        said = " ".join(str(fault).split())
        raise Mismatch(f"{_came(values)} ({text_of(said, 120)})", "send values of the expected type") from fault


def same_dtype(dtype: Any, expected: Expected) -> bool:
    """Whether a dtype is the expected one, exactly."""
    if expected.dtype is None:
        return str(dtype) == expected.column.dtype
    if isinstance(dtype, pd.CategoricalDtype) and isinstance(expected.dtype, pd.CategoricalDtype):
        # equality of unordered categories ignores their order, but models that take the codes do not
        if expected.dtype.categories is None or dtype.ordered != expected.dtype.ordered:
            return False
        return bool(dtype == expected.dtype) and dtype.categories.equals(expected.dtype.categories)
    return bool(dtype == expected.dtype)


def _refuse_missing(values: pd.Series[Any], expected: Expected) -> None:
    if expected.column.nullable:
        return
    mask = values.isna().to_numpy()
    if mask.any():
        count = int(mask.sum())
        raise Mismatch(
            f"{count} missing value{'s' if count > 1 else ''} ({rows_of(mask)})",
            "fill or drop them: none was seen in training",
        )


def _came(values: pd.Series[Any]) -> str:
    held = held_by(values) if values.dtype == object else ""
    return {"string": "text"}.get(held, held) or ("text" if _is_text(values.dtype) else str(values.dtype))


def _is_text(dtype: Any) -> bool:
    return isinstance(dtype, pd.StringDtype) or str(dtype) in ("string[pyarrow]", "large_string[pyarrow]")


def _check_held(values: pd.Series[Any], expected: Expected) -> None:
    if expected.holds == "string" and not _holds_text(values):
        raise Mismatch(_came(values), "send text, for instance with .astype(str)")


def _holds_text(values: pd.Series[Any]) -> bool:
    if _is_text(values.dtype) or (values.dtype == object and held_by(values) == "string"):
        return True
    return bool(values.isna().all())


def _converter(dtype: Any) -> Callable[[pd.Series[Any], Expected], pd.Series[Any]]:
    match dtype:
        case pd.SparseDtype():
            return _sparse
        case pd.CategoricalDtype():
            return _category
        case pd.DatetimeTZDtype():
            return _moments
        case pd.PeriodDtype() | pd.IntervalDtype():
            return _objects
    if _is_text(dtype):
        return _text
    kind = getattr(dtype, "kind", "")
    if isinstance(dtype, pd.ArrowDtype) and kind not in "biuf":
        return _arrow
    if kind == "M":
        return _moments
    if kind == "m":
        return _durations
    if kind in "biufc" and kind:
        return _numbers
    return _anything if kind == "O" else _refused


def _arrow(values: pd.Series[Any], expected: Expected) -> pd.Series[Any]:
    if values.dtype != object and getattr(values.dtype, "kind", "O") != expected.dtype.kind:
        raise Mismatch(_came(values), f"convert it with .astype('{expected.column.dtype}')")
    return pd.Series(pd.array(values.tolist(), dtype=expected.dtype), index=values.index, name=values.name)


def _refused(values: pd.Series[Any], expected: Expected) -> pd.Series[Any]:
    raise Mismatch(_came(values), f"convert it with .astype('{expected.column.dtype}')")


def _anything(values: pd.Series[Any], expected: Expected) -> pd.Series[Any]:
    _check_held(values, expected)
    return values.astype(object)


def _text(values: pd.Series[Any], expected: Expected) -> pd.Series[Any]:
    source = values.dtype
    if isinstance(source, pd.CategoricalDtype):
        values = values.astype(source.categories.dtype)
    if not _holds_text(values):
        raise Mismatch(_came(values), "send text, for instance with .astype(str)")
    return values.astype(expected.dtype)


def _numbers(values: pd.Series[Any], expected: Expected) -> pd.Series[Any]:
    dtype = expected.dtype
    target: np.dtype[Any] = getattr(dtype, "numpy_dtype", dtype)
    if _is_text(values.dtype) and not values.isna().all():
        raise Mismatch(
            f"text {text_of(values.dropna().iloc[0], 40)!r}", "send numbers, for instance with .astype(float)"
        )
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.dtype.categories.dtype)
    mask = values.isna().to_numpy()
    present = values[~mask] if mask.any() else values
    own = getattr(present.dtype, "numpy_dtype", None)
    if mask.all():
        fitted = np.zeros(len(present), dtype=target)
    else:
        fitted = fit(present.to_numpy(dtype=own) if own is not None else present.to_numpy(), target)
    if not mask.any():
        return pd.Series(fitted, index=values.index, name=values.name).astype(dtype)
    whole = np.zeros(len(values), dtype=target)
    whole[~mask] = fitted
    if isinstance(dtype, np.dtype):
        if target.kind not in "fc":
            raise Mismatch(f"missing values ({rows_of(mask)})", f"fill them: {target} cannot hold any")
        whole[mask] = np.nan
        return pd.Series(whole, index=values.index, name=values.name)
    found = pd.Series(whole, index=values.index, name=values.name).astype(dtype)
    found[mask] = pd.NA
    return found


def _sparse(values: pd.Series[Any], expected: Expected) -> pd.Series[Any]:
    told = expected.column.extra or {}
    inner = Column("", told["subtype"], expected.column.nullable, extra=told["subtype_extra"])
    return convert(values, Expected.of(inner)).astype(expected.dtype)


def _category(values: pd.Series[Any], expected: Expected) -> pd.Series[Any]:
    dtype: pd.CategoricalDtype = expected.dtype
    if dtype.categories is None:
        return values.astype("category")
    codes, seen = pd.factorize(values)
    places, texts = expected.places
    found, strange = np.full(len(seen) + 1, -1), []
    for position, value in enumerate(seen.tolist()):
        place = places.get(_key(value), texts.get(value) if isinstance(value, str) else None)
        if place is None:
            strange.append(value)
        else:
            found[position] = place
    if strange:
        told = ", ".join(repr(text_of(v, 32)) for v in strange[:5]) + (" ..." if len(strange) > 5 else "")
        raise Mismatch(f"{told}, never seen in training", "send one of the known categories or train on the new one")
    coded = pd.Categorical.from_codes(found[codes], dtype=dtype)
    return pd.Series(coded, index=values.index, name=values.name)


def _key(value: Any) -> Any:
    # True == 1 and they hash alike, yet they are not the same category
    return (bool, value) if isinstance(value, (bool, np.bool_)) else value


def _moments(values: pd.Series[Any], expected: Expected) -> pd.Series[Any]:
    zone, unit = getattr(expected.dtype, "tz", None), np.datetime_data(expected.dtype.base)[0]
    given = _parsed(values, aware=zone is not None)
    aware = isinstance(given.dtype, pd.DatetimeTZDtype)
    if aware and zone is None:
        raise Mismatch(str(given.dtype), "convert to the right zone, then drop it with .dt.tz_localize(None)")
    if zone is not None:
        if not aware and not given.isna().all():
            raise Mismatch(f"{given.dtype} without a time zone", f"say which with .dt.tz_localize({str(zone)!r})")
        given = given.dt.tz_convert(zone) if aware else given.dt.tz_localize(zone)
    return _in_unit(given, unit)


def _parsed(values: pd.Series[Any], *, aware: bool) -> pd.Series[Any]:
    if values.dtype == object or _is_text(values.dtype):
        held = held_by(values.astype(object))
        if held == "string":
            # without utc=True one column cannot hold both offsets of a zone with summer time
            utc = aware and all(_OFFSET.search(text) for text in values.dropna())
            return pd.to_datetime(values, format="ISO8601", utc=utc)
        if held in ("datetime", "datetime64", "date") or values.isna().all():
            return pd.to_datetime(values)
    elif getattr(values.dtype, "kind", "") == "M":
        return values
    raise Mismatch(_came(values), "send datetimes, or ISO 8601 text")


def _durations(values: pd.Series[Any], expected: Expected) -> pd.Series[Any]:
    untyped = values.dtype == object or _is_text(values.dtype)
    if untyped and (held_by(values.astype(object)) in ("string", "timedelta", "timedelta64") or values.isna().all()):
        values = pd.to_timedelta(values)
    if getattr(values.dtype, "kind", "") != "m":
        raise Mismatch(_came(values), "send timedeltas, or text such as '1 days 02:00:00'")
    return _in_unit(values, np.datetime_data(expected.dtype)[0])


def _in_unit(values: pd.Series[Any], unit: str) -> pd.Series[Any]:
    found: pd.Series[Any] = values.dt.as_unit(unit)
    lost = (found != values) & values.notna()
    if lost.any():
        first = int(lost.to_numpy().argmax())
        raise Mismatch(
            f"{text_of(values.iloc[first], 40)} in row {first}", f"send values that a unit of {unit} can hold"
        )
    return found


def _objects(values: pd.Series[Any], expected: Expected) -> pd.Series[Any]:
    period = isinstance(expected.dtype, pd.PeriodDtype)
    held = held_by(values.astype(object)) if values.dtype == object or _is_text(values.dtype) else ""
    if held not in (("string", "period") if period else ("interval",)) and not values.isna().all():
        raise Mismatch(_came(values), f"convert it with .astype('{expected.column.dtype}')")
    if period:
        found: Any = pd.PeriodIndex(values.tolist(), freq=expected.dtype.freq)
    else:
        found = pd.arrays.IntervalArray(values.tolist(), dtype=expected.dtype)
    return pd.Series(found, index=values.index, name=values.name)
