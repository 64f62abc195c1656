"""What a column holds, in a few numbers that JSON can carry: range, spread, quantiles, histogram, frequent values."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from nbregistry.capture.boundary import attempt
from nbregistry.capture.mismatch import Mismatch
from nbregistry.capture.numbers import fit
from nbregistry.capture.parts import BOOLEAN, CATEGORY, DURATION, MOMENT, NUMBER, Part
from nbregistry.capture.secrets import redact
from nbregistry.capture.values import text_of
from nbregistry.types import Document

Array = npt.NDArray[Any]

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
BINS = 10
MOST_TOP = 10
_LONGEST = 64
_FEW = 20
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "m": 60.0, "h": 3_600.0, "D": 86_400.0, "W": 604_800.0}
_SAFE_INTEGER = 2**53


def summarise(part: Part) -> list[Document]:
    """Return one summary per column of a part."""
    if part.kind == NUMBER:
        return _numbers(part.values, part.missing)
    if part.kind == BOOLEAN:
        return [_booleans(row, None if part.missing is None else part.missing[i]) for i, row in enumerate(part.values)]
    if part.kind == CATEGORY:
        return [_categories(part)]
    if part.kind == MOMENT:
        return [_moments(part)]
    if part.kind == DURATION:
        return [_durations(part)]
    return [_objects(part)]


def _numbers(block: Array, missing: npt.NDArray[np.bool_] | None) -> list[Document]:
    """Summarise rows of numbers, all at once when none is missing or infinite."""
    if not block.shape[1]:
        return [{"missing": 0} for _ in block]
    floats = np.ascontiguousarray(block, dtype=np.float64)
    with np.errstate(all="ignore"):
        whole = missing is None or not missing.any()
        # a sum is finite only if every term is; the exact look is needed seldom
        if whole and (block.dtype.kind in "iu" or np.isfinite(floats.sum()) or np.isfinite(floats).all()):
            found = _finite(floats)
            _exact_range(block, found)
            return found
        return [_partial(row, None if missing is None else missing[i], block[i]) for i, row in enumerate(floats)]


def _partial(row: Array, missing: npt.NDArray[np.bool_] | None, own: Array) -> Document:
    """Summarise one row of numbers some of which are missing or infinite."""
    absent = np.isnan(row) if missing is None else missing | np.isnan(row)
    kept = np.isfinite(row) & ~absent
    found: Document = {}
    if kept.any():
        found = _finite(row[kept][None, :])[0]
        _exact_range(own[kept][None, :], [found])
    found["missing"] = int(absent.sum())
    if infinite := int((~kept & ~absent).sum()):
        found["infinite"] = infinite
    return found


def _finite(rows: Array) -> list[Document]:
    """Summarise rows of finite numbers; quantiles are interpolated linearly (Hyndman and Fan's type 7)."""
    count = rows.shape[1]
    ordered = np.sort(rows, axis=1)
    low, high = ordered[:, 0], ordered[:, -1]
    places = np.asarray(LEVELS) * (count - 1)
    below = np.floor(places).astype(np.intp)
    above = np.minimum(below + 1, count - 1)
    quantiles = ordered[:, below] + (ordered[:, above] - ordered[:, below]) * (places - below)
    distinct = (np.diff(ordered, axis=1) != 0).sum(axis=1) + 1
    mean = rows.mean(axis=1)
    spread = rows.std(axis=1, ddof=1) if count > 1 else np.full(len(rows), np.nan)
    edges = low[:, None] + (high - low)[:, None] * (np.arange(BINS + 1) / BINS)
    edges[:, -1] = high
    columns = zip(
        distinct.tolist(), low.tolist(), high.tolist(), mean.tolist(), spread.tolist(), quantiles.tolist(), strict=True
    )
    return [
        {
            "missing": 0, "distinct": different, "min": least, "max": most, "mean": _finite_or_none(middle),
            "std": _finite_or_none(width), "quantiles": [_finite_or_none(q) for q in levels],
            "histogram": _histogram(ordered[i], edges[i]),
        }
        for i, (different, least, most, middle, width, levels) in enumerate(columns)
    ]  # fmt: skip


def _histogram(ordered: Array, edges: Array) -> Document | None:
    if edges[0] == edges[-1]:
        return {"edges": [float(edges[0]), float(edges[-1])], "counts": [len(ordered)]}
    told = edges.tolist()
    if not all(map(math.isfinite, told)):
        return None  # the range itself is beyond what a float holds
    places = ordered.searchsorted(edges[1:-1])
    return {"edges": told, "counts": np.diff(places, prepend=0, append=len(ordered)).tolist()}


def _exact_range(block: Array, found: list[Document]) -> None:
    """Give integers the range they have, which floats beyond 2**53 would round."""
    if block.dtype.kind in "iu":
        for summary, low, high in zip(found, block.min(axis=1).tolist(), block.max(axis=1).tolist(), strict=True):
            summary["min"], summary["max"] = _integer(low), _integer(high)


def _integer(value: int) -> int | str:
    return value if -_SAFE_INTEGER <= value <= _SAFE_INTEGER else text_of(value)


def _finite_or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _booleans(row: Array, missing: npt.NDArray[np.bool_] | None) -> Document:
    absent = 0 if missing is None else int(missing.sum())
    yes = int(row.sum() if missing is None else row[~missing].sum())
    counts = [(True, yes), (False, len(row) - absent - yes)]
    top = [[value, count] for value, count in sorted(counts, key=lambda pair: -pair[1]) if count]
    return {"missing": absent, "distinct": len(top), "top": top}


def _moments(part: Part) -> Document:
    found, present = _presence(part)
    if len(present):
        unit, zone = part.labels
        low, high = (np.datetime64(int(v), unit) for v in (present.min(), present.max()))
        found |= {"distinct": len(np.unique(present)), "min": f"{low}{zone}", "max": f"{high}{zone}"}
    return found


def _durations(part: Part) -> Document:
    found, present = _presence(part)
    if len(present):
        summary = _finite(present[None, :] * _SECONDS.get(part.labels[0], 1.0))[0]
        found = {**summary, **found, "unit": "s"}
    return found


def _presence(part: Part) -> tuple[Document, Array]:
    missing = part.missing if part.missing is not None else np.zeros(len(part.values), dtype=bool)
    return {"missing": int(missing.sum())}, part.values[~missing]


def _categories(part: Part) -> Document:
    present = part.values[part.values >= 0]
    counts = np.bincount(present, minlength=len(part.labels)) if len(present) else np.zeros(len(part.labels), dtype=int)
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] > 0]
    found: Document = {"missing": int((part.values < 0).sum()), "distinct": len(order)}
    if _identifies(len(order), len(present), declared=True):
        return found | _lengths([text_of(part.labels[i]) for i in order.tolist()])
    found["top"] = [[_shown(part.labels[i]), int(counts[i])] for i in order[:MOST_TOP].tolist()]
    return found


