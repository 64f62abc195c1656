"""The messages of the Open Inference Protocol's gRPC service, described here and built when they are first needed.

They live in a descriptor pool of their own, so that a process may also hold a client's generated classes of the same
names. Numbers and types are the protocol's; what it has and we do not speak (shared memory, statistics, tracing) is
left out.

Source: the service ``inference.GRPCInferenceService`` of the Open Inference Protocol v2 with its extension for model
repositories; for errors, ``google.rpc.Status`` and its standard details.
"""

from __future__ import annotations

import re
from functools import cache
from types import SimpleNamespace
from typing import Any

from nbregistry.errors import MissingDependency

SERVICE = "inference.GRPCInferenceService"

METHODS = {
    "ServerLive": ("ServerLiveRequest", "ServerLiveResponse"),
    "ServerReady": ("ServerReadyRequest", "ServerReadyResponse"),
    "ModelReady": ("ModelReadyRequest", "ModelReadyResponse"),
    "ServerMetadata": ("ServerMetadataRequest", "ServerMetadataResponse"),
    "ModelMetadata": ("ModelMetadataRequest", "ModelMetadataResponse"),
    "ModelInfer": ("ModelInferRequest", "ModelInferResponse"),
    "RepositoryIndex": ("RepositoryIndexRequest", "RepositoryIndexResponse"),
    "RepositoryModelLoad": ("RepositoryModelLoadRequest", "RepositoryModelLoadResponse"),
    "RepositoryModelUnload": ("RepositoryModelUnloadRequest", "RepositoryModelUnloadResponse"),
}
"""Methods that are answered, with what they take and give."""

_INFERENCE = """
ServerLiveRequest
ServerLiveResponse: live = 1 bool
ServerReadyRequest
ServerReadyResponse: ready = 1 bool
ModelReadyRequest: name = 1 string, version = 2 string
ModelReadyResponse: ready = 1 bool
ServerMetadataRequest
ServerMetadataResponse: name = 1 string, version = 2 string, extensions = 3 string*
ModelMetadataRequest: name = 1 string, version = 2 string
ModelMetadataResponse: name = 1 string, versions = 2 string*, platform = 3 string,
    inputs = 4 ModelMetadataResponse.TensorMetadata*, outputs = 5 ModelMetadataResponse.TensorMetadata*
ModelMetadataResponse.TensorMetadata: name = 1 string, datatype = 2 string, shape = 3 int64*
InferParameter: bool_param = 1 bool|, int64_param = 2 int64|, string_param = 3 string|, double_param = 4 double|,
    uint64_param = 5 uint64|
InferTensorContents: bool_contents = 1 bool*, int_contents = 2 int32*, int64_contents = 3 int64*,
    uint_contents = 4 uint32*, uint64_contents = 5 uint64*, fp32_contents = 6 float*, fp64_contents = 7 double*,
    bytes_contents = 8 bytes*
ModelInferRequest: model_name = 1 string, model_version = 2 string, id = 3 string, parameters = 4 InferParameter#,
    inputs = 5 ModelInferRequest.InferInputTensor*, outputs = 6 ModelInferRequest.InferRequestedOutputTensor*,
    raw_input_contents = 7 bytes*
ModelInferRequest.InferInputTensor: name = 1 string, datatype = 2 string, shape = 3 int64*,
    parameters = 4 InferParameter#, contents = 5 InferTensorContents
ModelInferRequest.InferRequestedOutputTensor: name = 1 string, parameters = 2 InferParameter#
ModelInferResponse: model_name = 1 string, model_version = 2 string, id = 3 string, parameters = 4 InferParameter#,
    outputs = 5 ModelInferResponse.InferOutputTensor*, raw_output_contents = 6 bytes*
ModelInferResponse.InferOutputTensor: name = 1 string, datatype = 2 string, shape = 3 int64*,
    parameters = 4 InferParameter#, contents = 5 InferTensorContents
ModelRepositoryParameter: bool_param = 1 bool|, int64_param = 2 int64|, string_param = 3 string|, bytes_param = 4 bytes|
RepositoryIndexRequest: repository_name = 1 string, ready = 2 bool
RepositoryIndexResponse: models = 1 RepositoryIndexResponse.ModelIndex*
RepositoryIndexResponse.ModelIndex: name = 1 string, version = 2 string, state = 3 string, reason = 4 string
RepositoryModelLoadRequest: repository_name = 1 string, model_name = 2 string, parameters = 3 ModelRepositoryParameter#
RepositoryModelLoadResponse
RepositoryModelUnloadRequest: repository_name = 1 string, model_name = 2 string,
    parameters = 3 ModelRepositoryParameter#
RepositoryModelUnloadResponse
"""
"""One message a paragraph, ``field = number type``: ``*`` repeated, ``#`` a map from string, ``|`` one of several."""

