"""What a server does now: the difference of two answers to how much it did since its start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from nbregistry.serving.stats import quantile
from nbregistry.types import Document


class Rates(NamedTuple):
    """What was counted between two looks.

    Attributes
    ----------
    requests, errors : float
        Each second; predictions, and those of them that were refused or failed.
    p50, p99 : float or None
        Milliseconds; None where nothing was asked.
    batch : float or None
        Rows in one run of a model; None where none ran.
    queued, in_flight, memory : int
        As they stand: rows that wait, requests under way, bytes of all processes.
    """

    requests: float
    errors: float
    p50: float | None
    p99: float | None
    batch: float | None
    queued: int
    in_flight: int
    memory: int


def rates(before: Document, now: Document, seconds: float) -> Rates:
    """Return what became of a server between two answers of its ``stats()``, ``seconds`` apart.

    Counters that fell are those of a server that was started again at the same place: what it counted since is taken.
    """
    if _requests(now) < _requests(before) or _failed(now) < _failed(before):
        before = {}
    passed = max(seconds, 1e-3)
    earlier = _counts(before)
    counts = [new - old for new, old in zip(_counts(now), earlier or [0] * len(_counts(now)), strict=True)]
    bounds = now.get("seconds", {}).get("bounds", ())
    p50, p99 = (1000 * quantile(counts, bounds, part) if sum(counts) > 0 else None for part in (0.5, 0.99))
    runs, rows = (_batches(now)[name] - _batches(before)[name] for name in ("runs", "rows"))
    return Rates(
        (_requests(now) - _requests(before)) / passed,
        (_failed(now) - _failed(before)) / passed,
        p50,
        p99,
        rows / runs if runs > 0 else None,
        int(now.get("queued", 0)),
        # The question itself is one of them.
        max(int(now.get("in_flight", 1)) - 1, 0),
        int(now.get("memory", 0)),
    )


def _requests(stats: Document) -> int:
    return sum(sum(version["requests"].values()) for version in stats.get("versions", ()))


def _failed(stats: Document) -> int:
    statuses = [pair for version in stats.get("versions", ()) for pair in version["requests"].items()]
    return int(sum(n for status, n in statuses if status != "2xx") + sum(stats.get("rejected", {}).values()))


def _counts(stats: Document) -> list[int]:
    return list(stats.get("seconds", {}).get("counts", ()))


def _batches(stats: Document) -> Mapping[str, Any]:
    return stats.get("batches") or {"runs": 0, "rows": 0}
