"""The Open Inference Protocol, version 2, over REST: KServe's and Triton's, as MLServer speaks it too.

Numeric models take one tensor of rows and columns, or one tensor a column; frames take one a column, ``[rows]`` or
``[rows, 1]``, in any order. Values stand in the JSON or, with the binary tensor data extension, behind it: the header
``Inference-Header-Content-Length`` tells how long the JSON is, and each tensor's ``binary_data_size`` how many bytes
are its own. An output that is named after a method (``predict_proba``) asks for it. NaN in an output that is written
as JSON is null, and itself in binary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbregistry.capture.containers import FRAME
from nbregistry.capture.values import text_of
from nbregistry.errors import InvalidInput, RegistryError, did_you_mean
from nbregistry.serving.codec.asked import Answered, Asked, params_field, text_field
from nbregistry.serving.codec.reading import JSON, media, parsed, unsupported
from nbregistry.serving.codec.tensors import (
    Tensor,
    check_datatype,
    datatype_of,
    of_bytes,
    of_values,
    outputs_of,
    shape_of,
    table_of,
    to_bytes,
)
from nbregistry.serving.codec.writing import dumped
from nbregistry.serving.engine import METHODS
from nbregistry.serving.intake import Intake
from nbregistry.serving.node import Batch, Endpoint
from nbregistry.types import Document

OCTETS = "application/octet-stream"
LENGTH = "Inference-Header-Content-Length"
_OURS = frozenset(("content_type", "binary_data_output", "headers", "key", "explain", "method"))


@dataclass(slots=True)
class Wanted:
    """What the answer is to hold.

    Attributes
    ----------
    binary : bool
        Whether outputs that nothing is said of are written as bytes.
    outputs : dict of str to bool
        Names of the outputs asked for and whether each is to be written as bytes; empty: all.
    """

    binary: bool
    outputs: dict[str, bool]


def decode(body: bytes, content_type: str, intake: Intake, *, json_length: str = "") -> Asked:
    """Read a request.

    Parameters
    ----------
    json_length : str
        The header ``Inference-Header-Content-Length``, where it came.

    Raises
    ------
    InvalidInput
        Not the protocol: JSON, shapes, datatypes, sizes.
    UnsupportedMedia
        Neither JSON nor octets; no content type at all is fine, since Triton's client sends none.
    BadRows
        The rows do not fit the signature.
    """
    if content_type and media(content_type) not in (JSON, OCTETS):
        raise unsupported(content_type, JSON, OCTETS)
    return asked_of(*_parts(body, json_length), intake)


def asked_of(found: Any, raw: memoryview, intake: Intake) -> Asked:
    """Read a request's document and the bytes of its tensors, whichever way they came.

    Raises
    ------
    InvalidInput
        Not the protocol: shapes, datatypes, sizes.
    BadRows
        The rows do not fit the signature.
    """
    if type(found) is not dict or type(found.get("inputs")) is not list or not found["inputs"]:
        raise InvalidInput("The body must be an object with 'inputs', a list of tensors.")
    parameters = params_field(found, "parameters")
    tensors = _tensors(found["inputs"], raw)
    wanted = Wanted(parameters.get("binary_data_output") is True, {})
    for output in _objects(found, "outputs"):
        name, own = _name(output), params_field(output, "parameters")
        if "classification" in own or "shared_memory_region" in own:
            raise InvalidInput(f"The output {text_of(name, 40)!r} asks for an extension that is not offered here.")
        wanted.outputs[name] = own.get("binary_data", wanted.binary) is True
    return Asked(
        table_of(tensors, intake, by_column=parameters.get("content_type") == "pd"),
        _method(wanted, parameters),
        params={k: v for k, v in parameters.items() if k not in _OURS},
        id=text_field(found, "id"),
        key=text_field(parameters, "key"),
        explain=parameters.get("explain") is True,
        form=wanted,
    )


def _parts(body: bytes, json_length: str) -> tuple[Any, memoryview]:
    """Return the JSON document and the bytes behind it."""
    if not json_length:
        return parsed(body), memoryview(b"")
    if not (json_length.isascii() and json_length.isdigit()) or not 0 < int(json_length[:20]) <= len(body):
        raise InvalidInput(
            f"The header {LENGTH} is {text_of(json_length, 40)!r}, and the body has {len(body):,} bytes: it tells how"
            " many of them are JSON."
        )
    length = int(json_length)
    return parsed(body[:length]), memoryview(body)[length:]


def _tensors(found: Sequence[Any], raw: memoryview) -> list[Tensor]:
    tensors = []
    at = 0
    for tensor in found:
        if type(tensor) is not dict:
            raise InvalidInput("Each of 'inputs' must be an object with 'name', 'shape', 'datatype' and 'data'.")
        name, parameters = _name(tensor), params_field(tensor, "parameters")
        datatype, shape = check_datatype(name, tensor.get("datatype")), shape_of(name, tensor.get("shape"))
        if "shared_memory_region" in parameters:
            raise InvalidInput(f"{text_of(name, 40)!r} is in shared memory, which is not read: send its data.")
        size = parameters.get("binary_data_size")
        if size is None:
            tensors.append(of_values(name, datatype, shape, tensor.get("data")))
            continue
        if type(size) is not int or not 0 <= size <= len(raw) - at or "data" in tensor:
            raise InvalidInput(
                f"{text_of(name, 40)!r} has {text_of(size, 30)} bytes of binary data, and {len(raw) - at:,} are left"
                f" behind the JSON: send them there, and say in {LENGTH} how long the JSON is."
            )
        tensors.append(of_bytes(name, datatype, shape, raw[at : at + size]))
        at += size
    if at != len(raw):
        raise InvalidInput(f"{len(raw) - at:,} bytes behind the JSON belong to no input: say whose they are.")
    return tensors


def _objects(found: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = found.get(name)
    if value is None:
        return []
    if type(value) is not list or not all(type(v) is dict for v in value):
        raise InvalidInput(f"{name!r} must be a list of objects.")
    return value


def _name(found: Mapping[str, Any]) -> str:
    name = found.get("name")
    if type(name) is not str:
        raise InvalidInput(f"Each tensor needs a 'name', which is a text, not {text_of(name, 40)!r}.")
    return name


def _method(wanted: Wanted, parameters: Mapping[str, Any]) -> str:
    """Return the method that the names of outputs ask for."""
    asked = [name for name in wanted.outputs if name in METHODS]
    if len(asked) > 1:
        raise InvalidInput(f"The outputs {' and '.join(asked)} are methods of the model: ask for one at a time.")
    return asked[0] if asked else text_field(parameters, "method")


def encode(answer: Batch, asked: Asked, *, classes: Any = None) -> Answered:
    """Write an answer: tensors in JSON, or behind it where bytes were asked for.

    Raises
    ------
    InvalidInput
        The model has no output of a name that was asked for.
    """
    wanted: Wanted = asked.form
    found: Document = {**head_of(answer, classes), "outputs": []}
    behind: list[bytes] = []
    for tensor in wanted_of(answer, wanted):
        told: Document = {"name": tensor.name, "shape": tensor.shape, "datatype": tensor.datatype}
        if wanted.outputs.get(tensor.name, wanted.binary):
            behind.append(to_bytes(tensor))
            told["parameters"] = {"binary_data_size": len(behind[-1])}
        else:
            told["data"] = _texts(tensor) if tensor.datatype == "BYTES" else tensor.values.reshape(-1)
        found["outputs"].append(told)
    head = dumped(found)
    if not behind:
        return head, JSON, {}
    return b"".join((head, *behind)), OCTETS, {LENGTH: str(len(head))}


def wanted_of(answer: Batch, wanted: Wanted) -> list[Tensor]:
    """Return the tensors of an answer that were asked for, in that order.

    Raises
    ------
    InvalidInput
        The model has no output of a name that was asked for.
    """
    tensors = outputs_of(answer.outputs, answer.method)
    if not wanted.outputs:
        return tensors
    known = {tensor.name: tensor for tensor in tensors}
    for name in wanted.outputs:
        if name not in known:
            hint = did_you_mean(name[:64], known)
            raise InvalidInput(
                f"The model has no output {text_of(name, 40)!r}: ask for {', '.join(known)}{hint or '.'}"
            )
    return [known[name] for name in wanted.outputs]


def head_of(answer: Batch, classes: Sequence[Any] | None = None) -> Document:
    """Return an answer without its tensors."""
    found: Document = {"model_name": answer.by[0].name if answer.by else ""}
    if answer.by:
        found["model_version"] = str(answer.by[0].number)
    return found | {"id": answer.id, "parameters": _told(answer, classes)}


def _texts(tensor: Tensor) -> list[Any]:
    values = tensor.values.reshape(-1).tolist()
    return [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values]


def _told(answer: Batch, classes: Sequence[Any] | None) -> Document:
    found: Document = {"request_id": answer.id}
    if answer.by:
        found |= {"version": answer.by[0].ref, "digest": answer.by[0].digest}
    if classes is not None and answer.method in ("predict_proba", "decision_function"):
        found["classes"] = _text(classes)
    if answer.routing:
        found["routing"] = _text(answer.routing)
    if answer.steps is not None:
        found["steps"] = _text([step._asdict() for step in answer.steps])
    return found


def _text(value: Any) -> str:
    """Return a value as JSON text: the protocol's parameters are texts, numbers and booleans, and nothing nested."""
    return dumped(value).decode()


