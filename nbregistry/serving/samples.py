"""A sample of what models were asked and what they said, row by row, to watch for drift later.

Whether a request is kept is drawn as it is answered; forming and writing happens on a thread. Columns that the owner
named are never kept, and of a long request only its first rows.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from time import time
from typing import Any

import orjson

from nbregistry.serving.accesslog import stamp
from nbregistry.serving.boundary import attempted
from nbregistry.serving.lines import Lines
from nbregistry.serving.measures import Measures
from nbregistry.serving.node import Batch
from nbregistry.serving.options import Options
from nbregistry.serving.table import Shape, Table

ROWS = 1000
"""Rows kept of one request."""

_QUEUE = 256
_NOTHING = Table(Shape.ROWS, [], 0)
_REDACTED = "[redacted]"


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept of an answered batch: its first rows, copied, and how many there were."""

    table: Table | None
    outputs: Any
    answer: Batch
    rows: int

    @classmethod
    def of(cls, answer: Batch) -> _Kept:
        table, rows = answer.table, answer.table.rows
        cut: Table | None = None
        if table.shape is not Shape.WHOLE:
            cut = table.cut(0, min(rows, ROWS))
            if table.shape is Shape.ARRAY and rows > ROWS:
                cut.values = cut.values.copy()  # a slice would keep the whole array
        told = Batch(_NOTHING, answer.method, answer.id, params={}, by=answer.by, routing=answer.routing)
        return cls(cut, _first(answer.outputs), told, rows)


class Samples:
    """Writes ``samples-<index>.jsonl`` in the run folder.

    Parameters
    ----------
    options : Options
        The fraction, the columns that are not kept, the bytes.
    measures : Measures
        Counts requests that were drawn and given up.
    """

    def __init__(self, options: Options, measures: Measures) -> None:
        self._fraction = options.sampled if options.folder is not None else 0.0
        self._redacted = frozenset(options.redacted)
        self._random = random.Random()  # noqa: S311 - which requests are kept is no secret
        self._lines: Lines | None = None
        if options.folder is not None and self._fraction:
            self._lines = Lines(
                options.folder / f"samples-{options.index}.jsonl", self._form, limit=options.samples_limit,
                queue=_QUEUE, dropped=measures.log_dropped.labels("samples"),
            )  # fmt: skip

    def offer(self, endpoint: Any, answer: Batch) -> None:
        """Keep an answered batch, or do not: chance decides."""
        if self._lines is not None and self._random.random() < self._fraction:
            # what waits is cut first, so that a slow disk does not keep long requests in memory
            kept = attempted("Keeping a sample", lambda: _Kept.of(answer), None)
            if kept is not None:
                self._lines.put((time(), endpoint.name, names_of(endpoint), kept))

    def start(self) -> None:
        """Begin to write."""
        if self._lines is not None:
            self._lines.start()

    def stop(self) -> None:
        """Write what waits."""
        if self._lines is not None:
            self._lines.stop()

    def _form(self, item: tuple[float, str, tuple[str, ...], _Kept]) -> bytes | None:
        moment, name, names, found = item
        answer = found.answer
        kept = self._kept(found.table, names) if found.table is not None else None
        if kept is None:
            return None
        line = {
            "time": stamp(moment), "id": answer.id, "model": name, "by": [by.ref for by in answer.by],
            "digest": answer.by[0].digest if answer.by else None, "method": answer.method, "rows": found.rows,
            "routing": answer.routing, "inputs": kept, "outputs": _listed(found.outputs),
        }  # fmt: skip
        return orjson.dumps(line, default=str, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)

    def _kept(self, table: Table, names: tuple[str, ...]) -> dict[str, Any] | None:
        """Return columns by name; None for rows that have no columns of their own to redact or keep."""
        if table.shape is Shape.COLUMNS:
            columns = {n: v for n, v in zip(names, table.values, strict=True)}
        elif table.shape is Shape.ARRAY:
            values = table.values
            if values.ndim != 2 or len(names) != values.shape[1]:
                return None if self._redacted else {"": values.tolist()}
            columns = {n: values[:, at].tolist() for at, n in enumerate(names)}
        elif table.shape is Shape.ROWS and not self._redacted:
            columns = {"": table.values}
        else:
            return None
        return {n: _REDACTED if n in self._redacted else v for n, v in columns.items()}


def names_of(endpoint: Any) -> tuple[str, ...]:
    """Return the names of the columns that an endpoint takes, as far as they are known."""
    signature = getattr(endpoint.intake, "signature", None)
    return signature.names if signature is not None else ()


def _first(outputs: Any) -> Any:
    """Return the first outputs, without what is behind them."""
    shape = getattr(outputs, "shape", ())
    rows = shape[0] if shape else 0
    if hasattr(outputs, "iloc"):
        return outputs.iloc[:ROWS].copy() if rows > ROWS else outputs
    if hasattr(outputs, "tolist") and hasattr(outputs, "shape"):
        return outputs[:ROWS].copy() if rows > ROWS else outputs
    return list(outputs[:ROWS]) if isinstance(outputs, list | tuple) else str(outputs)[:1000]


def _listed(outputs: Any) -> Any:
    """Return outputs as plain data."""
    if hasattr(outputs, "iloc"):
        return outputs.to_dict(orient="list") if hasattr(outputs, "columns") else outputs.tolist()
    return outputs.tolist() if hasattr(outputs, "tolist") else outputs
