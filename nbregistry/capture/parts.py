"""Data of any container cut into blocks that NumPy can summarise at once: columns of one dtype together.

Beyond a number of cells only a sample of the rows is taken: one row out of each stretch, at a place in it that a fixed
seed decides, so that the same data always gives the same sample and a period in the data cannot align with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nbregistry.capture.boundary import attempt
from nbregistry.capture.containers import ARRAY, FRAME, LIST, MAPPING, SERIES, SPARSE, as_pandas, kind_of, row_count
from nbregistry.capture.values import text_of

Array = npt.NDArray[Any]

MOST_CELLS = 100_000
MOST_COLUMNS = 200
_FEWEST_ROWS = 100
_SEED = 20_260_101

NUMBER, BOOLEAN, MOMENT, DURATION, CATEGORY, OBJECT = "number", "boolean", "moment", "duration", "category", "object"


@dataclass(slots=True)
class Part:
    """Columns of one kind.

    Attributes
    ----------
    positions : list of int
        Which columns these are.
    kind : str
        ``number``, ``boolean``, ``moment``, ``duration``, ``category`` or ``object``.
    values : ndarray
        Numbers and booleans: one row per column. Else one column: moments and durations as 64-bit integers, categories
        as codes (-1: missing), objects as they are.
    missing : ndarray of bool, or None
        Where values are missing, for kinds whose values cannot say.
    labels : sequence
        The categories; or the unit of moments and durations.
    """

    positions: list[int]
    kind: str
    values: Array
    missing: npt.NDArray[np.bool_] | None = None
    labels: Sequence[Any] = ()


@dataclass(slots=True)
class Table:
    """Data as columns: names and dtypes of all, parts of the first 200, of a sample of the rows."""

    rows: int
    names: list[str]
    dtypes: list[str]
    parts: list[Part]
    sampled: int | None = None


def sample_of(rows: int, columns: int) -> npt.NDArray[np.intp] | None:
    """Return which rows to look at; None for all of them."""
    wanted = max(_FEWEST_ROWS, MOST_CELLS // max(1, columns))
    if rows * max(1, columns) <= MOST_CELLS or rows <= wanted:
        return None
    edges = np.linspace(0, rows, wanted + 1).astype(np.intp)
    offsets = np.random.default_rng(_SEED).random(wanted)
    found: npt.NDArray[np.intp] = edges[:-1] + (offsets * np.diff(edges)).astype(np.intp)
    return found


def table_of(data: Any, names: Sequence[str] | None = None) -> Table:
    """Return data as columns; one without columns where its container is not known."""
    kind = kind_of(data)
    rows = row_count(data) or 0
    if kind == FRAME:
        found = _of_frame(data, rows)
    elif kind == SERIES:
        found = _of_series(data, rows)
    elif kind == ARRAY:
        found = _of_array(data, rows)
    elif kind == SPARSE:
        found = _of_sparse(data, rows)
    elif kind == LIST:
        found = _of_list(data, rows)
    elif kind == MAPPING:
        found = _of_mapping(data, rows)
    else:
        dtype = text_of(getattr(data, "dtype", type(data).__name__))
        found = Table(rows, [], [dtype, text_of(getattr(data, "shape", ""))], [])
    if names is not None:
        given = [text_of(name, 200) for name in names]
        found.names = given if len(given) == len(found.names) else found.names
    return found


def _of_frame(data: Any, rows: int) -> Table:
    chosen = sample_of(rows, min(data.shape[1], MOST_COLUMNS))
    labels = list(data.columns)
    sample = as_pandas(data[chosen.tolist()] if chosen is not None and not hasattr(data, "iloc") else data)
    dtypes = sample.dtypes.tolist()
    if len(labels) > MOST_COLUMNS:
        sample = sample.iloc[:, :MOST_COLUMNS]
    if chosen is not None and len(sample) == rows:
        sample = sample.iloc[chosen]
    table = Table(rows, [text_of(label, 200) for label in labels], [str(d) for d in dtypes], [], _count(chosen))
    blocks: dict[Any, list[int]] = {}
    for position, dtype in enumerate(dtypes[:MOST_COLUMNS]):
        if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
            blocks.setdefault(dtype, []).append(position)
        else:
            table.parts.append(_column(sample.iloc[:, position], position))
    for dtype, positions in blocks.items():
        block = sample if len(positions) == sample.shape[1] else sample.iloc[:, positions]
        table.parts.append(Part(positions, BOOLEAN if dtype.kind == "b" else NUMBER, block.to_numpy().T))
    return table


def _of_series(data: Any, rows: int) -> Table:
    chosen = sample_of(rows, 1)
    series = as_pandas(data)
    name = "" if series.name is None else text_of(series.name, 200)
    sample = series if chosen is None else series.iloc[chosen]
    return Table(rows, [name], [str(series.dtype)], [_column(sample, 0)], _count(chosen))


def _column(series: Any, position: int) -> Part:
    """Return one column of a pandas dtype as a part."""
    dtype = series.dtype
    kind = getattr(dtype, "kind", "O")
    text = str(dtype)
    if text == "category":
        return Part([position], CATEGORY, series.cat.codes.to_numpy(), labels=series.cat.categories.tolist())
    if text.startswith("Sparse"):
        return _column(series.sparse.to_dense(), position)
    if kind in "Mm" and kind:
        return _temporal(series, position)
    if kind in "biuf" and kind:
        missing = series.isna().to_numpy()
        filled = series.fillna(False if kind == "b" else 0) if missing.any() else series
        values = filled.to_numpy(dtype=np.dtype(getattr(dtype, "numpy_dtype", dtype)))
        return Part([position], BOOLEAN if kind == "b" else NUMBER, values[None, :], missing[None, :])
    return Part([position], OBJECT, series.to_numpy(dtype=object), series.isna().to_numpy())


def _temporal(series: Any, position: int) -> Part:
    """Return moments, in UTC where they have a zone, or durations as a part."""
    from pandas import to_datetime, to_timedelta

    text, moments = str(series.dtype), series.dtype.kind == "M"
    if text.endswith("[pyarrow]"):
        objects = series.to_numpy(dtype=object)
        series = (to_datetime(objects, utc=True) if moments else to_timedelta(objects)).to_series()
    zoned = getattr(series.dtype, "tz", None) is not None
    values = (series.dt.tz_convert("UTC").dt.tz_localize(None) if zoned else series).to_numpy()
    zone = "+00:00" if zoned and (not text.endswith("[pyarrow]") or "tz=" in text) else ""
    labels = (np.datetime_data(values.dtype)[0], zone)
    return Part([position], MOMENT if moments else DURATION, values.view(np.int64), np.isnat(values), labels)


def _of_array(data: Array, rows: int) -> Table:
    if data.dtype.names:
        return _of_mapping({name: data[name] for name in data.dtype.names}, rows)
    width = data.shape[1] if data.ndim == 2 else 1
    chosen = sample_of(rows, min(width, MOST_COLUMNS) if data.ndim == 2 else max(1, data.size // max(1, rows)))
    sample = data if chosen is None else data[chosen]
    if data.ndim == 2:
        names, sample = [str(i) for i in range(width)], sample[:, :MOST_COLUMNS].T
    else:
        names, sample = [""], sample.reshape(1, -1)[:, :: max(1, sample.size // MOST_CELLS)]
    return Table(rows, names, [str(data.dtype)] * width, list(_of_block(sample)), _count(chosen))


def _of_block(block: Array) -> list[Part]:
    """Return an array with one row per column as parts."""
    kind = block.dtype.kind
    positions = list(range(len(block)))
    if kind in "biuf":
        return [Part(positions, BOOLEAN if kind == "b" else NUMBER, block)]
    if kind in "Mm":
        unit = np.datetime_data(block.dtype)[0]
        kept = MOMENT if kind == "M" else DURATION
        return [
            Part([p], kept, np.ascontiguousarray(block[p]).view(np.int64), np.isnat(block[p]), (unit, ""))
            for p in positions
        ]
    from nbregistry.capture.numbers import missing_in

    return [Part([p], OBJECT, block[p].astype(object), missing_in(block[p])) for p in positions]


def _of_sparse(data: Any, rows: int) -> Table:
    width = data.shape[1] if len(data.shape) == 2 else 1
    chosen = sample_of(rows, min(width, MOST_COLUMNS))
    sample = data.tocsr() if len(data.shape) == 2 else data.reshape((-1, 1)).tocsr()
    sample = sample if chosen is None else sample[chosen]
    dense = sample[:, :MOST_COLUMNS].toarray()
    return Table(rows, [str(i) for i in range(width)], [str(data.dtype)] * width, _of_block(dense.T), _count(chosen))


def _of_list(data: Sequence[Any], rows: int) -> Table:
    """Return a list of values, of rows or of dictionaries as columns."""
    chosen = sample_of(rows, _width(data))
    sample = list(data) if chosen is None else [data[i] for i in chosen.tolist()]
    if sample and all(isinstance(row, dict) for row in sample):
        keys = list(dict.fromkeys(key for row in sample for key in row))
        columns = {key: [row.get(key) for row in sample] for key in keys}
        found = _of_mapping(columns, len(sample))
        found.rows, found.sampled = rows, _count(chosen)
        return found
    from nbregistry.capture.arrays import numbers_in

    known = attempt("", lambda: numbers_in(sample)[0], None) if sample else None
    if known is not None and known.ndim <= 2:
        block = known[None, :] if known.ndim == 1 else known.T[:MOST_COLUMNS]
        width = len(block) if known.ndim == 1 else known.shape[1]
        names = [""] if known.ndim == 1 else [str(i) for i in range(width)]
        return Table(rows, names, [str(known.dtype)] * width, _of_block(block), _count(chosen))
    values = np.empty(len(sample), dtype=object)
    values[:] = sample
    missing = np.fromiter((v is None for v in sample), dtype=bool, count=len(sample))
    return Table(rows, [""], ["object"], [Part([0], OBJECT, values, missing)], _count(chosen))


def _width(data: Sequence[Any]) -> int:
    first = data[0] if data else None
    return max(1, min(len(first), MOST_COLUMNS)) if isinstance(first, (list, tuple, dict)) else 1


def _of_mapping(data: Any, rows: int) -> Table:
    """Return a dictionary as columns; an entry that is a matrix is named and not described."""
    found = Table(rows, [], [], [])
    for position, (key, values) in enumerate(data.items()):
        inner = table_of(values)
        found.names.append(text_of(key, 200))
        found.dtypes.append(inner.dtypes[0] if inner.dtypes else type(values).__name__)
        found.sampled = inner.sampled if inner.sampled is not None else found.sampled
        if position < MOST_COLUMNS and len(inner.names) == 1 and inner.parts:
            inner.parts[0].positions = [position]
            found.parts.append(inner.parts[0])
    return found


def _count(chosen: npt.NDArray[np.intp] | None) -> int | None:
    return None if chosen is None else len(chosen)