def refusal(error: RegistryError, id: str) -> bytes:
    """Write an error: the protocol has a message and nothing else."""
    return dumped({"error": str(error)})


def metadata(endpoint: Endpoint) -> Document:
    """Return the model's metadata: the tensors it takes and gives."""
    by = endpoint.by
    return {
        "name": endpoint.name,
        "versions": [str(by.number)] if by else [],
        "platform": "nbregistry",
        "inputs": inputs_of(endpoint.intake),
        "outputs": _outputs(endpoint),
    }


def inputs_of(intake: Intake) -> list[Document]:
    """Return the tensors that a model takes: one of all columns where these are numbers of one type."""
    signature = intake.signature
    if signature is None or not signature.inputs:
        return [{"name": "input", "datatype": "BYTES", "shape": [-1]}]
    dtypes = {c.dtype for c in signature.inputs}
    if signature.container == FRAME and intake.numeric and len(dtypes) == 1:
        width = len(signature.inputs)
        names = {"columns": _text(list(signature.names))}
        return [{"name": "input", "datatype": datatype_of(dtypes.pop()), "shape": [-1, width], "parameters": names}]
    return [
        {"name": c.name or "input", "datatype": datatype_of(c.dtype), "shape": list(c.shape or (-1,))}
        for c in signature.inputs
    ]


def _outputs(endpoint: Endpoint) -> list[Document]:
    signature = endpoint.intake.signature
    given = signature.outputs if signature is not None else ()
    found: list[Document] = []
    for method in endpoint.methods:
        if method != "predict":
            found.append({"name": method, "datatype": "FP64", "shape": [-1, -1]})
        elif len(given) > 1:
            found += [{"name": c.name, "datatype": datatype_of(c.dtype), "shape": [-1]} for c in given]
        else:
            dtype, shape = (given[0].dtype, given[0].shape) if given else ("any", None)
            found.append({"name": method, "datatype": datatype_of(dtype), "shape": list(shape or (-1,))})
    return found


def server(version: str) -> Document:
    """Return the server's metadata."""
    return {"name": "nbregistry", "version": version, "extensions": ["model_repository", "binary_tensor_data"]}


def repository(endpoints: Sequence[Endpoint], *, ready: bool = False) -> list[Document]:
    """Return the index of the repository; only what can answer, where that was asked."""
    return [
        {
            "name": e.name, "version": str(e.by.number) if e.by else "",
            "state": "READY" if e.ready else "UNAVAILABLE", "reason": e.trouble,
        }
        for e in endpoints
        if e.ready or not ready
    ]  # fmt: skip
