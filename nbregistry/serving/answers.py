"""What each route that scores nothing answers: what is served, how it fares, and changes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import time
from typing import TYPE_CHECKING, Any

import orjson

from nbregistry.config import release
from nbregistry.errors import InvalidInput, NotFound, Overloaded
from nbregistry.serving import openapi, page, scoring, stats
from nbregistry.serving.codec import inference, seldon
from nbregistry.serving.metrics import OPENMETRICS, TEXT
from nbregistry.serving.node import Endpoint
from nbregistry.serving.request import Answer, Request

if TYPE_CHECKING:
    from nbregistry.serving.app import Application

Action = Callable[["Application", Request], Awaitable[Answer]]

_PLAIN = b"text/plain; charset=utf-8"


def answer(found: Any, status: int = 200) -> Answer:
    """Return plain data as JSON; what JSON has no word for is told as text."""
    return Answer(orjson.dumps(found, default=str, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY), status)


def endpoint_of(app: Application, request: Request) -> Endpoint:
    """Return whom the path means, and remember it for statistics."""
    found = app.endpoints.find(*request.asked)
    request.name = found.name
    return found


def state_of(endpoint: Endpoint) -> dict[str, Any]:
    """Return in a few words what an endpoint serves and whether it is what it should."""
    by = endpoint.by
    return {
        "name": endpoint.name, "ref": endpoint.ref, "ready": endpoint.ready, "trouble": endpoint.trouble,
        "version": by.number if by else None, "serves": by.ref if by else None, "digest": by.digest if by else None,
    }  # fmt: skip


async def models(app: Application, request: Request) -> Answer:
    """``GET /models``: everything served."""
    return answer({"models": [{**state_of(e), "methods": e.methods} for e in app.endpoints.all()]})


async def metadata(app: Application, request: Request) -> Answer:
    """``GET /models/{name}/metadata``: all that can be told of one."""
    endpoint = endpoint_of(app, request)
    request.by = endpoint.by
    return answer({**state_of(endpoint), **endpoint.metadata()})


async def report(app: Application, request: Request) -> Answer:
    """``GET /models/{name}/report``: how the nodes of a graph that watch or choose have fared."""
    endpoint = endpoint_of(app, request)
    told = getattr(endpoint, "report", None)
    if told is None:
        raise NotFound(f"{endpoint.ref} is a single model: graphs with a shadow or a bandit have a report.")
    return answer(told())


async def ping(app: Application, request: Request) -> Answer:
    """``GET /ping``, ``/health``: whether everything asked for can answer."""
    _ready_or_not(app)
    return Answer(b"\n", media=_PLAIN)


async def version(app: Application, request: Request) -> Answer:
    """``GET /version``."""
    return Answer(release().encode(), media=_PLAIN)


async def livez(app: Application, request: Request) -> Answer:
    """``GET /livez``: the process answers."""
    return answer({"live": True})


async def readyz(app: Application, request: Request) -> Answer:
    """``GET /readyz``: 503 until everything answers, and while the process leaves; ``?verbose`` says why."""
    ready = _is_ready(app)
    told: dict[str, Any] = {"ready": ready}
    if "verbose" in request.query:
        app.door.permission("read", request.headers)
        told.update(leaving=app.leaving, endpoints=[state_of(e) for e in app.endpoints.all()])
    found = answer(told, 200 if ready else 503)
    return found if ready else found._replace(headers=((b"retry-after", b"1"),))


def _is_ready(app: Application) -> bool:
    return not app.leaving and all(e.ready for e in app.endpoints.all())


def _ready_or_not(app: Application) -> None:
    if not _is_ready(app):
        raise Overloaded("Not everything is ready: /readyz?verbose says what.", 1.0)


async def metrics(app: Application, request: Request) -> Answer:
    """``GET /metrics``: of all processes; OpenMetrics where it is asked for."""
    newer = b"application/openmetrics-text" in request.headers.get(b"accept", b"")
    found = await asyncio.to_thread(app.snapshots.text, openmetrics=newer)  # it reads what the other processes left
    return Answer(found, media=(OPENMETRICS if newer else TEXT).encode())


async def statistics(app: Application, request: Request) -> Answer:
    """``GET /stats``: the same for people and for the handle in the notebook."""
    found = stats.summary(await asyncio.to_thread(app.snapshots.state), time())
    return answer({**found, "endpoints": [state_of(e) for e in app.endpoints.all()]})


async def start(app: Application, request: Request) -> Answer:
    """``GET /``: the page where there is one."""
    if app.options.docs:
        return Answer(b"", 307, headers=((b"location", b"/docs"),))
    return answer({"server": "nbregistry", "version": release()})


async def docs(app: Application, request: Request) -> Answer:
    """``GET /docs`` and its parts: files of the package, nothing else."""
    if not app.options.docs:
        raise NotFound("This server was started without its documentation page.")
    return page.part(request.values.get("file", "index.html"))


async def described(app: Application, request: Request) -> Answer:
    """``GET /openapi.json``."""
    if not app.options.docs:
        raise NotFound("This server was started without its documentation.")
    return answer(openapi.document(app))


async def inference_server(app: Application, request: Request) -> Answer:
    """``GET /v2``."""
    return answer(inference.server(release()))


async def inference_health(app: Application, request: Request) -> Answer:
    """``GET /v2/health/ready``."""
    _ready_or_not(app)
    return answer({"ready": True})


async def inference_model(app: Application, request: Request) -> Answer:
    """``GET /v2/models/{name}``: its tensors."""
    endpoint = endpoint_of(app, request)
    request.by = endpoint.by
    return answer(inference.metadata(endpoint))


async def inference_ready(app: Application, request: Request) -> Answer:
    """``GET /v2/models/{name}/ready``."""
    endpoint = endpoint_of(app, request)
    if not endpoint.ready:
        raise Overloaded(f"{endpoint.ref} is not ready.", 1.0)
    request.by = endpoint.by
    return answer({"name": endpoint.name, "ready": True})


async def repository_index(app: Application, request: Request) -> Answer:
    """``GET`` or ``POST /v2/repository/index``: what is served, in the words of the repository extension."""
    return answer(inference.repository(app.endpoints.all(), ready=_object(request).get("ready") is True))


async def repository_load(app: Application, request: Request) -> Answer:
    """``POST /v2/repository/models/{name}/load``: serve one more reference, ``churn`` or ``churn@champion``."""
    _object(request)
    endpoint = await app.endpoints.load(request.values["name"])
    request.name, request.by = endpoint.name, endpoint.by
    return answer(state_of(endpoint))


async def repository_unload(app: Application, request: Request) -> Answer:
    """``POST /v2/repository/models/{name}/unload``."""
    _object(request)
    await app.endpoints.unload(request.values["name"])
    return answer({"name": request.values["name"]})


async def seldon_metadata(app: Application, request: Request) -> Answer:
    """``GET /api/v1.0/metadata[/{name}]``."""
    endpoint = endpoint_of(app, request)
    request.by = endpoint.by
    return answer(seldon.metadata(endpoint))


def _object(request: Request) -> Mapping[str, Any]:
    """Return the body's JSON object; no body is an empty one."""
    if not request.body:
        return {}
    try:
        found = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise InvalidInput("The body is not JSON.") from None
    if not isinstance(found, dict):
        raise InvalidInput("The body is a JSON object.")
    return found


ACTIONS: Mapping[str, Action] = {
    "predict": scoring.predict, "feedback": scoring.feedback, "models": models, "metadata": metadata, "report": report,
    "ping": ping, "version": version, "livez": livez, "readyz": readyz, "metrics": metrics, "stats": statistics,
    "start": start, "docs": docs, "docs_file": docs, "openapi": described, "inference_server": inference_server,
    "inference_health": inference_health, "inference_model": inference_model, "inference_ready": inference_ready,
    "repository_index": repository_index, "repository_load": repository_load,
    "repository_unload": repository_unload, "seldon_metadata": seldon_metadata,
}  # fmt: skip
"""The function of each action that the route table names."""
