"""What requests, answers and errors of each protocol look like, as JSON Schema with examples that work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbregistry.domain.signature import Signature
from nbregistry.serving import schemas
from nbregistry.serving.routes import INFERENCE, MLFLOW, NATIVE, SELDON
from nbregistry.types import Document

_MESSAGE = {"type": "string"}
_FAULT = {
    "type": "object", "required": ["row", "column", "expected", "found"],
    "properties": {"row": {"type": "integer"}, "column": _MESSAGE, "expected": _MESSAGE, "found": _MESSAGE},
}  # fmt: skip

ERRORS: Mapping[str, Document] = {
    NATIVE: {
        "type": "object", "required": ["error", "message"],
        "properties": {
            "error": _MESSAGE, "message": _MESSAGE, "id": _MESSAGE, "faults": {"type": "array", "items": _FAULT},
        },
    },
    MLFLOW: {
        "type": "object", "required": ["error_code", "message"],
        "properties": {"error_code": _MESSAGE, "message": _MESSAGE},
    },
    INFERENCE: {"type": "object", "required": ["error"], "properties": {"error": _MESSAGE}},
    SELDON: {"type": "object", "required": ["status"], "properties": {"status": {"type": "object"}}},
}  # fmt: skip
"""Errors by protocol."""

Known = tuple[Document, Document]


def request(protocol: str, signature: Signature | None, metadata: Mapping[str, Any], methods: tuple[str, ...]) -> Known:
    """Return the schema of a prediction's body, and examples by name."""
    rows = schemas.example_rows(metadata, signature)
    if protocol == NATIVE:
        return _native(signature, rows, methods)
    if protocol == MLFLOW:
        return _mlflow(signature, rows)
    if protocol == SELDON:
        return _seldon(signature, rows)
    return _inference(signature, rows)


def response(protocol: str) -> Document:
    """Return the schema of a prediction's answer."""
    if protocol == NATIVE:
        return {
            "type": "object", "required": ["predictions", "id"],
            "properties": {"predictions": {}, "model": {"type": "object"}, "id": _MESSAGE, "classes": {}},
        }  # fmt: skip
    if protocol == MLFLOW:
        return {"type": "object", "required": ["predictions"], "properties": {"predictions": {}}}
    if protocol == INFERENCE:
        tensor = {
            "type": "object", "required": ["name", "datatype", "shape"],
            "properties": {"name": _MESSAGE, "datatype": _MESSAGE, "shape": {"type": "array"}},
        }  # fmt: skip
        return {
            "type": "object", "required": ["model_name", "outputs"],
            "properties": {"model_name": _MESSAGE, "outputs": {"type": "array", "items": tensor}},
        }  # fmt: skip
    return {"type": "object", "properties": {"data": {"type": "object"}, "meta": {"type": "object"}}}


def _native(signature: Signature | None, rows: list[Any], methods: tuple[str, ...]) -> Known:
    method: Document = {"method": {"enum": list(methods)}} if methods else {}
    more: Document = {**method, "params": {"type": "object"}, "explain": {"type": "boolean"}}
    listed = _listed(signature, rows)
    record = schemas.of_record(signature)
    found = [_object("rows", {"type": "array", "items": schemas.of_row(signature), "minItems": 1}, more)]
    examples: Document = {"rows": {"value": {"rows": listed}}}
    if record is not None:
        found.append(_object("records", {"type": "array", "items": record, "minItems": 1}, more))
        examples = {"records": {"value": {"records": rows}}, **examples}
        examples["columns"] = {"value": {"data": {n: [row.get(n) for row in rows] for n in _names(signature)}}}
    return {"oneOf": found} if len(found) > 1 else found[0], examples


