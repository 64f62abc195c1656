"""Every route of the server in one table: what it is, who may use it, how much it reads and in whose words it answers.

A route without a permission, or with one that nobody knows, keeps the server from starting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from nbregistry.errors import InvalidInput, NotFound
from nbregistry.serving.door import ADMIN, LEVELS, OPEN, PREDICT, READ

NATIVE, MLFLOW, INFERENCE, SELDON, OPERATIONS = "native", "mlflow", "inference", "seldon", "operations"

SMALL = 1024 * 1024
"""Bytes of a body that holds no rows."""

JSON = ("application/json",)
TABLES = (*JSON, "text/csv", "application/csv")
TENSORS = (*JSON, "application/octet-stream", "")
ORDERS = (*JSON, "")
"""With none: Triton's client sends its JSON without saying what it is. No page of another origin gets that far."""

_REMEMBERED = 512  # paths already matched; clients repeat theirs


class Route(NamedTuple):
    """One line of the table.

    Attributes
    ----------
    method, pattern : str
        ``{name}`` and ``{which}`` stand for one segment of the path.
    action : str
        Which function answers; see ``answers``.
    permission : str
        ``open``, ``predict``, ``read`` or ``admin``. There is no default on purpose.
    protocol : str
        In whose words it refuses.
    media : tuple of str
        Content types it reads; empty: it reads no body.
    limit : int or None
        Bytes of the body; None: the server's limit for rows.
    """

    method: str
    pattern: str
    action: str
    permission: str = ""
    protocol: str = OPERATIONS
    media: tuple[str, ...] = ()
    limit: int | None = 0


def _model(action: str, permission: str, method: str = "GET") -> Iterable[Route]:
    for middle in ("", "/{which}"):
        yield Route(method, f"/models/{{name}}{middle}/{action}", action, permission, NATIVE)


def _inference(start: str) -> Iterable[Route]:
    yield Route("GET", start, "inference_model", READ, INFERENCE)
    yield Route("GET", f"{start}/ready", "inference_ready", OPEN, INFERENCE)
    yield Route("POST", f"{start}/infer", "predict", PREDICT, INFERENCE, TENSORS, None)


ROUTES: tuple[Route, ...] = (
    Route("POST", "/models/{name}/predict", "predict", PREDICT, NATIVE, TABLES, None),
    Route("POST", "/models/{name}/{which}/predict", "predict", PREDICT, NATIVE, TABLES, None),
    Route("GET", "/models", "models", READ, NATIVE),
    *_model("metadata", READ),
    *_model("report", READ),
    Route("POST", "/feedback", "feedback", PREDICT, NATIVE, JSON, SMALL),
    Route("POST", "/invocations", "predict", PREDICT, MLFLOW, TABLES, None),
    Route("POST", "/models/{name}/invocations", "predict", PREDICT, MLFLOW, TABLES, None),
    Route("POST", "/models/{name}/{which}/invocations", "predict", PREDICT, MLFLOW, TABLES, None),
    Route("GET", "/ping", "ping", OPEN, MLFLOW),
    Route("GET", "/health", "ping", OPEN, MLFLOW),
    Route("GET", "/version", "version", OPEN, MLFLOW),
    Route("GET", "/v2", "inference_server", READ, INFERENCE),
    Route("GET", "/v2/health/live", "livez", OPEN, INFERENCE),
    Route("GET", "/v2/health/ready", "inference_health", OPEN, INFERENCE),
    *_inference("/v2/models/{name}"),
    *_inference("/v2/models/{name}/versions/{which}"),
    Route("GET", "/v2/repository/index", "repository_index", READ, INFERENCE),
    Route("POST", "/v2/repository/index", "repository_index", READ, INFERENCE, ORDERS, SMALL),
    Route("POST", "/v2/repository/models/{name}/load", "repository_load", ADMIN, INFERENCE, ORDERS, SMALL),
    Route("POST", "/v2/repository/models/{name}/unload", "repository_unload", ADMIN, INFERENCE, ORDERS, SMALL),
    Route("POST", "/api/v1.0/predictions", "predict", PREDICT, SELDON, JSON, None),
    Route("POST", "/api/v1.0/feedback", "feedback", PREDICT, SELDON, JSON, SMALL),
    Route("GET", "/api/v1.0/metadata", "seldon_metadata", READ, SELDON),
    Route("GET", "/api/v1.0/metadata/{name}", "seldon_metadata", READ, SELDON),
    Route("GET", "/api/v1.0/status", "ping", OPEN, SELDON),
    Route("POST", "/seldon/{namespace}/{name}/api/v1.0/predictions", "predict", PREDICT, SELDON, JSON, None),
    Route("POST", "/seldon/{namespace}/{name}/api/v1.0/feedback", "feedback", PREDICT, SELDON, JSON, SMALL),
    Route("GET", "/metrics", "metrics", READ),
    Route("GET", "/livez", "livez", OPEN),
    Route("GET", "/readyz", "readyz", OPEN),
    Route("GET", "/stats", "stats", READ),
    Route("GET", "/docs", "docs", OPEN),
    Route("GET", "/docs/{file}", "docs_file", OPEN),
    Route("GET", "/openapi.json", "openapi", READ),
    Route("GET", "/", "start", OPEN),
)
"""All routes. HEAD goes where GET goes, OPTIONS is answered for each path that is here."""


