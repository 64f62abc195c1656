"""Outputs of any model as JSON.

A prediction that is NaN, infinite, ``NaT`` or ``NA`` is written as null: JSON has no other word for it.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from nbregistry.errors import BadRows, ModelFailed, RegistryError
from nbregistry.serving.node import By
from nbregistry.types import Document

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY


def dumped(found: Any) -> bytes:
    """Return a document as JSON.

    Raises
    ------
    ModelFailed
        The model answered with something that has no JSON form.
    """
    try:
        return orjson.dumps(found, _plain, _OPTIONS)
    except orjson.JSONEncodeError:
        pass
    try:
        # slower, and seldom needed: objects whose keys are numbers
        return orjson.dumps(found, _plain, _OPTIONS | orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError as fault:
        raise ModelFailed(f"The model's answer has no JSON form: {str(fault)[:200]}.") from None


def outputs_of(outputs: Any) -> Any:
    """Return outputs in a form that ``dumped`` writes: one entry a row, a frame as one object a row."""
    if isinstance(outputs, np.ndarray):
        if outputs.dtype.kind in "mM":
            return moments(outputs)
        if not outputs.dtype.isnative:
            return outputs.tolist()
        return outputs if outputs.flags.c_contiguous else np.ascontiguousarray(outputs)
    if hasattr(outputs, "to_numpy") and hasattr(outputs, "columns"):
        names = [str(name) for name in outputs.columns]
        columns = [outputs.iloc[:, place].tolist() for place in range(len(names))]
        if not names:
            return [{} for _ in range(len(outputs))]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    if hasattr(outputs, "toarray"):
        return outputs.toarray()
    return outputs


def _plain(value: Any) -> Any:
    """Return a value that JSON does not have as one that it has."""
    if isinstance(value, (np.ndarray, np.generic)):
        return _of_numpy(value)
    if isinstance(value, Mapping):
        return {str(k): v for k, v in value.items()}
    if type(value).__name__ in ("NaTType", "NAType"):
        return None
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if hasattr(value, "to_numpy") or hasattr(value, "toarray"):
        found = outputs_of(value)
        return found.tolist() if found is value else found
    if isinstance(value, (Decimal, range, complex)):
        return {Decimal: float, range: list}.get(type(value), str)(value)
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, (Sequence, AbstractSet)):
        return list(value)
    return str(value) if type(value).__module__.partition(".")[0] == "pandas" else _refused(value)


def _of_numpy(value: Any) -> Any:
    if value.dtype.kind in "mM":
        return moments(value)
    found = value.tolist()
    if found is value or isinstance(found, np.generic):  # long doubles have no plain form
        return float(found)
    return found


def moments(values: Any) -> Any:
    """Return moments as ISO 8601 text and durations as text, None where there is none."""
    texts: npt.NDArray[Any] = np.asarray(values.astype(str), dtype=object)
    texts[np.isnat(values)] = None
    return texts.tolist()


def _refused(value: Any) -> Any:
    raise TypeError(f"a {type(value).__module__}.{type(value).__qualname__}")


@functools.lru_cache(maxsize=256)
def model_fragment(by: By) -> orjson.Fragment:
    """Return the version that answered as JSON, made once."""
    return orjson.Fragment(orjson.dumps({"name": by.name, "version": by.number, "digest": by.digest}))


def faults_of(error: RegistryError) -> list[Document]:
    """Return the values that did not fit, for the protocols that have a place for them."""
    return [fault._asdict() for fault in error.faults] if isinstance(error, BadRows) else []
