"""Answers as plain JSON data, for ``--json``."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from nbregistry.domain.commits import Receipt, timestamp

_DERIVED = ("ref", "ok", "passed")  # properties that a reader of the JSON would otherwise compute


def dumps(value: object) -> str:
    """Return strict JSON text: numbers that JSON lacks are text, and what is no data at all is its ``repr``."""
    return json.dumps(plain(value), indent=2, ensure_ascii=True, allow_nan=False)


def plain(value: Any) -> Any:
    """Return a value made of dicts, lists, text, numbers, bools and None."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, Receipt):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return _record(value)
    if callable(told := getattr(value, "as_document", None)):
        return plain(told())
    if isinstance(value, Mapping):
        return {str(plain(k)): plain(v) for k, v in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return [plain(v) for v in value]
    return repr(value)


def _record(value: Any) -> dict[str, Any]:
    kind = type(value)
    derived = [name for name in _DERIVED if isinstance(getattr(kind, name, None), property)]
    shown = [f.name for f in fields(value) if f.repr and not f.name.startswith("_")]
    return {name: plain(getattr(value, name)) for name in (*derived, *shown)}
