"""One line of JSON for every request: what was asked of whom and what became of it, never what was in it.

No body, no token, no query, no path as it was sent: the route's pattern, the id and numbers.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from time import time
from typing import Any

import orjson

from nbregistry.serving.lines import Lines
from nbregistry.serving.measures import Measures
from nbregistry.serving.options import MIB, Options
from nbregistry.serving.request import SAFE_ID, Noted

_LIMIT, _QUEUE = 64 * MIB, 20_000
_METHODS = frozenset({"GET", "POST", "HEAD", "DELETE", "PUT"})


class AccessLog:
    """Writes ``access-<index>.jsonl`` in the run folder.

    Parameters
    ----------
    options : Options
        Whether and where.
    measures : Measures
        Counts lines given up.
    """

    def __init__(self, options: Options, measures: Measures) -> None:
        self._lines: Lines | None = None
        if options.folder is not None and options.access_log:
            self._lines = Lines(
                options.folder / f"access-{options.index}.jsonl", _form, limit=_LIMIT, queue=_QUEUE,
                dropped=measures.log_dropped.labels("access"),
            )  # fmt: skip

    def write(self, request: Noted, status: int, sent: int, seconds: float) -> None:
        """Note one request and its answer."""
        if self._lines is not None:
            by, route = request.by, request.route
            self._lines.put((
                time(), request.id, request.method, route.pattern if route else None, request.name, by and by.number,
                status, request.rows, seconds, request.received, sent,
            ))  # fmt: skip

    def start(self) -> None:
        """Begin to write."""
        if self._lines is not None:
            self._lines.start()

    def stop(self) -> None:
        """Write what waits."""
        if self._lines is not None:
            self._lines.stop()


def _form(item: tuple[Any, ...]) -> bytes:
    """Return a line of JSON; most are of a few kinds and differ in numbers only."""
    moment, request_id, method, route, model, version, status, rows, seconds, received, sent = item
    if method in _METHODS and type(version) is int and SAFE_ID.match(request_id):
        return b'{"time":"%s.%03dZ","id":"%s",%s,"status":%d,"rows":%d,"ms":%.3f,"received":%d,"sent":%d}' % (
            _second(int(moment)), int(moment % 1 * 1000), request_id.encode("ascii"),
            _whom(method, route, model, version), status, rows, seconds * 1000, received, sent,
        )  # fmt: skip
    line = {
        "time": stamp(moment), "id": request_id, "method": method if method.isalpha() else None, "route": route,
        "model": model or None, "version": version, "status": status, "rows": rows, "ms": round(seconds * 1000, 3),
        "received": received, "sent": sent,
    }  # fmt: skip
    return orjson.dumps(line)


@lru_cache(maxsize=4)
def _second(moment: int) -> bytes:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode("ascii")


@lru_cache(maxsize=512)
def _whom(method: str, route: str | None, model: str, version: int) -> bytes:
    return orjson.dumps({"method": method, "route": route, "model": model or None, "version": version})[1:-1]


def stamp(moment: float) -> str:
    """Return a moment as text, in UTC, to the millisecond."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
