"""The server described for programs: OpenAPI 3.1, made from the route table and from what is served at this moment.

Routes of a model are written out for each one that is served, with the rows that its signature takes and an example
that works.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from nbregistry.config import release
from nbregistry.domain.signature import Signature
from nbregistry.serving import forms
from nbregistry.serving.door import OPEN
from nbregistry.serving.node import Endpoint
from nbregistry.serving.request import EXPLAIN
from nbregistry.serving.routes import INFERENCE, MLFLOW, NATIVE, SELDON, Route
from nbregistry.types import Document

if TYPE_CHECKING:
    from nbregistry.serving.app import Application

TAGS = {
    NATIVE: "nbregistry", MLFLOW: "MLflow scoring", INFERENCE: "Open Inference Protocol v2", SELDON: "Seldon v1",
    "operations": "Operations",
}  # fmt: skip
"""How the protocols are called where people read it."""

SUMMARIES = {
    "predict": "Predict", "feedback": "Reward an answer", "models": "What is served", "metadata": "One model in full",
    "report": "How a graph's shadow or bandit fares", "ping": "Whether everything is ready", "version": "Release",
    "livez": "Whether the process answers", "readyz": "Whether everything is ready, and why not",
    "metrics": "Statistics for Prometheus", "stats": "Statistics for people", "docs": "This page",
    "docs_file": "A part of this page", "openapi": "This description", "start": "The way to this page",
    "inference_server": "The server", "inference_health": "Whether everything is ready",
    "inference_model": "A model's tensors", "inference_ready": "Whether a model is ready",
    "repository_index": "What is served", "repository_load": "Serve one more reference",
    "repository_unload": "Stop serving a model", "seldon_metadata": "A model's tensors",
}  # fmt: skip
"""What each action is, in a few words."""

_HIDDEN = ("docs", "docs_file", "openapi", "start")
_PLAIN = {"ping": "text/plain", "version": "text/plain", "metrics": "text/plain"}
_REFUSALS = {
    "400": "The request cannot be meant", "401": "A token is needed", "403": "Not allowed", "404": "Not served here",
    "405": "Not this method", "408": "The request did not arrive in time", "409": "Not possible as things are",
    "413": "More than is taken at once", "415": "Not a type that is read", "422": "Rows that do not fit",
    "500": "The model, or the server, failed", "501": "A library is missing", "503": "Later; see Retry-After",
}  # fmt: skip


def document(app: Application) -> Document:
    """Return the description of a server as it is now."""
    endpoints = app.endpoints.all()
    paths: dict[str, Document] = {}
    for route in app.table.routes:
        if route.action in _HIDDEN or "{which}" in route.pattern or "{namespace}" in route.pattern:
            continue
        for endpoint in _asked(route, endpoints):
            path = route.pattern.replace("{name}", endpoint.name) if endpoint else route.pattern
            told = endpoint or (endpoints[0] if endpoints and route.action == "predict" else None)
            paths.setdefault(path, {})[route.method.lower()] = _operation(app, route, path, told)
    found: Document = {
        "openapi": "3.1.0",
        "info": {"title": _title(endpoints), "version": release(), "description": _INTRODUCTION},
        "tags": [{"name": name} for name in TAGS.values()],
        "paths": paths,
        "components": {"schemas": {f"Error_{name}": schema for name, schema in forms.ERRORS.items()}},
    }
    if app.options.tokens:
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return found


_INTRODUCTION = (
    "Every answer names the version that gave it (`X-Model-Name`, `X-Model-Version`, `X-Model-Digest`) and its request"
    " (`X-Request-Id`). Append `?explain=1` to a prediction to see its way. CSV with a line of names is read wherever"
    " rows are. A model's path may go on with a version, a stage or an alias: `/models/churn/3/predict`,"
    " `/models/churn@champion/predict`."
)


def _title(endpoints: tuple[Endpoint, ...]) -> str:
    return ", ".join(e.ref for e in endpoints[:3]) + (" ..." if len(endpoints) > 3 else "") or "nbregistry"


def _asked(route: Route, endpoints: tuple[Endpoint, ...]) -> Iterable[Endpoint | None]:
    """Yield whom a route is written out for; None for itself."""
    if "{name}" not in route.pattern:
        yield None
    elif not route.action.startswith("repository"):
        seen: set[str] = set()
        for endpoint in endpoints:
            if endpoint.name not in seen and (route.action != "report" or hasattr(endpoint, "report")):
                seen.add(endpoint.name)
                yield endpoint


def _operation(app: Application, route: Route, path: str, endpoint: Endpoint | None) -> Document:
    found: Document = {
        "tags": [TAGS[route.protocol]],
        "summary": SUMMARIES[route.action],
        "operationId": f"{route.method.lower()}_{path.strip('/').replace('/', '_') or 'start'}",
        "responses": _responses(app, route, endpoint),
    }
    if endpoint is not None and route.action == "predict":
        found["description"] = f"Answers with {endpoint.ref}."
        found["parameters"] = [_EXPLAIN]
    if route.media:
        found["requestBody"] = _body(route, endpoint)
    if app.options.tokens and route.permission != OPEN:
        found["security"] = [{"token": []}]
    return found


_EXPLAIN: Document = {
    "name": "explain", "in": "query", "required": False, "schema": {"enum": [*EXPLAIN]},
    "description": "Tell the way of the request and its timings",
}  # fmt: skip


def _body(route: Route, endpoint: Endpoint | None) -> Document:
    if route.action == "predict" and endpoint is not None:
        schema, examples = forms.request(route.protocol, *_known(endpoint))
        return {"required": True, "content": {"application/json": {"schema": schema, "examples": examples}}}
    if route.action == "feedback":
        schema, examples = forms.reward(route.protocol)
        return {"required": True, "content": {"application/json": {"schema": schema, "examples": examples}}}
    return {"required": False, "content": {"application/json": {"schema": {"type": "object"}}}}


def _known(endpoint: Endpoint) -> tuple[Signature | None, Document, tuple[str, ...]]:
    """Return what is known of an endpoint's rows; of one that is not ready, nothing."""
    if not endpoint.ready:
        return None, {}, ()
    return getattr(endpoint.intake, "signature", None), endpoint.metadata(), endpoint.methods


def _responses(app: Application, route: Route, endpoint: Endpoint | None) -> Document:
    media = _PLAIN.get(route.action, "application/json")
    schema = forms.response(route.protocol) if route.action == "predict" else {}
    content = {media: {"schema": schema} if media == "application/json" else {"schema": {"type": "string"}}}
    found: Document = {"200": {"description": "Answered", "headers": _HEADERS, "content": content}}
    statuses = ["400", "403", "404", "500", "503"]
    statuses += ["405", "408", "413", "415", "422", "409", "501"] if route.media else []
    statuses += ["401"] if app.options.tokens and route.permission != OPEN else []
    error = {"$ref": f"#/components/schemas/Error_{route.protocol if route.protocol in forms.ERRORS else NATIVE}"}
    if route.action == "readyz":
        error = {}
    for status in sorted(statuses):
        content = {"application/json": {"schema": error}}
        found[status] = {"description": _REFUSALS[status], "content": content}
    return found


_HEADERS: dict[str, Any] = {
    "X-Request-Id": {"schema": {"type": "string"}, "required": True, "description": "What feedback and logs name"},
}  # fmt: skip
