"""A prediction asked for over gRPC: the message as the document that the same request is over REST, and back.

Both ways share one reader, so a table gets one verdict. Tensors come raw or in the lists of their types; answers go
back the way that the request came, raw where nothing was said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from nbregistry.capture.values import text_of
from nbregistry.errors import InvalidInput, TooLarge
from nbregistry.serving.codec import inference
from nbregistry.serving.codec.asked import Asked
from nbregistry.serving.codec.tensors import Tensor, check_datatype, to_bytes
from nbregistry.serving.intake import Intake
from nbregistry.serving.node import Batch, Endpoint
from nbregistry.serving.options import Options
from nbregistry.serving.rpc.calls import Call
from nbregistry.serving.rpc.messages import messages
from nbregistry.serving.samples import Samples
from nbregistry.types import Document

LISTS: Mapping[str, str] = {
    "BOOL": "bool_contents",
    "BYTES": "bytes_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "INT64": "int64_contents",
    "UINT64": "uint64_contents",
    **{f"INT{bits}": "int_contents" for bits in (8, 16, 32)},
    **{f"UINT{bits}": "uint_contents" for bits in (8, 16, 32)},
}
"""Where the values of a datatype are; FP16 has no list and is always raw."""


def answer(call: Call, endpoint: Endpoint, message: Any, options: Options, samples: Samples | None) -> Any:
    """Return the answer to a ``ModelInferRequest``.

    Raises
    ------
    InvalidInput
        Not the protocol.
    BadRows
        The rows do not fit the signature.
    TooLarge
        More rows than are taken at once.
    """
    call.by = endpoint.by
    document, intake = document_of(message), endpoint.intake
    asked = _asked(call, document, intake, options)

    async def answered() -> tuple[Batch, Asked]:
        # In the event loop a version is not exchanged between the next lines, but it may have been since the rows were
        # read: those of another signature would be taken for this one's.
        fresh = asked if endpoint.intake is intake else _asked(call, document, endpoint.intake, options)
        found = await endpoint(fresh.question(endpoint.methods, call.id))
        if samples is not None:
            samples.offer(endpoint, found)
        return found, fresh

    found, asked = call.ask(answered())
    if found.by:
        call.by = found.by[0]
    call.rows = asked.table.rows
    raw = bool(message.raw_input_contents) or not any(t.HasField("contents") for t in message.inputs)
    return response_of(inference.head_of(found), inference.wanted_of(found, asked.form), raw=raw)


def _asked(call: Call, document: tuple[Document, memoryview], intake: Intake, options: Options) -> Asked:
    """Read a request by a signature."""
    asked = inference.asked_of(*document, intake.limited(options.rows_limit))
    rows = asked.table.rows
    if rows > options.rows_limit:
        raise TooLarge(f"{rows:,} rows are more than the {options.rows_limit:,} taken at once: send them in parts.")
    asked.key = asked.key or call.headers.get("x-route-key", "")[:128]
    asked.explain = asked.explain or call.headers.get("x-explain", "").lower() in ("1", "true", "yes")
    return asked


def document_of(message: Any) -> tuple[Document, memoryview]:
    """Return a ``ModelInferRequest`` as a request over REST holds it, and the bytes behind that.

    Raises
    ------
    InvalidInput
        Values where those of their datatype do not stand, or raw ones for some of the tensors only.
    """
    raw = list(message.raw_input_contents)
    if raw and (len(raw) != len(message.inputs) or any(t.HasField("contents") for t in message.inputs)):
        raise InvalidInput(
            f"The message has {len(message.inputs):,} inputs and raw contents for {len(raw):,}: send all of them raw,"
            " in the same order, or none."
        )
    inputs = []
    for place, tensor in enumerate(message.inputs):
        own = {k: v for k, v in _plain(tensor.parameters).items() if k != "binary_data_size"}
        told: Document = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
        if raw:
            own["binary_data_size"] = len(raw[place])
        elif "shared_memory_region" not in own:
            told["data"] = _values(tensor)
        inputs.append({**told, "parameters": own})
    found: Document = {"inputs": inputs, "parameters": _plain(message.parameters), "id": message.id}
    if message.outputs:
        found["outputs"] = [{"name": o.name, "parameters": _plain(o.parameters)} for o in message.outputs]
    return found, memoryview(raw[0] if len(raw) == 1 else b"".join(raw))


def _values(tensor: Any) -> list[Any]:
    """Return the values of a tensor's type."""
    name = text_of(tensor.name, 40)
    field = LISTS.get(check_datatype(tensor.name, tensor.datatype))
    if field is None:
        raise InvalidInput(f"{name!r} is {tensor.datatype}, which has no list of values: send it raw.")
    filled = [f.name for f, _ in tensor.contents.ListFields()]
    if filled and filled != [field]:
        raise InvalidInput(
            f"{name!r} is {tensor.datatype}, whose values stand in {field}, and has {', '.join(filled)}: send them in"
            f" {field}."
        )
    values = list(getattr(tensor.contents, field))
    return list(map(_text, values)) if field == "bytes_contents" else values


def _text(value: bytes) -> str | bytes:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value


def _plain(parameters: Any) -> Document:
    """Return a map of parameters as plain values; one that holds nothing is None."""
    found: Document = {}
    for name, value in parameters.items():
        kind = value.WhichOneof("parameter_choice")
        found[name] = getattr(value, kind) if kind else None
    return found


def response_of(head: Document, tensors: list[Tensor], *, raw: bool) -> Any:
    """Return a ``ModelInferResponse``; raw contents are for all of its tensors or for none."""
    kinds = messages()
    found = kinds.ModelInferResponse(
        model_name=head["model_name"], model_version=head.get("model_version", ""), id=head["id"]
    )
    for name, value in head["parameters"].items():
        _set(found.parameters[name], value)
    raw = raw or any(tensor.datatype not in LISTS for tensor in tensors)
    for tensor in tensors:
        told = found.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
        if raw:
            found.raw_output_contents.append(to_bytes(tensor))
        else:
            values = tensor.values.reshape(-1).tolist()
            getattr(told.contents, LISTS[tensor.datatype]).extend(map(_octets, values) if _texts(tensor) else values)
    return found


def _texts(tensor: Tensor) -> bool:
    return tensor.datatype == "BYTES"


def _octets(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return b"" if value is None else value.encode("utf-8", "replace")


def _set(parameter: Any, value: Any) -> None:
    """Set a parameter, which is one number, truth or text; whatever has parts goes as JSON."""
    if isinstance(value, bool):
        parameter.bool_param = value
    elif isinstance(value, int):
        parameter.int64_param = value
    elif isinstance(value, float):
        parameter.double_param = value
    elif isinstance(value, str):
        parameter.string_param = value
    else:
        packed = orjson.dumps(value, default=str, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
        parameter.string_param = packed.decode()


def metadata(endpoint: Endpoint) -> Any:
    """Return a ``ModelMetadataResponse``."""
    kinds, told = messages(), inference.metadata(endpoint)

    def tensors(which: str) -> list[Any]:
        return [kinds.TensorMetadata(name=t["name"], datatype=t["datatype"], shape=t["shape"]) for t in told[which]]

    return kinds.ModelMetadataResponse(
        name=told["name"],
        versions=told["versions"],
        platform=told["platform"],
        inputs=tensors("inputs"),
        outputs=tensors("outputs"),
    )
