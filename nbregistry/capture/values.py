"""Single values as plain JSON and back: column labels, categories, the cells of an example.

What JSON has is kept as it is; everything else becomes an object with one key that begins with ``$``. Nothing is
pickled and decoding constructs only the types named here, so a document from a stranger cannot run code.
"""

from __future__ import annotations

import base64
import importlib
import math
import re
import reprlib
import sys
import uuid
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from types import NoneType
from typing import Any, cast

from nbregistry.capture.boundary import attempt, plain

_EXACT_IN_EVERY_JSON = 2**53
_DEEPEST = 16
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")


class Unstorable(ValueError):
    """A value of a type that has no JSON form here."""


def encode(value: Any, *, depth: int = 0) -> Any:
    """Return a JSON form from which ``decode`` makes an equal value of the same type.

    Raises
    ------
    Unstorable
        The type is not known, or the value is nested too deeply.
    """
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is str:
        return _text(value)
    if kind is int:
        return value if -_EXACT_IN_EVERY_JSON < value < _EXACT_IN_EVERY_JSON else {"$int": hex(value)}
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if depth > _DEEPEST:
        raise Unstorable("nested too deeply")
    for library, encoder in (("numpy", _numpy), ("pandas", _pandas)):
        if (module := sys.modules.get(library)) is not None and (found := encoder(module, value, depth)) is not None:
            return found
    return _standard(value, depth)


def _text(value: str) -> Any:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return {"$str": base64.b64encode(value.encode("utf-8", "surrogatepass")).decode()}
    return value


def _standard(value: Any, depth: int) -> Any:
    for kind, tag, form in _FORMS:
        if isinstance(value, kind):
            found = form(value)
            return {tag: found} if tag else found
    for tag, sequence in (("$tuple", tuple), ("$list", list), ("$set", set), ("$frozenset", frozenset)):
        if type(value) is sequence:
            return {tag: [encode(v, depth=depth + 1) for v in value]}
    if type(value) is dict:
        pairs = value.items()
        return {"$dict": [[encode(k, depth=depth + 1), encode(v, depth=depth + 1)] for k, v in pairs]}
    raise Unstorable(f"{type(value).__module__}.{type(value).__qualname__} has no plain form")


def _moment(value: datetime) -> list[Any]:
    return [value.replace(tzinfo=None, fold=0).isoformat(), encode_zone(value.tzinfo), value.fold]


_FORMS: tuple[tuple[type, str, Callable[[Any], Any]], ...] = (
    # subclasses of what JSON has (members of an Enum, say) are stored as what they are equal to
    (str, "", lambda v: _text(str.__str__(v))),
    (int, "", lambda v: encode(int(v))),
    (float, "", lambda v: encode(float(v))),
    (complex, "$complex", lambda v: [encode(v.real), encode(v.imag)]),
    (bytes, "$bytes", lambda v: base64.b64encode(v).decode()),
    (datetime, "$datetime", _moment),
    (date, "$date", lambda v: v.isoformat()),
    (time, "$time", lambda v: [v.replace(tzinfo=None).isoformat(), encode_zone(v.tzinfo)]),
    (timedelta, "$timedelta", lambda v: [v.days, v.seconds, v.microseconds]),
    (Decimal, "$decimal", str),
    (Fraction, "$fraction", lambda v: [encode(v.numerator), encode(v.denominator)]),
    (uuid.UUID, "$uuid", lambda v: v.hex),
)


def _numpy(np: Any, value: Any, depth: int) -> Any:
    if isinstance(value, np.generic) and value.dtype.kind not in "OV":
        return {"$numpy": [value.dtype.str, base64.b64encode(value.tobytes()).decode()]}
    return None


def _pandas(pd: Any, value: Any, depth: int) -> Any:
    if value is pd.NaT:
        return {"$nat": True}
    if value is pd.NA:
        return {"$na": True}
    if isinstance(value, pd.Timestamp):
        zone = encode_zone(value.tzinfo)
        return {"$timestamp": [encode(int(value.asm8.view("i8"))), value.unit, zone]}
    if isinstance(value, pd.Timedelta):
        return {"$duration": [encode(int(value.asm8.view("i8"))), value.unit]}
    if isinstance(value, pd.Period):
        return {"$period": [value.ordinal, value.freqstr]}
    if isinstance(value, pd.Interval):
        # edges of an interval array are NumPy scalars; plain numbers compare the same and read better
        edges = [e.item() if hasattr(e, "item") else e for e in (value.left, value.right)]
        return {"$interval": [*(encode(e, depth=depth + 1) for e in edges), value.closed]}
    return None


