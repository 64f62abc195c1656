"""Tensors as the Open Inference Protocol has them: names of dtypes, raw bytes, and how they make a table.

Used by its REST and its gRPC side alike.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from nbregistry.capture.containers import FRAME, MAPPING, SERIES
from nbregistry.capture.values import text_of
from nbregistry.errors import BadRows, InvalidInput, ModelFailed
from nbregistry.serving.codec.writing import moments
from nbregistry.serving.intake import Intake
from nbregistry.serving.table import Table

Array = npt.NDArray[Any]

DTYPES: Mapping[str, str] = {
    "BOOL": "bool", "FP16": "float16", "FP32": "float32", "FP64": "float64",
    **{f"{u.upper()}INT{bits}": f"{u}int{bits}" for u in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip
"""NumPy's name of each datatype of a fixed size; ``BYTES`` is the one without."""

_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_OF_DTYPES = {np.dtype(dtype): name for name, dtype in DTYPES.items()}  # a dtype's name takes NumPy a while
_MOST_DIMENSIONS = 32


class Tensor(NamedTuple):
    """A tensor that came or goes.

    Attributes
    ----------
    name : str
        The input's or output's.
    datatype : str
        ``FP64``, ``BYTES`` ...
    shape : tuple of int
        Rows first.
    values : ndarray or list
        An array of the shape; of objects where a value is text or missing.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Any


def datatype_of(dtype: str) -> str:
    """Return the datatype for a NumPy or pandas dtype: ``BYTES`` for whatever is no number and no boolean."""
    return _NAMES.get(dtype.lower().replace("boolean", "bool"), "FP64" if dtype == "any" else "BYTES")


def shape_of(name: str, found: Any) -> tuple[int, ...]:
    """Return a shape that came in a request.

    Raises
    ------
    InvalidInput
        Not a list of sizes, or without an axis of rows.
    """
    if (
        not isinstance(found, (list, tuple))
        or not 1 <= len(found) <= _MOST_DIMENSIONS
        or not all(type(n) is int and 0 <= n < 2**40 for n in found)
    ):
        raise InvalidInput(f"The shape of {text_of(name, 40)!r} must be a list of sizes, rows first, as in [1, 4].")
    return tuple(found)


def check_datatype(name: str, datatype: Any) -> str:
    """Return a datatype that is read here.

    Raises
    ------
    InvalidInput
        Another one.
    """
    if type(datatype) is str and (datatype in DTYPES or datatype == "BYTES"):
        return datatype
    raise InvalidInput(
        f"The datatype {text_of(datatype, 40)!r} of {text_of(name, 40)!r} is not read: send one of"
        f" {', '.join(DTYPES)} or BYTES."
    )


def of_bytes(name: str, datatype: str, shape: tuple[int, ...], raw: bytes | memoryview) -> Tensor:
    """Return a tensor out of its raw form: little-endian and row by row, texts each after its length in four bytes.

    Raises
    ------
    InvalidInput
        As many bytes as the shape asks for are not there.
    """
    count = math.prod(shape)
    if datatype == "BYTES":
        values: Array = np.empty(count, dtype=object) if count <= len(raw) else np.empty(0, dtype=object)
        texts = _texts(name, bytes(raw), count)
        values[:] = texts
        return Tensor(name, datatype, shape, values.reshape(shape))
    dtype = np.dtype(DTYPES[datatype]).newbyteorder("<")
    if len(raw) != count * dtype.itemsize:
        raise InvalidInput(
            f"{text_of(name, 40)!r} has {len(raw):,} bytes of data, and {datatype} of the shape {list(shape)} takes"
            f" {count * dtype.itemsize:,}."
        )
    found = np.frombuffer(raw, dtype=np.uint8 if datatype == "BOOL" else dtype)
    # a copy: models may not take what they cannot write to, or what is not aligned
    found = found != 0 if datatype == "BOOL" else found.astype(DTYPES[datatype])
    return Tensor(name, datatype, shape, found.reshape(shape))


def _texts(name: str, raw: bytes, count: int) -> list[Any]:
    found: list[Any] = []
    at = 0
    while at < len(raw):
        if at + 4 > len(raw) or (stop := at + 4 + struct.unpack_from("<I", raw, at)[0]) > len(raw):
            raise InvalidInput(f"The data of {text_of(name, 40)!r} ends within a value.")
        piece = raw[at + 4 : stop]
        try:
            found.append(piece.decode("utf-8"))
        except UnicodeDecodeError:
            found.append(piece)
        at = stop
        if len(found) > count:
            break
    if len(found) != count:
        more = " or more" if len(found) > count else ""
        raise InvalidInput(f"{text_of(name, 40)!r} has {len(found):,}{more} values, and its shape asks for {count:,}.")
    return found


_KINDS: Mapping[str, frozenset[type]] = {
    "BOOL": frozenset((bool,)),
    "BYTES": frozenset((str, bytes)),
    **{name: frozenset((float, int) if name.startswith("FP") else (int,)) for name in DTYPES if name != "BOOL"},
}


def of_values(name: str, datatype: str, shape: tuple[int, ...], data: Any) -> Tensor:
    """Return a tensor out of a list of values, flat or nested; None is a missing value.

    Raises
    ------
    InvalidInput
        Not as many values as the shape asks for, or others than the datatype has.
    """
    flat, count = _flat(name, data, len(shape)), math.prod(shape)
    if len(flat) != count:
        raise InvalidInput(
            f"{text_of(name, 40)!r} has {len(flat):,} values, and the shape {list(shape)} asks for {count:,}."
        )
    kinds = set(map(type, flat))
    strange = kinds - _KINDS[datatype] - {type(None)}
    if strange:
        row = next(i for i, v in enumerate(flat) if type(v) in strange)
        raise InvalidInput(
            f"{text_of(name, 40)!r} is said to be {datatype}, and has {text_of(flat[row], 40)!r}"
            f" ({_said(flat[row])}) at {row}."
        )
    if datatype == "BYTES" or type(None) in kinds:
        values: Array = np.empty(count, dtype=object)
        values[:] = flat
        return Tensor(name, datatype, shape, values.reshape(shape))
    try:
        values = np.array(flat, dtype=DTYPES[datatype] if datatype[:2] != "FP" else np.float64)
        if datatype in ("FP16", "FP32"):
            with np.errstate(over="ignore"):
                values = values.astype(DTYPES[datatype])
    except (OverflowError, ValueError):
        raise InvalidInput(f"{text_of(name, 40)!r} has a value beyond the range of {datatype}.") from None
    return Tensor(name, datatype, shape, values.reshape(shape))


def _said(value: Any) -> str:
    words = {bool: "a boolean", str: "a text", int: "a number", float: "a number", dict: "an object"}
    return words.get(type(value), "a list")


def _flat(name: str, data: Any, dimensions: int) -> list[Any]:
    if type(data) is not list:
        raise InvalidInput(f"The data of {text_of(name, 40)!r} must be a list.")
    for _ in range(dimensions - 1):
        if not data or type(data[0]) is not list:
            break
        if not all(type(part) is list for part in data):
            raise InvalidInput(f"The data of {text_of(name, 40)!r} is nested in one place and not in another.")
        data = [value for part in data for value in part]
    found: list[Any] = data
    return found


def table_of(tensors: Sequence[Tensor], intake: Intake, *, by_column: bool = False) -> Table:
    """Return the rows that tensors make: one with all columns, or one a column.

    Parameters
    ----------
    by_column : bool
        Whether a single tensor is a column by its name, though it could be all of the rows.

    Raises
    ------
    BadRows
        They do not fit.
    """
    signature = intake.signature
    container = signature.container if signature is not None else ""
    if len(tensors) == 1 and not by_column:
        only = tensors[0]
        named = only.name in intake.names and container == FRAME
        column = named and only.values.size == len(only.values)
        if not column and container != MAPPING:
            return _of_one(only, intake, container)
    if len({t.name for t in tensors}) < len(tensors):
        raise InvalidInput("Two inputs have the same name: send one tensor a column.")
    lengths = {t.shape[0] for t in tensors}
    if container == MAPPING:
        return intake.from_columns({t.name: _listed(t.values) for t in tensors})
    if len(lengths) > 1:
        told = ", ".join(f"{text_of(t.name, 40)}: {t.shape[0]}" for t in tensors[:8])
        raise BadRows(f"The inputs differ in their number of rows ({told}): send as many for each.")
    for tensor in tensors:
        if tensor.values.size != len(tensor.values):
            shape = list(tensor.shape)
            raise BadRows(
                f"{text_of(tensor.name, 40)!r} has the shape {shape}: a column has the shape [rows] or [rows, 1]."
            )
    return intake.from_columns({t.name: t.values.reshape(-1).tolist() for t in tensors})


def _of_one(tensor: Tensor, intake: Intake, container: str) -> Table:
    values = tensor.values
    if values.dtype.kind != "O":
        if values.ndim == 2 and values.shape[1] == 1 and container == SERIES:
            values = values[:, 0]
        return intake.from_array(values)
    if values.ndim == 2 and values.shape[1] == 1 and not _wants_width_one(intake):
        values = values[:, 0]
    return intake.from_rows(values.tolist())


def _wants_width_one(intake: Intake) -> bool:
    signature = intake.signature
    if signature is None or not signature.inputs:
        return False
    shape = signature.inputs[0].shape
    return signature.container == FRAME or (shape is not None and len(shape) == 2)


def _listed(values: Array) -> Any:
    return values.tolist() if values.dtype.kind == "O" else values


def outputs_of(outputs: Any, method: str) -> list[Tensor]:
    """Return what a model gave as tensors: one named after the method, or one a column of a frame or entry of a dict.

    Raises
    ------
    ModelFailed
        Neither an array nor something that becomes one.
    """
    if hasattr(outputs, "to_numpy") and hasattr(outputs, "columns"):
        return [
            _named(str(name), outputs.iloc[:, place].to_numpy()) for place, name in enumerate(outputs.columns.tolist())
        ]
    if isinstance(outputs, Mapping):
        return [_named(str(name), values) for name, values in outputs.items()]
    if isinstance(outputs, (list, tuple)) and outputs and all(isinstance(o, np.ndarray) for o in outputs):
        return [_named(f"{method}_{place}", values) for place, values in enumerate(outputs)]
    return [_named(method, outputs)]


def _named(name: str, values: Any) -> Tensor:
    if hasattr(values, "toarray"):
        values = values.toarray()
    elif hasattr(values, "to_numpy"):
        values = values.to_numpy()
    try:
        found = np.asarray(values)
    except ValueError:
        raise ModelFailed(f"The model's answer {name!r} has rows of different lengths, which no tensor has.") from None
    if not found.dtype.isnative:
        found = found.astype(found.dtype.newbyteorder("="))
    if (datatype := _OF_DTYPES.get(found.dtype)) is None:
        if found.dtype.kind == "f":
            found, datatype = found.astype(np.float64), "FP64"
        else:
            found, datatype = _as_objects(found), "BYTES"
    if found.ndim == 0:
        found = found.reshape(1)
    return Tensor(name, datatype, found.shape, np.ascontiguousarray(found))


def _as_objects(values: Array) -> Array:
    """Return texts, and whatever else has no datatype, as objects: text, bytes or None."""
    if values.dtype.kind in "mM":
        values = np.array(moments(values), dtype=object).reshape(values.shape)
    found = np.empty(values.size, dtype=object)
    found[:] = [_text(v) for v in values.ravel().tolist()]
    return found.reshape(values.shape)


def _text(value: Any) -> Any:
    if value is None or isinstance(value, bytes):
        return value
    missing = isinstance(value, float) and math.isnan(value)
    return None if missing or type(value).__name__ in ("NaTType", "NAType") else str(value)


def to_bytes(tensor: Tensor) -> bytes:
    """Return a tensor in its raw form."""
    if tensor.datatype != "BYTES":
        values = tensor.values
        raw: bytes = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
        return raw
    pieces = []
    for value in tensor.values.ravel().tolist():
        piece = value if isinstance(value, bytes) else b"" if value is None else value.encode("utf-8", "replace")
        pieces += [struct.pack("<I", len(piece)), piece]
    return b"".join(pieces)
