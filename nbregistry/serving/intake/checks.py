"""One column's check, compiled from its dtype: values as JSON has them, in; the same values, known to fit, out.

The verdicts are those of ``capture.conversion``, which is the complete way through pandas; here they are given without
it, value by value, so that each one that does not fit is named. Whole numbers may come as ``3.0``, booleans are no
numbers, text is never parsed, and a missing value (null or NaN) passes only where training saw one.
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from nbregistry.capture.values import text_of
from nbregistry.domain.signature import Column
from nbregistry.serving.intake.faults import MOST, Faults, Misfit, came

Cell = Callable[[Any], Any]
_NONE = type(None)
_MASKED = {
    **{f"{u}Int{bits}": f"{u.lower()}int{bits}" for u in ("", "U") for bits in (8, 16, 32, 64)},
    "Float32": "float32", "Float64": "float64", "boolean": "bool",
}  # fmt: skip
INTEGERS = {
    f"{u}int{bits}": (0, 2**bits - 1) if u else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    for u in ("", "u")
    for bits in (8, 16, 32, 64)
}
"""Range of each integer dtype."""

EXACT = 2**53 - 1
"""Beyond, a float stands for several whole numbers: JSON's integers of more than 64 bits are read as floats too."""

_HALF, _SINGLE = struct.Struct("<e"), struct.Struct("<f")


class Check(Protocol):
    """Says whether the values of one column fit.

    Attributes
    ----------
    name : str
        The column's, for people.
    said : str
        What is expected, for people.
    """

    name: str
    said: str

    def apply(self, values: list[Any], faults: Faults) -> list[Any]:
        """Return the values as they are to be passed on, None for missing; note those that do not fit."""
        ...


class Anything:
    """Takes whatever comes."""

    def __init__(self, column: Column) -> None:
        self.name, self.said = column.name, "any value"

    def apply(self, values: list[Any], faults: Faults) -> list[Any]:
        """Return the values."""
        return values


class Plain:
    """Values that JSON has: numbers, booleans, text.

    Parameters
    ----------
    column : Column
        What is expected.
    quick : set of type
        Values of these types fit as they are, given that ``whole`` says so.
    cell : callable
        Returns one value as it is passed on, or raises Misfit.
    whole : callable, optional
        Whether a list of values of the quick types fits.
    """

    def __init__(
        self, column: Column, quick: set[type], cell: Cell, whole: Callable[[list[Any]], bool] | None = None
    ) -> None:
        self.name, self.said, self.nullable = column.name, described(column), column.nullable
        self._quick, self._cell, self._whole = frozenset(quick), cell, whole
        # what may be missing is not asked for its range at once
        self._missing = frozenset({*quick, _NONE} if column.nullable and whole is None else quick)

    def apply(self, values: list[Any], faults: Faults) -> list[Any]:
        """Return the values; those of the quick types untouched."""
        kinds = set(map(type, values))
        if kinds <= self._missing and (self._whole is None or not values or self._whole(values)):
            return values
        return self.each(values, self.cell_for(kinds), faults)

    def cell_for(self, kinds: set[type]) -> Cell:
        """Return the check of one value among values of these types."""
        return self._cell

    def each(self, values: list[Any], cell: Cell, faults: Faults) -> list[Any]:
        """Check one value after the other, until too many do not fit."""
        found: list[Any] = []
        bad = 0
        for row, value in enumerate(values):
            if value is None or value != value:  # noqa: PLR0124 - NaN is the one value that differs from itself
                if self.nullable:
                    found.append(None)
                    continue
                fault = "a missing value, and none was seen in training"
            else:
                try:
                    found.append(cell(value))
                    continue
                except Misfit as misfit:
                    fault = misfit.came
            faults.add(row, self.name, self.said, fault)
            bad += 1
            if bad == MOST:
                break
        return found


class Narrow(Plain):
    """Floats of fewer than 64 bits: whole numbers are kept exactly, others only within the range."""

    def __init__(self, column: Column, form: struct.Struct) -> None:
        super().__init__(column, set(), self._within)
        self._form = form

    def cell_for(self, kinds: set[type]) -> Cell:
        """Return the check of one value: exact when all of them are whole numbers."""
        return self._exactly if kinds - {_NONE} == {int} else self._within

    def _within(self, value: Any) -> Any:
        try:
            if value not in (_INFINITY, -_INFINITY):
                self._form.pack(_number(value))
        except (OverflowError, struct.error):
            raise Misfit(f"{came(value)}, which is beyond its range") from None
        return value

    def _exactly(self, value: Any) -> Any:
        try:
            if self._form.unpack(self._form.pack(_number(value)))[0] == value:
                return value
        except (OverflowError, struct.error):
            pass
        raise Misfit(f"{came(value)}, which it cannot hold exactly")


