"""Columns of moments: ISO 8601 text as nearly every client writes it is read without pandas, the rest the long way."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from nbregistry.domain.signature import Column
from nbregistry.serving.intake.checks import Converted
from nbregistry.serving.intake.faults import Faults

_NAIVE = re.compile(r"[12]\d{3}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.(\d{1,6}))?)?", re.ASCII)
_AWARE = re.compile(r"[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,6}))?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII)
_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 6}
_FIRST, _LAST = 1700, 2250
"""Years that every unit holds."""


class Moments(Converted):
    """Moments with or without a zone.

    Parameters
    ----------
    column : Column
        Of a dtype that begins with ``datetime64``.
    """

    def __init__(self, column: Column) -> None:
        super().__init__(column)
        unit, _, zone = column.dtype.removeprefix("datetime64[").removesuffix("]").partition(", ")
        self._digits, self._aware = _DIGITS.get(unit, -1), bool(zone)
        self._form = _AWARE if zone else _NAIVE
        self._nullable = column.nullable

    def apply(self, values: list[Any], faults: Faults) -> list[Any]:
        """Return datetimes, in UTC where the column has a zone; or what pandas makes of the values."""
        try:
            return [self._read(value) for value in values]
        except (TypeError, ValueError, OverflowError):
            # not wrong for that: the long way decides
            return super().apply(values, faults)

    def _read(self, value: Any) -> datetime | None:
        if value is None and self._nullable:
            return None
        found = self._form.fullmatch(value)
        if found is None or len(found[1] or "") > self._digits:
            raise ValueError("needs care")
        moment = datetime.fromisoformat(value)
        if not _FIRST <= moment.year < _LAST:
            raise ValueError("needs care")
        return moment.astimezone(UTC) if self._aware else moment
