"""A profile of the data a model was trained on: enough to compare with later data, too little to rebuild it.

Columns of one dtype are summarised together. Above 100,000 cells a sample of the rows is looked at, and the profile
says so. Of columns whose values are nearly all different only the lengths are kept: names, texts and identifiers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from nbregistry.capture.containers import row_count
from nbregistry.types import Document


def profile(data: Any, y: Any = None, *, names: Sequence[str] | None = None) -> Document:
    """Return the profile of data, and of its target.

    Parameters
    ----------
    data : DataFrame, Series, ndarray, scipy sparse matrix, list, dict or polars frame
        What the model was trained on.
    y : optional
        Its target.
    names : sequence of str, optional
        Names for the columns of an array.

    Returns
    -------
    dict
        Plain JSON data: ``rows``; ``columns``, each with ``name``, ``dtype``, ``missing``, and by kind ``distinct``,
        ``min``, ``max``, ``mean``, ``std``, ``quantiles`` (at ``quantiles_at``), ``histogram``, ``top``, ``lengths``;
        ``target``, one such column, None without ``y``; ``fingerprint``. When the rows were sampled, ``sampled`` is
        true, ``sample_rows`` says how many, and counts are those of the sample. ``columns_total`` is there when only
        the first 200 columns are described.

    Notes
    -----
    The fingerprint is a hash of shape, names, dtypes and content (of the sample and the described columns), in order:
    the same rows in another order are other data. The index of a frame does not count.
    """
    try:
        from nbregistry.capture.parts import MOST_COLUMNS, table_of
        from nbregistry.capture.summaries import LEVELS
    except ImportError:  # without NumPy there are no arrays, and of a list only its length is told
        return {"rows": row_count(data) or 0, "columns": [], "target": None, "fingerprint": _unread(data)}
    table = table_of(data, names)
    found: Document = {"rows": table.rows, "columns": _columns(table), "target": None}
    if table.sampled is not None:
        found |= {"sampled": True, "sample_rows": table.sampled}
    if len(table.names) > MOST_COLUMNS:
        found["columns_total"] = len(table.names)
    found |= {"quantiles_at": list(LEVELS), "fingerprint": _fingerprint(table)}
    if y is not None:
        found["target"] = _target(table_of(y))
    return found


def _columns(table: Any) -> list[Document]:
    from nbregistry.capture.parts import MOST_COLUMNS
    from nbregistry.capture.summaries import summarise

    columns: list[Document] = [
        {"name": name, "dtype": dtype} for name, dtype in zip(table.names, table.dtypes, strict=False)
    ]
    for part in table.parts:
        for position, summary in zip(part.positions, summarise(part), strict=True):
            columns[position] |= summary
    return columns[:MOST_COLUMNS]


def _target(table: Any) -> Document | None:
    """Return a target's column; classes written as numbers are counted too."""
    columns = _columns(table)
    if not columns:
        return None
    if len(columns) > 1:
        return {"columns": columns, "fingerprint": _fingerprint(table)}
    found = columns[0]
    if "top" not in found and 0 < found.get("distinct", 0) <= 20 and table.parts and table.parts[0].kind == "number":
        found["top"] = _classes(table.parts[0])
    found["fingerprint"] = _fingerprint(table)
    if table.sampled is not None:
        found |= {"sampled": True, "sample_rows": table.sampled}
    return found


def _classes(part: Any) -> list[list[Any]]:
    import numpy as np

    values = part.values[0] if part.missing is None else part.values[0][~part.missing[0]]
    values = values.astype(np.float64) if values.dtype.kind == "f" else values
    different, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    pairs = zip(different.tolist(), counts.tolist(), strict=True)
    return [list(pair) for pair in sorted(pairs, key=lambda pair: (-pair[1], pair[0]))]


def _fingerprint(table: Any) -> str:
    import numpy as np

    from nbregistry.capture.values import text_of

    digest = hashlib.blake2b(digest_size=32)
    digest.update(repr((table.rows, table.names, table.dtypes, table.sampled)).encode("utf-8", "backslashreplace"))
    for part in sorted(table.parts, key=lambda p: p.positions[0]):
        digest.update(repr((part.kind, part.positions, [text_of(v, 1_000) for v in part.labels])).encode())
        if part.missing is not None:
            digest.update(np.packbits(part.missing).tobytes())
        if part.kind == "object":
            texts = [_content(value) for value in part.values.tolist()]
            digest.update(np.asarray([len(t) for t in texts], dtype="<i8").tobytes())
            digest.update("".join(texts).encode("utf-8", "surrogatepass"))
            continue
        values = np.ascontiguousarray(part.values)
        if values.dtype.kind == "f":
            # NaN has many bit patterns and zero two, and a long double has bytes that mean nothing
            values = np.where(np.isnan(values), np.nan, values + 0.0)
            values = values.astype(np.float64) if values.dtype.itemsize > np.dtype(np.float64).itemsize else values
        digest.update(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes())
    return digest.hexdigest()


def _content(value: Any) -> str:
    from nbregistry.capture.values import text_of

    return value if type(value) is str else f"\x00{type(value).__name__}:{text_of(value, 1_000)}"


def _unread(data: Any) -> str:
    return hashlib.blake2b(f"{type(data).__name__} {row_count(data)}".encode(), digest_size=32).hexdigest()
