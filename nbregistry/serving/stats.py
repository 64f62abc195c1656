"""What was counted, for people: rates, quantiles and shares by model and version, over all processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nbregistry.serving.metrics import SECONDS
from nbregistry.types import Document

State = Mapping[str, Sequence[Sequence[Any]]]


def summary(state: State, now: float) -> Document:
    """Return the statistics of a server.

    Parameters
    ----------
    state : mapping
        As ``Snapshots.state`` gives it.
    now : float
        Seconds since 1970.
    """
    started = _one(state, "process_start_time_seconds") or now
    return {
        "uptime": round(now - started, 1),
        "workers": int(_one(state, "nbregistry_workers")),
        "restarts": int(_one(state, "nbregistry_worker_restarts_total")),
        "memory": int(_one(state, "process_resident_memory_bytes")),
        "in_flight": int(_one(state, "nbregistry_requests_in_flight")),
        "queued": int(_one(state, "nbregistry_queue_rows")),
        "requests": int(sum(v for _, v in _cells(state, "nbregistry_requests_total"))),
        "rejected": {labels[0]: int(v) for labels, v in _cells(state, "nbregistry_rejected_total")},
        "log_dropped": int(sum(v for _, v in _cells(state, "nbregistry_log_dropped_total"))),
        "versions": list(_versions(state)),
        "seconds": {"bounds": list(SECONDS), "counts": _added(state, "nbregistry_request_seconds", len(SECONDS) + 1)},
        "batches": _batches(state),
        "nodes": [
            {"graph": graph, "node": node, **_durations([spread])}
            for (graph, node), spread in _cells(state, "nbregistry_node_seconds")
        ],
        "routed": _listed(state, "nbregistry_routed_total", ("graph", "node", "route"), "requests"),
        "shadow": _listed(state, "nbregistry_shadow_rows_total", ("graph", "node", "outcome"), "rows"),
        "feedback": _listed(state, "nbregistry_feedback_total", ("graph", "node", "route"), "rewards"),
    }


def _versions(state: State) -> Iterator[Document]:
    """Yield what is known of each version that ever answered or is served."""
    keys = {tuple(labels[:2]): None for labels, _ in _cells(state, "nbregistry_served")}
    keys |= {tuple(labels[:2]): None for labels, _ in _cells(state, "nbregistry_requests_total") if labels[1]}
    served = {tuple(labels): v for labels, v in _cells(state, "nbregistry_served")}
    compiled = {tuple(labels): v for labels, v in _cells(state, "nbregistry_compiled")}
    for key in keys:
        requests = [(labels, v) for labels, v in _cells(state, "nbregistry_requests_total") if tuple(labels[:2]) == key]
        status: dict[str, int] = {}
        for labels, value in requests:
            status[labels[3]] = status.get(labels[3], 0) + int(value)
        batches = _of(state, "nbregistry_batch_rows", key)
        runs = sum(sum(counts) for counts, _ in batches)
        yield {
            "model": key[0], "version": int(key[1]) if key[1].isdigit() else key[1], "served": bool(served.get(key)),
            "compiled": bool(compiled[key]) if key in compiled else None, "requests": status,
            "rows": int(sum(_of(state, "nbregistry_rows_total", key))),
            "errors": {k[2]: int(v) for k, v in _cells(state, "nbregistry_errors_total") if tuple(k[:2]) == key},
            **_durations(_of(state, "nbregistry_request_seconds", key)),
            "batch": {"runs": runs, "rows": round(sum(t for _, t in batches) / runs, 2) if runs else None},
        }  # fmt: skip


def _added(state: State, name: str, length: int) -> list[int]:
    """Return a histogram's counts over all models, of which two show what came between them."""
    counts = [counts for labels, (counts, _) in _cells(state, name) if labels[0]]
    return [int(sum(column)) for column in zip(*counts, strict=True)] if counts else [0] * length


def _batches(state: State) -> Document:
    cells = [cell for _, cell in _cells(state, "nbregistry_batch_rows")]
    return {"runs": sum(sum(counts) for counts, _ in cells), "rows": int(sum(total for _, total in cells))}


def _durations(spreads: Sequence[Any]) -> Document:
    """Return milliseconds: the mean, and quantiles as far as buckets tell them."""
    if not spreads:
        return {"count": 0, "ms": {}}
    counts = [sum(column) for column in zip(*(counts for counts, _ in spreads), strict=True)]
    count, total = sum(counts), sum(t for _, t in spreads)
    if not count:
        return {"count": 0, "ms": {}}
    quantiles = {f"p{q}": round(1000 * quantile(counts, SECONDS, q / 100), 3) for q in (50, 95, 99)}
    return {"count": count, "ms": {"mean": round(1000 * total / count, 3), **quantiles}}


def quantile(counts: Sequence[int], bounds: Sequence[float], part: float) -> float:
    """Return a quantile of a histogram, as Prometheus' ``histogram_quantile`` does: even spread within a bucket."""
    rank, below = part * sum(counts), 0
    for at, count in enumerate(counts):
        if count and below + count >= rank:
            if at == len(bounds):
                return bounds[-1]
            low = bounds[at - 1] if at else 0.0
            return low + (bounds[at] - low) * (rank - below) / count
        below += count
    return bounds[-1]


def _cells(state: State, name: str) -> Sequence[Sequence[Any]]:
    return state.get(name, ())


def _of(state: State, name: str, key: tuple[str, ...]) -> list[Any]:
    return [value for labels, value in _cells(state, name) if tuple(labels[: len(key)]) == key]


def _one(state: State, name: str) -> float:
    return float(sum(v for _, v in _cells(state, name)))


def _listed(state: State, name: str, labels: tuple[str, ...], count: str) -> list[Document]:
    return [{**dict(zip(labels, given, strict=True)), count: int(value)} for given, value in _cells(state, name)]
