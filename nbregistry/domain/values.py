"""What users may store in text, tags, metrics and parameters: checked once, here, for every door."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nbregistry.errors import InvalidInput
from nbregistry.types import Scalar

MAX_KEY = 250
MAX_VALUE = 5_000
MAX_TEXT = 64 << 10
MAX_ENTRIES = 1_000
_SAFE_INTEGER = 1 << 53


def text(value: object, what: str, *, limit: int = MAX_TEXT, required: bool = False) -> str:
    """Return a text that can be stored; ``limit`` counts characters."""
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        raise InvalidInput(f"{what} must be text, not {type(value).__name__}.")
    if required and not value.strip():
        raise InvalidInput(f"{what} must not be empty.")
    if len(value) > limit:
        raise InvalidInput(f"{what} has {len(value):,} characters; {limit:,} are allowed. Nothing was changed.")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidInput(f"{what} holds characters that UTF-8 cannot carry (lone surrogates). Remove them.") from None
    return value


def key(value: object, what: str) -> str:
    """Return the key of a tag, metric or parameter."""
    found = text(value, f"The name of a {what}", limit=MAX_KEY, required=True)
    if any(ord(c) < 32 or ord(c) == 127 for c in found):
        raise InvalidInput(f"The name of a {what}, {found!r}, holds control characters.")
    return found


def scalar(value: Any, what: str) -> Scalar:
    """Return a tag's or parameter's value as JSON can hold it; NumPy scalars become Python's."""
    if hasattr(value, "item") and not isinstance(value, (str, int, float)):
        try:
            value = value.item()
        except (TypeError, ValueError):
            raise InvalidInput(f"{what} must be one text, number, true/false or None, not an array.") from None
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(str(value), what, limit=MAX_VALUE)
    if isinstance(value, int):
        return int(value) if abs(value) < _SAFE_INTEGER else str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else repr(float(value))
    raise InvalidInput(f"{what} must be a text, a number, true/false or None, not {type(value).__name__}.")


def scalars(given: Mapping[str, Any] | None, what: str) -> dict[str, Scalar]:
    """Return tags or parameters that can be stored."""
    found = {key(k, what): scalar(v, f"The {what} {k!r}") for k, v in _entries(given, what).items()}
    return found


def metrics(given: Mapping[str, Any] | None) -> dict[str, float]:
    """Return metrics as floats; anything ``float()`` reads but text."""
    found: dict[str, float] = {}
    for told, value in _entries(given, "metric").items():
        name = key(told, "metric")
        if isinstance(value, (str, bytes)):
            raise InvalidInput(f"The metric {name!r} must be a number, not the text {value[:80]!r}.")
        try:
            found[name] = float(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidInput(
                f"The metric {name!r} must be one number, not {type(value).__name__} ({error})."
            ) from None
    return found


def _entries(given: Mapping[str, Any] | None, what: str) -> Mapping[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidInput(f"Give {what}s as a mapping such as {{'auc': 0.93}}, not {type(given).__name__}.")
    if len(given) > MAX_ENTRIES:
        raise InvalidInput(f"{len(given):,} {what}s are too many: {MAX_ENTRIES:,} are allowed.")
    return given