def _objects(part: Part) -> Document:
    found, values = _presence(part)
    present = values.tolist()
    if not present:
        return found
    if not isinstance(present[0], (str, bytes)):
        try:
            numbers = fit(values, np.dtype(np.float64))
        except (Mismatch, TypeError, ValueError, OverflowError):
            numbers = None
        if numbers is not None and numbers.ndim == 1:
            return _numbers(numbers[None, :], None)[0] | found
    counts = attempt("", lambda: Counter(present), None) or Counter(text_of(v, 1_000) for v in present)
    found["distinct"] = len(counts)
    if _identifies(len(counts), len(present), declared=False):
        return found | _lengths(present)
    # ties are broken by text, so that the order of the rows does not matter
    ordered = sorted(((_shown(v), n) for v, n in counts.most_common(1_000)), key=lambda pair: (-pair[1], str(pair[0])))
    found["top"] = [[value, count] for value, count in ordered[:MOST_TOP]]
    return found


def _identifies(distinct: int, present: int, *, declared: bool) -> bool:
    """Whether values are so nearly unique that they tell of one person or thing each, and must not be kept."""
    if present < _FEW:
        return not declared and distinct == present
    return distinct > present / 2


def _lengths(values: list[Any]) -> Document:
    sizes = [len(v) if isinstance(v, (str, bytes)) else len(text_of(v, 1_000)) for v in values]
    return {"lengths": {"min": min(sizes), "max": max(sizes), "mean": sum(sizes) / len(sizes)}} if sizes else {}


def _shown(value: Any) -> Any:
    """Return a frequent value as JSON takes it: short, and no secret."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float) and math.isfinite(value):
        return value
    return redact(text_of(value, _LONGEST))[0]
