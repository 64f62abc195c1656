"""The rows captured with a version, as a table: to warm it, to check it with, and to show what it takes.

Frames are read from their stored form column by column, so that a server of compiled models needs no pandas for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nbregistry.capture.containers import ARRAY, FRAME, LIST
from nbregistry.capture.example import decode_example
from nbregistry.capture.values import decode
from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.signature import Signature
from nbregistry.errors import RegistryError
from nbregistry.serving.intake import Intake
from nbregistry.serving.table import Shape, Table

_MADE_UP = 5


def example_of(version: ModelVersion, intake: Intake) -> Table | None:
    """Return the captured rows, or made-up ones where nothing but an array of numbers is taken; None for neither."""
    try:
        found = version.details("example")
        rows = _captured(found, intake) if found else None
    except RegistryError:
        rows = None
    return rows if rows is not None and rows.rows else _made_up(intake.signature)


def _captured(found: Mapping[str, Any], intake: Intake) -> Table | None:
    if found["container"] == FRAME:
        names = [column["name"] for column in found["columns"]]
        columns = [_values(*pair) for pair in zip(found["data"], found["columns"], strict=True)]
        return intake.from_columns(dict(zip(names, columns, strict=True)))
    rows = decode_example(found)
    if found["container"] == ARRAY:
        return intake.from_array(rows)
    return intake.from_rows(list(rows)) if found["container"] == LIST else None


def _values(forms: list[Any], column: Mapping[str, Any]) -> list[Any]:
    known = column.get("categories")
    if known is not None and all(isinstance(form, int) for form in forms):
        return [decode(known[form]) if form >= 0 else None for form in forms]
    values = [decode(form) for form in forms]
    return [None if isinstance(v, float) and math.isnan(v) else v for v in values]


def _made_up(signature: Signature | None) -> Table | None:
    """Return seeded normal numbers; whether rows are independent of each other shows on any."""
    if signature is None or len(signature.inputs) != 1:
        return None
    column = signature.inputs[0]
    if len(column.shape or ()) != 2 or not column.dtype.startswith(("any", "float", "int")):
        return None
    import numpy as np

    width = (column.shape or (0, 0))[1]
    values = np.random.default_rng(0).normal(size=(_MADE_UP, width))
    if column.dtype.startswith("int"):
        values = np.rint(values * 10)
    dtype = "float64" if column.dtype == "any" else column.dtype
    return Table(Shape.ARRAY, values.astype(dtype), _MADE_UP) if width > 0 else None
