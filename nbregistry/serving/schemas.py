"""A signature as JSON Schema: what a row may hold, as exactly as that language can say it.

Source: JSON Schema 2020-12, as OpenAPI 3.1 uses it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from nbregistry.domain.signature import Column, Signature
from nbregistry.serving.table import Shape, Table
from nbregistry.types import Document

_INTEGER = re.compile(r"(u?)int(8|16|32|64)\Z", re.IGNORECASE)
_SINGLE = 3.4e38


def of_column(column: Column) -> Document:
    """Return the schema of one value."""
    found = _values(column)
    if column.categories is not None and not all(isinstance(c, str | int | float | bool) for c in column.categories):
        found = {}
    if column.nullable and found:
        if "enum" in found:
            found["enum"] = [*found["enum"], None]
        elif "type" in found:
            found["type"] = [*(found["type"] if isinstance(found["type"], list) else [found["type"]]), "null"]
    return found


def _values(column: Column) -> Document:
    dtype = column.dtype.lower()
    if column.categories is not None:
        return {"enum": list(column.categories)}
    if whole := _INTEGER.match(dtype):
        unsigned, bits = bool(whole[1]), int(whole[2])
        low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        return {"type": "integer", "minimum": low, "maximum": high}
    if dtype in ("float16", "float32"):
        most = _SINGLE if dtype == "float32" else 65504
        return {"type": "number", "minimum": -most, "maximum": most}
    if dtype.startswith("float"):
        return {"type": "number"}
    if dtype.startswith("bool"):
        return {"type": "boolean"}
    if dtype.startswith("datetime64"):
        return {"type": "string", "format": "date-time"}
    if dtype in ("str", "string", "category"):
        return {"type": "string"}
    return {"type": ["string", "number", "boolean", "array", "object"]} if dtype == "object" else {}


def of_row(signature: Signature | None) -> Document:
    """Return the schema of a row as a list of values in order."""
    if signature is None or not signature.inputs:
        return {}
    if signature.container == "frame":
        count = len(signature.inputs)
        return {
            "type": "array", "prefixItems": [{"title": c.name, **of_column(c)} for c in signature.inputs],
            "items": False, "minItems": count, "maxItems": count,
        }  # fmt: skip
    column = signature.inputs[0]
    found = of_column(column)
    for size in reversed((column.shape or ())[1:]):
        found = {"type": "array", "items": found}
        if size >= 0:
            found |= {"minItems": size, "maxItems": size}
    return found


def of_record(signature: Signature | None) -> Document | None:
    """Return the schema of a row as an object; None where columns have no names."""
    if signature is None or signature.container != "frame" or not signature.inputs:
        return None
    return {
        "type": "object", "properties": {c.name: of_column(c) for c in signature.inputs},
        "required": [c.name for c in signature.inputs],
    }  # fmt: skip


def example_rows(metadata: Mapping[str, Any], signature: Signature | None) -> list[Any]:
    """Return rows to show and to try: those captured with the version, else made up from the types."""
    captured = metadata.get("example")
    if isinstance(captured, Sequence) and not isinstance(captured, str) and captured:
        return list(captured[:3])
    if signature is None or not signature.inputs:
        return [[0.0]]
    if signature.container == "frame":
        return [{c.name: _value(c) for c in signature.inputs}]
    column = signature.inputs[0]
    found: Any = _value(column)
    for size in reversed((column.shape or ())[1:]):
        found = [found] * max(1, size)
    return [found]


def shown(table: Table | None, signature: Signature | None) -> list[Any]:
    """Return the first rows of a table as a client would send them: objects where columns have names."""
    if table is None or table.shape is Shape.WHOLE:
        return []
    few = table.cut(0, min(3, table.rows))
    if few.shape is Shape.COLUMNS:
        rows: list[Any] = [list(row) for row in zip(*few.values, strict=True)]
    else:
        rows = few.values.tolist() if few.shape is Shape.ARRAY else list(few.values)
    if signature is not None and signature.container == "frame":
        return [{n: _plain(v) for n, v in zip(signature.names, row, strict=True)} for row in rows]
    return [[_plain(v) for v in row] if isinstance(row, list) else _plain(row) for row in rows]


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; a missing one is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | list | dict):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _value(column: Column) -> Any:
    if column.categories:
        return column.categories[0]
    kind = _values(column).get("type")
    if column.dtype.startswith("datetime64"):
        return "2026-01-01T00:00:00"
    return {"integer": 0, "number": 0.0, "boolean": False, "string": "text"}.get(kind or "")