_STATUS = """
Any: type_url = 1 string, value = 2 bytes
Status: code = 1 int32, message = 2 string, details = 3 Any*
Duration: seconds = 1 int64, nanos = 2 int32
RetryInfo: retry_delay = 1 Duration
BadRequest: field_violations = 1 BadRequest.FieldViolation*
BadRequest.FieldViolation: field = 1 string, description = 2 string
"""
"""Of these only the numbers matter: they travel as bytes inside ``grpc-status-details-bin``."""

_SCALARS = ("bool", "int32", "int64", "uint32", "uint64", "float", "double", "string", "bytes")
_ONEOF = "parameter_choice"
_FIELD = re.compile(r"(\w+) = (\d+) ([\w.]+)([*#|]?)")


@cache
def messages() -> SimpleNamespace:
    """Return the message classes by name (``messages().ModelInferRequest``); a nested one by its last name.

    Raises
    ------
    MissingDependency
        protobuf is not installed.
    """
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ModuleNotFoundError as error:
        raise MissingDependency("protobuf", "grpc", "Answering gRPC") from error
    pool = descriptor_pool.DescriptorPool()
    found = {}
    for package, text in (("inference", _INFERENCE), ("google.rpc", _STATUS)):
        file = descriptor_pb2.FileDescriptorProto(name=f"nbregistry/{package}.proto", package=package, syntax="proto3")
        paragraphs = [p.partition(":")[::2] for p in re.split(r"\n(?=\w)", text.strip())]
        for name, fields in paragraphs:
            _describe(file, name, fields)
        pool.AddSerializedFile(file.SerializeToString())
        for name, _ in paragraphs:
            described = pool.FindMessageTypeByName(f"{package}.{name}")
            found[name.rpartition(".")[2]] = message_factory.GetMessageClass(described)
    return SimpleNamespace(**found)


def _describe(file: Any, name: str, fields: str) -> None:
    outer, _, inner = name.rpartition(".")
    holder = next(m for m in file.message_type if m.name == outer).nested_type if outer else file.message_type
    message = holder.add(name=inner)
    for field, number, kind, mark in _FIELD.findall(fields):
        added = message.field.add(name=field, number=int(number), label=3 if mark in ("*", "#") else 1)
        if mark == "#":
            kind = _entry(file, message, name, field, kind)  # noqa: PLW2901  # a map is a list of entries, on the wire too
        if mark == "|":
            if not message.oneof_decl:
                message.oneof_decl.add(name=_ONEOF)
            added.oneof_index = 0
        _set_type(file, added, kind)


def _entry(file: Any, message: Any, name: str, field: str, kind: str) -> str:
    """Describe the entry of a map and return its name."""
    entry = message.nested_type.add(name=f"{field.capitalize()}Entry")
    entry.options.map_entry = True
    _set_type(file, entry.field.add(name="key", number=1, label=1), "string")
    _set_type(file, entry.field.add(name="value", number=2, label=1), kind)
    return f"{name}.{entry.name}"


def _set_type(file: Any, field: Any, kind: str) -> None:
    if kind in _SCALARS:
        field.type = field.DESCRIPTOR.enum_types_by_name["Type"].values_by_name[f"TYPE_{kind.upper()}"].number
    else:
        field.type = field.TYPE_MESSAGE
        field.type_name = f".{file.package}.{kind}"
