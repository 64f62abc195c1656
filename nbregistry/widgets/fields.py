"""A control for each column that a model takes, with a value filled in, and what was typed as a row for the server."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import ipywidgets as w

from nbregistry.domain.signature import Column, Signature
from nbregistry.errors import InvalidInput
from nbregistry.types import Document
from nbregistry.widgets import parts

MOST = 12
"""Columns with a control each; a row of more is easier to read and to paste as JSON."""

_EXACT = 2**53  # whole numbers beyond are no longer exact in a browser
_LONGEST = 100_000  # characters of rows that are written into an area


class Field(NamedTuple):
    """A control, and what is read from it."""

    control: Any
    read: Callable[[], Any]


def suited(signature: Signature | None) -> bool:
    """Whether a model's rows can be typed into a control for each column."""
    if signature is None or not signature.inputs:
        return False
    if _width(signature):
        return True
    plain = all(column.shape is None or len(column.shape) == 1 for column in signature.inputs)
    count = len(set(signature.names))
    return signature.container == "frame" and plain and count == len(signature.inputs) <= MOST


def fields(signature: Signature, row: Any) -> tuple[Field, ...]:
    """Return a field for each column, filled with a row's values where it has them."""
    width = _width(signature)
    if width:
        column = signature.inputs[0]
        names = [f"Column {at + 1}" for at in range(width)]
        values = list(row) if isinstance(row, Sequence) and len(row) == width else [0] * width
        return tuple(_field(Column(name, column.dtype), v) for name, v in zip(names, values, strict=True))
    known = row if isinstance(row, Mapping) else {}
    return tuple(_field(column, known.get(column.name)) for column in signature.inputs)


def asked(signature: Signature, found: Sequence[Field]) -> Document:
    """Return what is in the fields as rows of a request."""
    values = [field.read() for field in found]
    if _width(signature):
        return {"rows": [values]}
    return {"records": [dict(zip(signature.names, values, strict=True))]}


def area(rows: Document) -> Field:
    """Return rows as JSON to be changed by hand."""
    text = json.dumps(next(iter(rows.values()), []), ensure_ascii=False, indent=1)
    control = parts.area("Rows as JSON", text[:_LONGEST], rows=8)
    control.continuous_update = False
    return Field(control, lambda: _parsed(control.value))


def _parsed(text: str) -> Document:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"The rows are no JSON: {error}.") from None
    if not isinstance(found, list) or not found:
        raise InvalidInput('Rows are a list: [{"age": 31}] or [[1, 2]], with one entry for each row.')
    return {"records" if isinstance(found[0], Mapping) else "rows": found}


def _width(signature: Signature) -> int:
    """Return the columns of an array of numbers that has few; 0 for everything else."""
    column = signature.inputs[0]
    if (
        len(signature.inputs) != 1
        or len(column.shape or ()) != 2
        or not column.dtype.startswith(("float", "int", "any"))
    ):
        return 0
    width = (column.shape or (0, 0))[1]
    return width if 0 < width <= MOST else 0


def _field(column: Column, value: Any) -> Field:
    label = column.name or "Value"
    kind = column.dtype.lower()
    if column.categories is not None:
        return _choice(label, list(column.categories), value, missing=column.nullable)
    if kind.startswith("bool"):
        if column.nullable:
            return _choice(label, [True, False], value, missing=True)
        control = parts.tick(label, bool(value))
        return Field(control, lambda: bool(control.value))
    if kind.startswith(("int", "uint")) and not column.nullable and abs(_whole(value)) < _EXACT:
        control = _labelled(w.IntText(value=_whole(value), description=parts.plain(label)))
        return Field(control, lambda: control.value)
    if kind.startswith("float") and not column.nullable and _finite(value):
        control = _labelled(w.FloatText(value=float(value or 0), description=parts.plain(label)))
        return Field(control, lambda: control.value)
    if kind.startswith(("int", "uint", "float")):
        hint = "a number; empty: missing" if column.nullable else "a number"
        return _typed(label, value, hint, lambda text: _number(text, label))
    if kind.startswith(("datetime", "period")):
        return _typed(label, value, "2026-11-21T12:00:00", str)
    return _typed(label, value, "empty: missing" if column.nullable else "", str, keep=not column.nullable)


def _typed(label: str, value: Any, hint: str, read: Callable[[str], Any], *, keep: bool = False) -> Field:
    """Return a line to type; an empty one means that there is no value, or with ``keep`` an empty text."""
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    control = parts.text(label, "" if missing else str(value), hint=hint)
    control.description = parts.plain(label)
    return Field(control, lambda: read(control.value) if control.value or keep else None)


def _choice(label: str, values: list[Any], value: Any, *, missing: bool) -> Field:
    # By place: a browser sends a number, whatever the values are.
    options: list[tuple[str, Any]] = [(str(one), at) for at, one in enumerate(values)]
    if missing:
        options.append(("(missing)", -1))
    chosen = values.index(value) if value in values else (-1 if missing else 0)
    control = parts.choice(parts.plain(label), options, chosen)
    return Field(control, lambda: None if control.value in (-1, None) else values[control.value])


def _labelled(control: Any) -> Any:
    control.description_allow_html = False
    control.add_class("nbr-field")
    return control


def _number(text: str, label: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(f"{parts.plain(label)}: {text[:80]!r} is not a number.") from None


def _whole(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and _finite(value) else 0


def _finite(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and math.isfinite(value))
