"""A small example of what the model takes, kept as plain JSON and given back in the container and dtypes it had."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from typing import Any

from nbregistry.capture.containers import ARRAY, FRAME, LIST, MAPPING, SERIES, SPARSE, as_pandas, first_rows, kind_of
from nbregistry.capture.values import decode, encode, encode_or_text, text_of
from nbregistry.domain.commits import canonical
from nbregistry.domain.signature import Signature
from nbregistry.errors import Damaged, InvalidInput
from nbregistry.types import Document

MOST_BYTES = 2**20
"""An example larger than this, as JSON, is not kept."""


def sample_example(data: Any, rows: int = 5) -> Any:
    """Return a copy of the first rows in the same container; fewer when rows are very large.

    Raises
    ------
    InvalidInput
        Not a container whose rows can be taken.
    """
    if kind_of(data) == ARRAY and data.ndim and len(data):
        rows = max(1, min(rows, MOST_BYTES // 2 // max(1, data[:1].nbytes)))
    return first_rows(data, rows)


def encode_example(example: Any, signature: Signature | None = None) -> Document:
    """Return an example as plain JSON data.

    Parameters
    ----------
    signature : Signature, optional
        Of the data the example was taken from; without it the example is described by itself.

    Raises
    ------
    InvalidInput
        Of a container that is not known, or larger than 1 MiB.
    """
    found = _encoded(example, signature)
    size = len(canonical(found))
    if size > MOST_BYTES:
        raise InvalidInput(
            f"The example has {size:,} bytes as JSON, and {MOST_BYTES:,} are kept: register with a smaller X,"
            " or with fewer of its columns."
        )
    return found


def _encoded(example: Any, signature: Signature | None) -> Document:
    kind = kind_of(example)
    if kind in (FRAME, SERIES):
        from nbregistry.capture.examples_of_pandas import encode_frame, encode_series

        data = as_pandas(example)
        return encode_frame(data, signature) if kind == FRAME else encode_series(data)
    if kind == ARRAY:
        return _encode_array(example)
    if kind == SPARSE:
        return _encode_sparse(example)
    if kind == MAPPING:
        return {"container": MAPPING, "entries": [[encode(k), _encoded(v, None)] for k, v in example.items()]}
    if kind == LIST:
        if any(kind_of(item) in (FRAME, SERIES, ARRAY, SPARSE) for item in example):
            return {"container": LIST, "items": [_encoded(item, None) for item in example]}
        return _encode_list(example)
    raise InvalidInput(f"No example can be kept of a {type(example).__name__}: pass a DataFrame, an array or a list.")


def _encode_list(example: Any) -> Document:
    found: Document = {"container": LIST, "tuple": isinstance(example, tuple)}
    pairs = [encode_or_text(item) for item in example]
    found["data"] = [form for form, _ in pairs]
    return found if all(whole for _, whole in pairs) else {**found, "lossy": True}


def _encode_array(example: Any) -> Document:
    import numpy as np

    found: Document = {"container": ARRAY, "dtype": example.dtype.str, "shape": list(example.shape)}
    if example.dtype.names:
        return {**found, "dtype": "|O", "fields": example.dtype.descr, "data": _fields_encoded(example)}
    flat = example.ravel()
    if example.dtype.kind in "OT":
        pairs = [encode_or_text(value) for value in flat.tolist()]
        found |= {"dtype": "|O", "data": [form for form, _ in pairs]}
        return found if all(whole for _, whole in pairs) else {**found, "lossy": True}
    if example.dtype.kind in "biuf" and example.dtype.itemsize <= np.dtype(np.float64).itemsize:
        return {**found, "data": [encode(value) for value in flat.tolist()]}
    return {**found, "data": [encode(value) for value in flat]}


def _fields_encoded(example: Any) -> list[Document]:
    return [_encode_array(example[name]) for name in example.dtype.names]


def _encode_sparse(example: Any) -> Document:
    from scipy.sparse import sparray

    cells = example.tocoo()
    return {
        "container": SPARSE, "format": example.format, "array": isinstance(example, sparray),
        "values": _encode_array(cells.data), "row": cells.row.tolist(), "column": cells.col.tolist(),
        "shape": list(example.shape),
    }  # fmt: skip


def decode_example(found: Mapping[str, Any]) -> Any:
    """Return the example in its container and dtypes.

    Raises
    ------
    Damaged
        Not what ``encode_example`` writes, or of a dtype that this environment does not have.
    """
    try:
        return _decoded(found)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, zoneinfo.ZoneInfoNotFoundError) as fault:
        raise Damaged(f"This example cannot be rebuilt here: {type(fault).__name__}: {text_of(fault, 200)}") from fault


def _decoded(found: Mapping[str, Any]) -> Any:
    kind = found["container"]
    if kind in (FRAME, SERIES):
        from nbregistry.capture.examples_of_pandas import decode_frame, decode_series

        return decode_frame(found) if kind == FRAME else decode_series(found)
    if kind == ARRAY:
        return _decode_array(found)
    if kind == SPARSE:
        return _decode_sparse(found)
    if kind == MAPPING:
        return {decode(key): _decoded(value) for key, value in found["entries"]}
    if kind == LIST and "items" in found:
        return [_decoded(item) for item in found["items"]]
    if kind == LIST:
        items = [decode(item) for item in found["data"]]
        return tuple(items) if found.get("tuple") else items
    raise ValueError(f"no container {text_of(kind)!r}")


def _decode_array(found: Mapping[str, Any]) -> Any:
    import numpy as np

    shape = tuple(found["shape"])
    if "fields" in found:
        dtype = np.dtype([(f[0], f[1], *(tuple(s) for s in f[2:])) for f in found["fields"]])
        whole = np.zeros(shape, dtype=dtype)
        for name, values in zip(dtype.names or (), found["data"], strict=True):
            whole[name] = _decode_array(values)
        return whole
    flat = np.empty(len(found["data"]), dtype=np.dtype(found["dtype"]))
    for place, value in enumerate(found["data"]):
        flat[place] = decode(value)
    return flat.reshape(shape)


def _decode_sparse(found: Mapping[str, Any]) -> Any:
    from scipy import sparse

    build = sparse.coo_array if found["array"] else sparse.coo_matrix
    cells = (_decode_array(found["values"]), (found["row"], found["column"]))
    return build(cells, shape=tuple(found["shape"])).asformat(found["format"])
