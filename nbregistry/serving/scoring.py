"""The way of a prediction: bytes in one protocol's form, a table, an answer, bytes again. And of a reward.

This is the hot path: a dictionary look-up for the endpoint and the codec, and nothing that is not needed for an answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbregistry.errors import InvalidInput, NotFound, Overloaded
from nbregistry.serving.codec import inference, mlflow, native, seldon
from nbregistry.serving.codec.asked import Asked, text_field
from nbregistry.serving.codec.reading import parsed
from nbregistry.serving.codec.writing import dumped
from nbregistry.serving.decoding import is_long
from nbregistry.serving.intake import Intake
from nbregistry.serving.node import Endpoint
from nbregistry.serving.request import SAFE_ID, Answer, Request
from nbregistry.serving.routes import INFERENCE, MLFLOW, NATIVE, SELDON

if TYPE_CHECKING:
    from nbregistry.serving.app import Application

CODECS: Mapping[str, ModuleType] = {NATIVE: native, MLFLOW: mlflow, INFERENCE: inference, SELDON: seldon}


async def predict(app: Application, request: Request) -> Answer:
    """Answer with predictions, in the protocol of the route."""
    route, options = request.route, app.options
    if route is None:
        raise RuntimeError("a prediction has a route")
    if app.under_way >= options.concurrency:
        raise Overloaded(f"{options.concurrency:,} predictions are under way already; ask again in a moment.", 1.0)
    endpoint = app.endpoints.find(*request.asked)
    request.name, request.by = endpoint.name, endpoint.by
    codec = CODECS[route.protocol]
    if is_long(request.body, request.media):
        asked = await app.deadlines.within(_decoded_beside(app, codec, request, endpoint))
    else:
        asked = _decoded(codec, request, endpoint.intake.limited(options.rows_limit))
    table = asked.table
    endpoint.intake.limited(options.rows_limit).check_rows(table.rows)
    if request.explains:
        asked.explain = True
    if not asked.key and (key := request.headers.get(b"x-route-key")) is not None:
        asked.key = key.decode("latin-1")[:128]
    question = asked.question(endpoint.methods, request.id)
    if question.id != request.id and SAFE_ID.match(question.id):
        request.id = question.id
    answer = await app.deadlines.within(endpoint(question))
    if answer.by:
        request.by = answer.by[0]
    request.rows = table.rows
    # a pipeline looks its labels up through all its steps: only for answers that have a place for them
    classes = getattr(endpoint, "classes", None) if answer.method != "predict" else None
    body, media, headers = codec.encode(answer, asked, classes=classes)
    app.samples.offer(endpoint, answer)
    pairs = tuple((k.lower().encode("ascii"), v.encode("ascii")) for k, v in headers.items()) if headers else ()
    return Answer(body, 200, media.encode("ascii"), pairs)


async def _decoded_beside(app: Application, codec: ModuleType, request: Request, endpoint: Endpoint) -> Asked:
    """Read a long body in a thread, by the signature of the version that is going to answer."""
    while True:
        intake = endpoint.intake
        limited = intake.limited(app.options.rows_limit)
        asked = await app.decoding.beside(partial(_decoded, codec, request, limited))
        # A version may have been exchanged meanwhile: rows read by one signature would be taken for another's.
        if endpoint.intake is intake:
            return asked


def _decoded(codec: ModuleType, request: Request, intake: Intake) -> Asked:
    if codec is inference and (length := request.headers.get(b"inference-header-content-length")) is not None:
        return inference.decode(request.body, request.media, intake, json_length=length.decode("latin-1"))
    asked: Asked = codec.decode(request.body, request.media, intake)
    return asked


async def feedback(app: Application, request: Request) -> Answer:
    """Take a reward for an answer given before, in the form of our own or in Seldon's."""
    if request.route is not None and request.route.protocol == SELDON:
        told = seldon.feedback(request.body, request.media)
        endpoint = _rewarded(app, request, "")
        await endpoint.feedback(told.id, _finite(told.reward), told.truth, told.routing)
        return Answer(dumped({"meta": {"puid": told.id}}))
    found = parsed(request.body)
    if type(found) is not dict:
        raise InvalidInput('The body is an object, as in {"id": "...", "reward": 1}.')
    given = text_field(found, "id")
    if not given:
        raise InvalidInput("'id' must be the id of the answer that the reward is for.")
    reward = _finite(found.get("reward"))
    endpoint = _rewarded(app, request, text_field(found, "model"))
    return Answer(dumped(await endpoint.feedback(given, reward, found.get("truth"), None)))


def _finite(reward: Any) -> float:
    if type(reward) not in (int, float) or not math.isfinite(reward):
        raise InvalidInput("'reward' must be a number.")
    return float(reward)


def _rewarded(app: Application, request: Request, name: str) -> Any:
    """Return who takes the reward: the model that is named, else the first that takes any."""
    name = name or request.values.get("name", "")
    found = app.endpoints.find(name) if name else next((e for e in app.endpoints.all() if hasattr(e, "feedback")), None)
    if found is None or not hasattr(found, "feedback"):
        raise NotFound(f"{found.ref if found else 'What is served here'} takes no rewards: graphs that choose do.")
    request.name = found.name
    return found