def _mlflow(signature: Signature | None, rows: list[Any]) -> Known:
    record = schemas.of_record(signature)
    if record is None:
        row = {"type": "array", "items": schemas.of_row(signature), "minItems": 1}
        return _object("instances", row, {}), {"instances": {"value": {"instances": rows}}}
    split = {"columns": _names(signature), "data": _listed(signature, rows)}
    return _object("dataframe_records", {"type": "array", "items": record, "minItems": 1}, {}), {
        "dataframe_split": {"value": {"dataframe_split": split}},
        "dataframe_records": {"value": {"dataframe_records": rows}},
    }


def _seldon(signature: Signature | None, rows: list[Any]) -> Known:
    names = _names(signature)
    data: Document = {**({"names": names} if names else {}), "ndarray": _listed(signature, rows)}
    row = {"type": "array", "items": schemas.of_row(signature), "minItems": 1}
    schema = _object("data", _object("ndarray", row, {"names": {"const": names}} if names else {}), {})
    return schema, {"ndarray": {"value": {"data": data}}}


def _inference(signature: Signature | None, rows: list[Any]) -> Known:
    tensor: Document = {
        "type": "object", "required": ["name", "datatype", "shape", "data"],
        "properties": {
            "name": _MESSAGE, "datatype": {"enum": sorted(set(_DATATYPES.values()))},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}}, "data": {"type": "array"},
        },
    }  # fmt: skip
    schema = _object("inputs", {"type": "array", "items": tensor, "minItems": 1}, {"id": _MESSAGE})
    inputs = _tensors(signature, rows)
    return schema, {"tensors": {"value": {"inputs": inputs}}}


_DATATYPES = {
    "float64": "FP64", "float32": "FP32", "float16": "FP16", "bool": "BOOL", "str": "BYTES",
    **{f"{u}int{bits}": f"{u.upper()}INT{bits}" for u in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip


def _tensors(signature: Signature | None, rows: list[Any]) -> list[Document]:
    if rows and isinstance(rows[0], dict) and signature is not None:
        return [
            {
                "name": c.name, "datatype": _DATATYPES.get(c.dtype.lower(), "BYTES"), "shape": [len(rows), 1],
                "data": [row.get(c.name) for row in rows],
            }
            for c in signature.inputs
        ]  # fmt: skip
    shape, values = [len(rows)], rows
    while values and isinstance(values[0], list):
        shape.append(len(values[0]))
        values = [v for value in values for v in value]
    dtype = signature.inputs[0].dtype if signature is not None and signature.inputs else "float64"
    return [{"name": "input", "datatype": _DATATYPES.get(dtype, "FP64"), "shape": shape, "data": values}]


def reward(protocol: str) -> Known:
    """Return the schema of a reward, and an example."""
    if protocol == SELDON:
        meta = {
            "type": "object",
            "required": ["puid"],
            "properties": {"puid": {"type": "string", "minLength": 1, "maxLength": 128}},
        }
        answer = {"type": "object", "required": ["meta"], "properties": {"meta": meta}}
        return (
            {
                "type": "object", "required": ["response"],
                "properties": {"response": answer, "reward": {"type": "number"}},
            },
            {"reward": {"value": {"response": {"meta": {"puid": "an answer's id"}}, "reward": 1}}},
        )  # fmt: skip
    return (
        {
            "type": "object", "required": ["id", "reward"],
            "properties": {"id": {"type": "string", "minLength": 1, "maxLength": 128}, "reward": {"type": "number"}},
        },
        {"reward": {"value": {"id": "an answer's id", "reward": 1}}},
    )  # fmt: skip


def _object(name: str, schema: Document, more: Document) -> Document:
    return {
        "type": "object", "required": [name], "properties": {name: schema, **more}, "additionalProperties": False,
    }  # fmt: skip


def _names(signature: Signature | None) -> list[str]:
    return [*signature.names] if signature is not None and signature.container == "frame" else []


def _listed(signature: Signature | None, rows: list[Any]) -> list[Any]:
    """Return example rows as lists of values in order."""
    return [[row.get(n) for n in _names(signature)] if isinstance(row, dict) else row for row in rows]
