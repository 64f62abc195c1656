"""How far a shadow's answers are from those that were given: counted as they come, bounded, added up over processes."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from nbregistry.types import Document

MOST_ROWS = 20
_MOST_COLUMNS = 50
_LONGEST = 120


@dataclass(slots=True)
class Difference:
    """One row on which two answers differ: how far, which request, its inputs and both outputs as plain data."""

    distance: float
    id: str
    row: int
    inputs: Document
    main: Any
    shadow: Any

    def as_document(self) -> Document:
        """Return plain JSON data."""
        return {
            "distance": self.distance, "id": self.id, "row": self.row, "inputs": self.inputs, "main": self.main,
            "shadow": self.shadow,
        }  # fmt: skip


@dataclass(slots=True)
class Differences:
    """What is known so far.

    Attributes
    ----------
    requests, rows : int
        Compared.
    agreed : int
        Rows with the same answer: equal labels, the same most probable class, or numbers within 1e-9.
    distance, largest : float
        Sum and maximum over rows: 0 or 1 for labels, the absolute difference of numbers (the mean over several), total
        variation for probabilities (half the sum of absolute differences; Levin and Peres 2017, 4.1).
    failed, skipped : int
        Requests that the shadow did not answer, and that it was not asked because too many were waiting.
    """

    requests: int = 0
    rows: int = 0
    agreed: int = 0
    distance: float = 0.0
    largest: float = 0.0
    failed: int = 0
    skipped: int = 0
    main_seconds: float = 0.0
    shadow_seconds: float = 0.0
    slowest: float = 0.0
    errors: dict[str, int] = field(default_factory=dict)
    most: list[tuple[float, int, Document]] = field(default_factory=list)
    _order: Any = field(default_factory=count, repr=False)

    def compared(self, distances: Sequence[float], agreed: int, seconds: tuple[float, float]) -> None:
        """Count the rows of one request; ``seconds`` of the main node and of the shadow."""
        self.requests += 1
        self.rows += len(distances)
        self.agreed += agreed
        self.distance += math.fsum(distances)
        self.largest = max(self.largest, *distances, 0.0)
        self.main_seconds += seconds[0]
        self.shadow_seconds += seconds[1]
        self.slowest = max(self.slowest, seconds[1])

    def failure(self, error: str) -> None:
        """Count a request that the shadow did not answer; ``error`` is a class of ours, not a message."""
        self.failed += 1
        self.errors[error] = self.errors.get(error, 0) + 1

    def wants(self, distance: float) -> bool:
        """Whether a row this different belongs among the most different ones."""
        return distance > 0 and (len(self.most) < MOST_ROWS or distance > self.most[0][0])

    def keep(self, found: Document) -> None:
        """Keep a row among the most different ones; of equally different ones the first stay."""
        entry = (float(found["distance"]), -next(self._order), found)
        if len(self.most) < MOST_ROWS:
            heapq.heappush(self.most, entry)
        elif entry[0] > self.most[0][0]:
            heapq.heapreplace(self.most, entry)

    def as_document(self) -> Document:
        """Return plain JSON data, the most different rows first."""
        rows, requests = self.rows, self.requests
        return {
            "requests": requests, "rows": rows, "agreed": self.agreed,
            "agreement": self.agreed / rows if rows else None,
            "distance": {"mean": self.distance / rows if rows else None, "max": self.largest, "sum": self.distance},
            "failed": self.failed, "skipped": self.skipped, "errors": dict(self.errors),
            "seconds": {
                "main_mean": self.main_seconds / requests if requests else None,
                "shadow_mean": self.shadow_seconds / requests if requests else None,
                "shadow_max": self.slowest, "main_sum": self.main_seconds, "shadow_sum": self.shadow_seconds,
            },
            "most_different": [d for *_, d in sorted(self.most, key=lambda entry: (-entry[0], -entry[1]))],
        }  # fmt: skip


def merged(documents: Iterable[Mapping[str, Any]]) -> Document:
    """Return the reports of several processes as that of one."""
    found = Differences()
    for told in documents:
        found.requests += told["requests"]
        found.rows += told["rows"]
        found.agreed += told["agreed"]
        found.distance += told["distance"]["sum"]
        found.largest = max(found.largest, told["distance"]["max"])
        found.failed += told["failed"]
        found.skipped += told["skipped"]
        found.main_seconds += told["seconds"]["main_sum"]
        found.shadow_seconds += told["seconds"]["shadow_sum"]
        found.slowest = max(found.slowest, told["seconds"]["shadow_max"])
        for error, times in told["errors"].items():
            found.errors[error] = found.errors.get(error, 0) + times
        for row in told["most_different"]:
            found.keep(row)
    return found.as_document()


def distances_of(main: Any, shadow: Any, method: str) -> tuple[list[float], list[bool]]:
    """Return how far two answers to the same rows are apart, and on which rows they agree.

    Raises
    ------
    ValueError
        They have different shapes.
    """
    import numpy as np

    first, second = _array(main), _array(shadow)
    if first.shape != second.shape:
        raise ValueError(f"{first.shape} and {second.shape}")
    if first.dtype.kind in "fc" or second.dtype.kind in "fc":
        difference = np.abs(first.astype(float) - second.astype(float))
        both_missing = np.isnan(first.astype(float)) & np.isnan(second.astype(float))
        apart: Any = np.where(both_missing, 0.0, np.nan_to_num(difference, nan=1.0, posinf=1e300))
        if first.ndim == 1:
            return apart.tolist(), (apart <= 1e-9).tolist()
        flat: Any = apart.reshape(len(apart), -1)
        if method == "predict_proba" and first.ndim == 2:
            return (flat.sum(axis=1) / 2).tolist(), (first.argmax(axis=1) == second.argmax(axis=1)).tolist()
        return flat.mean(axis=1).tolist(), (flat <= 1e-9).all(axis=1).tolist()
    same: Any = np.asarray(first == second)
    same = same if same.ndim == 1 else same.reshape(len(first), -1).all(axis=1)
    return (1.0 - same).tolist(), same.tolist()


def _array(outputs: Any) -> Any:
    import numpy as np

    if hasattr(outputs, "toarray"):
        outputs = outputs.toarray()
    return np.asarray(outputs)


def inputs_of(data: Any, row: int, names: Sequence[str], redacted: Iterable[str]) -> Document:
    """Return one row's values by column, bounded, without the redacted columns."""
    hidden = set(redacted)
    if hasattr(data, "iloc"):
        part = data.iloc[row]
        pairs = list(part.items()) if hasattr(part, "items") else [(names[0] if names else "0", part)]
    else:
        values = data[row]
        values = values.toarray().ravel() if hasattr(values, "toarray") else values
        listed = list(values) if hasattr(values, "__len__") and not isinstance(values, str | bytes) else [values]
        told = names if len(names) == len(listed) else [str(i) for i in range(len(listed))]
        pairs = list(zip(told, listed, strict=True))
    return {str(name): "redacted" if str(name) in hidden else plain(value) for name, value in pairs[:_MOST_COLUMNS]}


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it, bounded."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [plain(v) for v in value[:_MOST_COLUMNS]]
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    text = str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
