"""Seldon Core's protocol of version 1: ``POST /api/v1.0/predictions`` and ``/api/v1.0/feedback``.

A request has ``data`` with ``ndarray`` or ``tensor`` (``shape`` and ``values``) and perhaps ``names``, or ``strData``,
or ``jsonData``; ``meta`` may hold ``puid`` (the request id) and ``tags``. The answer's data is of the kind that came,
where the model gives numbers; other answers are an ``ndarray``. As with Seldon's server for scikit-learn, a model that
has probabilities answers with them, under the names of its classes; ``{"meta": {"tags": {"method": "predict"}}}`` asks
for something else. A prediction that is NaN is null.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nbregistry.capture.values import text_of
from nbregistry.domain.signature import Column
from nbregistry.errors import InvalidInput, RegistryError
from nbregistry.serving.codec.asked import Answered, Asked, params_field, text_field
from nbregistry.serving.codec.reading import JSON, media, parsed, unsupported
from nbregistry.serving.codec.writing import dumped, faults_of, outputs_of
from nbregistry.serving.intake import Intake
from nbregistry.serving.intake.faults import came
from nbregistry.serving.node import Batch, Endpoint
from nbregistry.serving.table import Table
from nbregistry.types import Document

KINDS = ("data", "strData", "jsonData", "binData", "customData")


@dataclass(frozen=True, slots=True)
class Feedback:
    """How good an answer was.

    Attributes
    ----------
    id : str
        Of the answered request, ``response.meta.puid``.
    reward : float
        As the client counts it.
    truth : object
        What the answer should have been, as it came; None when it is not told.
    routing : mapping of str to object
        Arms that the request took, ``response.meta.routing``.
    request : mapping
        The request as it was, if it was sent along.
    """

    id: str
    reward: float
    truth: Any
    routing: Mapping[str, Any]
    request: Mapping[str, Any]


def decode(body: bytes, content_type: str, intake: Intake) -> Asked:
    """Read a request.

    Raises
    ------
    InvalidInput
        Not JSON, or not a message of Seldon's.
    UnsupportedMedia
        Not JSON.
    BadRows
        The rows do not fit the signature.
    """
    if media(content_type) != JSON:
        raise unsupported(content_type, JSON)
    found = parsed(body)
    given = [kind for kind in KINDS if kind in found] if type(found) is dict else []
    if len(given) != 1:
        raise InvalidInput(f"The body must be an object with one of {', '.join(KINDS[:3])}.")
    meta = params_field(found, "meta")
    tags = params_field(meta, "tags")
    table, kind = _READERS.get(given[0], _unread)(found[given[0]], intake)
    return Asked(
        table,
        text_field(tags, "method"),
        prefers="predict_proba",
        params={k: v for k, v in tags.items() if k not in ("method", "key")},
        id=text_field(meta, "puid"),
        key=text_field(tags, "key"),
        form=kind,
    )


def _data(found: Any, intake: Intake) -> tuple[Table, str]:
    if type(found) is not dict:
        raise InvalidInput("'data' must be an object with 'ndarray' or 'tensor'.")
    names = found.get("names") or None
    if names is not None and (type(names) is not list or not all(type(n) is str for n in names)):
        raise InvalidInput("'names' must be a list of texts.")
    given = [kind for kind in ("ndarray", "tensor", "tftensor") if kind in found]
    if given == ["ndarray"] and type(found["ndarray"]) is list:
        return intake.from_rows(found["ndarray"], names), "ndarray"
    if given == ["tensor"]:
        return intake.from_rows(_rows(found["tensor"]), names), "tensor"
    raise InvalidInput("'data' must have 'ndarray', a list of rows, or 'tensor', with 'shape' and 'values'.")


def _rows(tensor: Any) -> list[Any]:
    """Return the rows of a tensor, whose values are doubles."""
    shape, values = (tensor.get("shape"), tensor.get("values")) if type(tensor) is dict else (None, None)
    if (
        type(shape) is not list
        or type(values) is not list
        or not 1 <= len(shape) <= 32
        or not all(type(n) is int and n >= 0 for n in shape)
    ):
        raise InvalidInput("'tensor' must have 'shape', a list of sizes, and 'values', a flat list of numbers.")
    if strange := [v for v in values if type(v) not in (float, int) and v is not None]:
        raise InvalidInput(f"The values of a tensor are numbers, and {came(strange[0])} is among them.")
    if math.prod(shape) != len(values):
        raise InvalidInput(f"The shape {shape} asks for {math.prod(shape):,} values, and {len(values):,} came.")
    for size in reversed(shape[1:]):
        values = [values[at : at + size] for at in range(0, len(values), size)] if size else []
    return values


def _text(found: Any, intake: Intake) -> tuple[Table, str]:
    if type(found) is not str:
        raise InvalidInput("'strData' must be a text.")
    return intake.from_rows([[found]] if _is_frame(intake) else [found]), "strData"


def _json(found: Any, intake: Intake) -> tuple[Table, str]:
    if type(found) is dict:
        return intake.from_columns(found), "jsonData"
    rows = found if type(found) is list else [found]
    if rows and type(rows[0]) is dict:
        return intake.from_records(rows), "jsonData"
    return intake.from_rows(rows), "jsonData"


def _unread(found: Any, intake: Intake) -> tuple[Table, str]:
    raise InvalidInput(f"Neither binData nor customData is read: send {', '.join(KINDS[:3])}.")


_READERS = {"data": _data, "strData": _text, "jsonData": _json}


def _is_frame(intake: Intake) -> bool:
    return intake.signature is not None and intake.signature.container == "frame"


def encode(answer: Batch, asked: Asked, *, classes: Any = None) -> Answered:
    """Write an answer: data in the kind that came, and where the request has been."""
    outputs = answer.outputs
    names = _names(outputs, answer.method, classes)
    if hasattr(outputs, "to_numpy"):
        outputs = outputs.to_numpy()
    outputs = outputs_of(outputs)
    if isinstance(outputs, list) and outputs and all(isinstance(v, (int, float, np.number)) for v in outputs):
        outputs = np.asarray(outputs)
    numeric = isinstance(outputs, np.ndarray) and outputs.dtype.kind in "iuf"
    data: Document = {"names": names}
    if numeric and asked.form != "ndarray":
        data["tensor"] = {"shape": outputs.shape, "values": outputs.reshape(-1)}
    else:
        data["ndarray"] = outputs
    meta: Document = {"puid": answer.id}
    if answer.by:
        meta["tags"] = {"version": answer.by[0].ref, "digest": answer.by[0].digest}
    # an arm that has a number is told by it, as Seldon's routers do
    meta["routing"] = {node: int(arm) if arm.isdecimal() else arm for node, arm in answer.routing.items()}
    meta["requestPath"] = {by.name: by.ref for by in answer.by}
    if answer.steps is not None:
        meta["steps"] = [step._asdict() for step in answer.steps]
    return dumped({"data": data, "meta": meta}), JSON, {}


def _names(outputs: Any, method: str, classes: Sequence[Any] | None) -> list[str]:
    """Return names of the answer's columns: the frame's own, the classes, or ``t:0``, ``t:1`` as Seldon counts them."""
    if hasattr(outputs, "columns"):
        return [str(name) for name in outputs.columns]
    shape: Sequence[int] = getattr(outputs, "shape", ())
    if len(shape) != 2:
        return []
    if method == "predict_proba" and classes is not None and len(classes) == shape[1]:
        return [str(name) for name in classes]
    return [f"t:{place}" for place in range(shape[1])]


def refusal(error: RegistryError, id: str) -> bytes:
    """Write an error as Seldon's status."""
    status: Document = {
        "status": "FAILURE", "code": error.status, "info": str(error), "reason": type(error).__name__,
    }  # fmt: skip
    found: Document = {"status": status, "meta": {"puid": id}}
    if faults := faults_of(error):
        found["faults"] = faults
    return dumped(found)