class Category:
    """Values among those that training saw.

    Parameters
    ----------
    column : Column
        One whose categories are all plain values.
    """

    def __init__(self, column: Column) -> None:
        self.name, self.said = column.name, described(column)
        known = column.categories or ()
        # JSON may write a number as text; True == 1 and they hash alike, yet they are not the same category
        texts = {text_of(c, 200): c for c in known if not isinstance(c, (str, bool))}
        self._known: dict[Any, Any] = {**texts, **{c: c for c in known if not isinstance(c, bool)}}
        self._truths = {c for c in known if isinstance(c, bool)}
        self._plain = Plain(column, set(), self._cell)
        if column.nullable:
            self._known[None] = None

    def apply(self, values: list[Any], faults: Faults) -> list[Any]:
        """Return each value as the category that it is."""
        if bool not in set(map(type, values)):
            try:
                return [self._known[value] for value in values]
            except (KeyError, TypeError):
                pass
        return self._plain.each(values, self._cell, faults)

    def _cell(self, value: Any) -> Any:
        try:
            if isinstance(value, bool):
                if value in self._truths:
                    return value
            elif value in self._known:
                return self._known[value]
        except TypeError:  # a list or an object
            pass
        raise Misfit(f"{came(value)}, never seen in training")


class Converted:
    """What only pandas can convert (moments, intervals, Arrow): values as pandas gives them, None for missing.

    Parameters
    ----------
    column : Column
        What is expected.
    """

    def __init__(self, column: Column) -> None:
        self.name, self.said, self._column = column.name, described(column), column

    def apply(self, values: list[Any], faults: Faults) -> list[Any]:
        """Return the values converted, the long way."""
        from nbregistry.serving.intake.frames import converted

        return converted(values, self._column, lambda row, fault: faults.add(row, self.name, self.said, fault))


_INFINITY = float("inf")


def _number(value: Any) -> Any:
    if type(value) in (float, int):
        return value
    raise Misfit(came(value))


def _double(value: Any) -> Any:
    try:
        float(_number(value))
    except OverflowError:
        raise Misfit(f"{came(value)}, which is beyond its range") from None
    return value


def _whole(low: int, high: int) -> Cell:
    def cell(value: Any) -> Any:
        found = _number(value)
        if type(found) is float:
            if not found.is_integer():
                raise Misfit(f"{came(value)}, which is not whole")
            if abs(found) > EXACT:
                raise Misfit(f"{came(value)}, which may have been rounded: write it without point and exponent")
            found = int(found)
        if not low <= found <= high:
            raise Misfit(f"{came(value)}, which is beyond its range")
        return found

    return cell


def _exactly(kind: type) -> Cell:
    def cell(value: Any) -> Any:
        if type(value) is kind:
            return value
        raise Misfit(came(value))

    return cell


def _no_nan(values: list[Any]) -> bool:
    return not any(map(operator.ne, values, values))


def check_of(column: Column) -> Check:
    """Return the check of one column of a frame."""
    extra: Mapping[str, Any] = column.extra or {}
    dtype = _MASKED.get(column.dtype, column.dtype)
    if dtype == "any":
        return Anything(column)
    if dtype == "category":
        told = extra.get("categories")
        plain = column.categories is not None and told is not None and not ({"values", "lossy"} & set(told))
        return Category(column) if plain else Converted(column)
    if "storage" in extra or (dtype == "object" and extra.get("holds") == "string"):
        return Plain(column, {str}, _exactly(str))
    if dtype == "object":
        return Anything(column) if column.nullable else Plain(column, {str, int, bool}, lambda value: value)
    if dtype == "float64":
        return Plain(column, {float, int}, _double, _no_nan)
    if dtype in ("float32", "float16"):
        return Narrow(column, _SINGLE if dtype == "float32" else _HALF)
    if dtype == "bool":
        return Plain(_demanding(column), {bool}, _exactly(bool))
    if dtype in INTEGERS:
        low, high = INTEGERS[dtype]
        fits = lambda values: low <= min(values) and max(values) <= high  # noqa: E731 - as short as its use
        return Plain(_demanding(column), {int}, _whole(low, high), fits)
    if dtype.startswith("datetime64["):
        from nbregistry.serving.intake.moments import Moments

        return Moments(column)
    return Converted(column)


def _demanding(column: Column) -> Column:
    """Return the column without its leave to miss values, which NumPy's integers and booleans cannot."""
    if not column.nullable or column.dtype in _MASKED:
        return column
    return Column(column.name, column.dtype, False, extra=column.extra)


def described(column: Column) -> str:
    """Return what a column expects, for people."""
    extra: Mapping[str, Any] = column.extra or {}
    text = column.dtype if column.dtype != "any" else "any value"
    if "storage" in extra or extra.get("holds") == "string":
        text = f"text ({column.dtype})"
    if column.categories is not None and len(column.categories) <= 8:
        text += f" of {', '.join(text_of(c, 24) for c in column.categories)}"
    return text + (", may be missing" if column.nullable else "")