class Match(NamedTuple):
    """What a path leads to: the routes by method, and the values of the pattern's names."""

    routes: Mapping[str, Route]
    values: Mapping[str, str]


@dataclass(slots=True)
class _Branch:
    exact: dict[str, _Branch] = field(default_factory=dict)
    any: _Branch | None = None
    name: str = ""
    routes: dict[str, Route] = field(default_factory=dict)


class RouteTable:
    """The table, prepared for looking up.

    Parameters
    ----------
    routes : iterable of Route
        All of them.

    Raises
    ------
    InvalidInput
        A route declares no permission, an unknown one, or is there twice.
    """

    def __init__(self, routes: Iterable[Route] = ROUTES) -> None:
        self.routes = tuple(routes)
        self._root = _Branch()
        self._matched: dict[str, Match] = {}
        for route in self.routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        where = f"{route.method} {route.pattern}"
        if route.permission not in LEVELS:
            raise InvalidInput(f"{where} declares no permission: it must be one of {', '.join(LEVELS)}.")
        if bool(route.media) != (route.limit is None or route.limit > 0):
            raise InvalidInput(f"{where} reads a body of no type, or has a type and no room for a body.")
        branch = self._root
        for segment in route.pattern[1:].split("/"):
            if segment.startswith("{"):
                branch.any = branch.any or _Branch()
                branch.any.name = segment[1:-1]
                branch = branch.any
            else:
                branch = branch.exact.setdefault(segment, _Branch())
        if route.method in branch.routes:
            raise InvalidInput(f"{where} is there twice.")
        branch.routes[route.method] = route

    def match(self, path: str) -> Match:
        """Return what a path leads to.

        Raises
        ------
        NotFound
            To nothing.
        """
        found = self._matched.get(path)
        if found is None:
            values: dict[str, str] = {}
            branch = self._walk(self._root, path[1:].split("/", 12), values) if len(path) <= 1024 else None
            if branch is None or not branch.routes:
                raise NotFound("There is no such route; /docs shows those that there are.")
            found = Match(branch.routes, values)
            if len(self._matched) >= _REMEMBERED:
                self._matched.clear()
            self._matched[path] = found
        return found

    def _walk(self, branch: _Branch, segments: list[str], values: dict[str, str]) -> _Branch | None:
        for at, segment in enumerate(segments):
            if (exact := branch.exact.get(segment)) is not None:
                # A model may be called like a word of ours: where the word leads nowhere, the name is meant.
                rest = self._walk(exact, segments[at + 1 :], values) if at + 1 < len(segments) else exact
                if rest is not None and rest.routes:
                    return rest
            if branch.any is None or not segment:
                return None
            branch = branch.any
            values[branch.name] = segment
        return branch