def encode_zone(zone: tzinfo | None) -> Any:
    """Return a time zone's JSON form: None, a name of the time zone database, or an offset in seconds."""
    if zone is None:
        return None
    if isinstance(zone, timezone):
        return {"offset": zone.utcoffset(None).total_seconds()}
    if isinstance(zone, zoneinfo.ZoneInfo) and zone.key:
        return zone.key
    if type(zone).__module__.partition(".")[0] == "pytz" and getattr(zone, "zone", None):
        return {"pytz": str(cast(Any, zone).zone)}
    raise Unstorable(f"time zone {text_of(zone)} has no name")


def decode_zone(found: Any) -> tzinfo | None:
    """Rebuild what ``encode_zone`` wrote; a pytz zone where pytz is not installed becomes the standard library's."""
    if found is None:
        return None
    if isinstance(found, str):
        return zoneinfo.ZoneInfo(found)
    if "offset" in found:
        return timezone(timedelta(seconds=found["offset"]))
    try:
        pytz = importlib.import_module("pytz")
    except ImportError:
        return zoneinfo.ZoneInfo(found["pytz"])
    rebuilt: tzinfo = pytz.timezone(found["pytz"])
    return rebuilt


def decode(found: Any) -> Any:
    """Rebuild a value.

    Raises
    ------
    ValueError
        Not what ``encode`` writes.
    """
    if isinstance(found, (str, int, float, NoneType)):
        return found
    if not isinstance(found, Mapping) or len(found) != 1 or (tag := next(iter(found))) not in _DECODERS:
        raise ValueError(f"{text_of(found)} is not an encoded value")
    try:
        return _DECODERS[tag](found[tag])
    except (TypeError, KeyError, IndexError, AttributeError, ArithmeticError, ImportError, RecursionError) as fault:
        raise ValueError(f"damaged encoded value {tag}: {fault}") from fault


def _decode_numpy(found: Any) -> Any:
    import numpy as np

    # frombuffer itself refuses dtypes that hold objects
    return np.frombuffer(base64.b64decode(found[1]), dtype=np.dtype(found[0]))[0]


def _decode_timestamp(found: Any) -> Any:
    import numpy as np
    import pandas as pd

    moment = pd.Timestamp(np.datetime64(decode(found[0]), found[1]))
    zone = decode_zone(found[2])
    return moment if zone is None else moment.tz_localize("UTC").tz_convert(zone)


def _decode_duration(found: Any) -> Any:
    import numpy as np
    import pandas as pd

    return pd.Timedelta(np.timedelta64(decode(found[0]), found[1]))


def _of_pandas(name: str, build: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    def decoder(found: Any) -> Any:
        import pandas

        return build(getattr(pandas, name), found)

    return decoder


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "$int": lambda v: int(v, 16),
    "$float": float,
    "$str": lambda v: base64.b64decode(v).decode("utf-8", "surrogatepass"),
    "$complex": lambda v: complex(decode(v[0]), decode(v[1])),
    "$bytes": base64.b64decode,
    "$datetime": lambda v: datetime.fromisoformat(v[0]).replace(tzinfo=decode_zone(v[1]), fold=v[2]),
    "$date": date.fromisoformat,
    "$time": lambda v: time.fromisoformat(v[0]).replace(tzinfo=decode_zone(v[1])),
    "$timedelta": lambda v: timedelta(v[0], v[1], v[2]),
    "$decimal": Decimal,
    "$fraction": lambda v: Fraction(decode(v[0]), decode(v[1])),
    "$uuid": uuid.UUID,
    "$tuple": lambda v: tuple(map(decode, v)),
    "$list": lambda v: list(map(decode, v)),
    "$set": lambda v: set(map(decode, v)),
    "$frozenset": lambda v: frozenset(map(decode, v)),
    "$dict": lambda v: {decode(k): decode(item) for k, item in v},
    "$numpy": _decode_numpy,
    "$nat": _of_pandas("NaT", lambda nat, _: nat),
    "$na": _of_pandas("NA", lambda na, _: na),
    "$timestamp": _decode_timestamp,
    "$duration": _decode_duration,
    "$period": _of_pandas("Period", lambda period, v: period(ordinal=v[0], freq=v[1])),
    "$interval": _of_pandas("Interval", lambda interval, v: interval(decode(v[0]), decode(v[1]), closed=v[2])),
    "$text": str,
}


def encode_or_text(value: Any) -> tuple[Any, bool]:
    """Return the JSON form and True; for what has none, its text under ``$text`` and False."""
    try:
        return encode(value), True
    except (Unstorable, OverflowError):
        return {"$text": text_of(value)}, False


def text_of(value: Any, limit: int = 64) -> str:
    """Return a short text for people, the same in every process (addresses are dropped)."""
    said = attempt("", lambda: _said(value), None)
    if said is None:
        said = f"<{type(value).__name__}>"
    said = plain(_ADDRESS.sub("", said[: 4 * limit]))
    return said if len(said) <= limit else said[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _said(value: Any) -> str:
    if isinstance(value, str):
        return value[:]
    if isinstance(value, (list, tuple, dict, set, frozenset, bytes, bytearray)):
        return reprlib.repr(value)
    return str(value)