def feedback(body: bytes, content_type: str) -> Feedback:
    """Read feedback: ``{"request", "response", "reward", "truth"}``, where the response says what it is about.

    Raises
    ------
    InvalidInput
        Not JSON, without a finite reward, or without the id of the answer.
    UnsupportedMedia
        Not JSON.
    """
    if media(content_type) != JSON:
        raise unsupported(content_type, JSON)
    found = parsed(body)
    if type(found) is not dict:
        raise InvalidInput("The body must be an object with 'response' and 'reward'.")
    meta = params_field(params_field(found, "response"), "meta")
    puid = text_field(meta, "puid") or text_field(params_field(params_field(found, "request"), "meta"), "puid")
    if not puid:
        raise InvalidInput("'response' must hold the answer's 'meta' with its 'puid': it says what the reward is for.")
    reward = found.get("reward", 0.0)
    if type(reward) not in (int, float):
        raise InvalidInput(f"'reward' must be a number, not {text_of(reward, 40)!r}.")
    routing, request = params_field(meta, "routing"), params_field(found, "request")
    return Feedback(puid, float(reward), found.get("truth"), routing, request)


def metadata(endpoint: Endpoint) -> Document:
    """Return the model's metadata in Seldon's own words."""
    signature, by = endpoint.intake.signature, endpoint.by
    columns: Sequence[Column] = signature.inputs if signature is not None else ()
    schema: Document = {"names": [c.name for c in columns if c.name], "shape": [len(columns)]}
    if len(columns) == 1 and columns[0].shape:
        schema = {"shape": list(columns[0].shape[1:])}
    kind = "tensor" if endpoint.intake.numeric else "ndarray"
    return {
        "name": endpoint.name,
        "versions": [by.ref] if by else [],
        "platform": "nbregistry",
        "inputs": [{"messagetype": kind, "schema": schema}],
        "outputs": [{"messagetype": "ndarray", "schema": {}}],
        "custom": {"digest": by.digest} if by else {},
    }
