"""MLflow's scoring protocol: ``POST /invocations``, as the scoring server of MLflow 3 reads and answers it.

The body has exactly one of ``dataframe_split``, ``dataframe_records``, ``instances`` and ``inputs``, and perhaps
``params``; other keys are ignored, as MLflow does. CSV comes as ``text/csv`` and, in documents of some, as
``application/csv``. A content type may have a character set, which is UTF-8, and no other parameter. Columns of bytes
come in base64.

Two things differ, and no client notices: ``NaN``, which MLflow's own client writes for a missing value though JSON has
no such word, is read as one and never written (a prediction that is NaN is null), and rows that do not fit are a 422
that names them instead of a 400 with a trace.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from nbregistry.capture.values import text_of
from nbregistry.errors import BadRows, InvalidInput, RegistryError, UnsupportedMedia
from nbregistry.serving.codec.asked import Answered, Asked, params_field
from nbregistry.serving.codec.reading import CSV, JSON, csv_table, media, parsed, unsupported
from nbregistry.serving.codec.writing import dumped, faults_of, outputs_of
from nbregistry.serving.intake import Intake
from nbregistry.serving.intake.faults import came
from nbregistry.serving.node import Batch
from nbregistry.serving.table import Table
from nbregistry.types import Document

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
_ONE = "The body must be an object with exactly one of " + ", ".join(FORMS)
_CODES = {
    400: "BAD_REQUEST", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "RESOURCE_DOES_NOT_EXIST",
    409: "RESOURCE_CONFLICT", 422: "INVALID_PARAMETER_VALUE", 501: "NOT_IMPLEMENTED",
    503: "TEMPORARILY_UNAVAILABLE",
}  # fmt: skip


def decode(body: bytes, content_type: str, intake: Intake) -> Asked:
    """Read a request.

    Raises
    ------
    InvalidInput
        Not JSON, or not one of the forms.
    UnsupportedMedia
        Neither JSON nor CSV, or a content type with unknown parameters.
    BadRows
        The rows do not fit the signature.
    """
    kind = media(content_type)
    if kind != JSON and kind not in CSV:
        raise unsupported(content_type, JSON, *CSV)
    if kind != content_type:
        _refuse_parameters(content_type)
    if kind != JSON:
        return Asked(csv_table(body, intake))
    found = parsed(body, nan=True)
    if type(found) is not dict:
        raise InvalidInput(f"{_ONE}, not {came(found)}.")
    given = [form for form in FORMS if form in found]
    if len(given) != 1:
        raise InvalidInput(f"{_ONE}; it has {', '.join(text_of(k, 40) for k in list(found)[:8]) or 'no key'}.")
    return Asked(_READERS[given[0]](found[given[0]], intake), params=params_field(found))


def _refuse_parameters(content_type: str) -> None:
    for parameter in content_type.split(";")[1:]:
        name = parameter.partition("=")[0].strip()
        if name and name.lower() != "charset":
            raise UnsupportedMedia(f"Unknown parameter {text_of(name, 40)!r} of the content type: leave it out.")


def _split(found: Any, intake: Intake) -> Table:
    if type(found) is not dict or type(found.get("data")) is not list:
        raise InvalidInput("'dataframe_split' must be an object with 'data', a list of rows, and perhaps 'columns'.")
    if extra := found.keys() - {"columns", "data", "index"}:
        raise InvalidInput(f"'dataframe_split' has {text_of(min(extra), 40)!r}: send 'columns', 'data' and 'index'.")
    names, rows = found.get("columns"), found["data"]
    if names is not None and type(names) is not list:
        raise InvalidInput("'columns' must be a list of names.")
    packed = intake.packed
    if packed:
        order = names if names is not None else list(intake.signature.names) if intake.signature else []
        places = [place for place, name in enumerate(order) if isinstance(name, str) and name in packed]
        for number, row in enumerate(rows):
            for place in places:
                if type(row) is list and place < len(row):
                    row[place] = _unpacked(row[place], number)
    return intake.from_rows(rows, names)


def _records(found: Any, intake: Intake) -> Table:
    if type(found) is not list:
        raise InvalidInput(f"'dataframe_records' must be a list of objects, not {came(found)}.")
    for name in intake.packed:
        for number, record in enumerate(found):
            if type(record) is dict and name in record:
                record[name] = _unpacked(record[name], number)
    return intake.from_records(found)


def _tensors(found: Any, intake: Intake) -> Table:
    """Read ``instances`` and ``inputs``: rows, objects, values of one column, or an object of columns."""
    if type(found) is dict:
        for name in intake.packed & found.keys():
            if type(found[name]) is list:
                found[name] = [_unpacked(value, row) for row, value in enumerate(found[name])]
        return intake.from_columns(found)
    if type(found) is not list:
        found = [found]
    if found and type(found[0]) is dict:
        return _records(found, intake)
    if (only := _only_column(intake)) is not None and not any(type(row) is list for row in found):
        return _tensors({only: found}, intake)
    return intake.from_rows(found)


def _only_column(intake: Intake) -> str | None:
    """Return the name of a frame's only column, whose values may come as a bare list."""
    signature = intake.signature
    if signature is None or signature.container != "frame" or len(signature.inputs) != 1:
        return None
    return signature.inputs[0].name


_READERS = {"dataframe_split": _split, "dataframe_records": _records, "instances": _tensors, "inputs": _tensors}


def _unpacked(value: Any, row: int) -> Any:
    if value is None:
        return None
    try:
        return base64.b64decode(value.encode("ascii"), validate=True)
    except (AttributeError, UnicodeEncodeError, binascii.Error):
        raise BadRows(f"Row {row} has {came(value)} where bytes are expected: send them in base64.") from None


def encode(answer: Batch, asked: Asked, *, classes: Any = None) -> Answered:
    """Write an answer: a list, or a list of objects where the model gives a frame or a series."""
    outputs = answer.outputs
    if hasattr(outputs, "to_frame") and not hasattr(outputs, "columns"):
        outputs = outputs.to_frame()
    return dumped({"predictions": outputs_of(outputs)}), JSON, {}


def refusal(error: RegistryError, id: str) -> bytes:
    """Write an error with one of MLflow's error codes."""
    code = _CODES.get(error.status, "BAD_REQUEST" if error.status < 500 else "INTERNAL_ERROR")
    found: Document = {"error_code": code, "message": str(error)}
    if faults := faults_of(error):
        found["faults"] = faults
    return dumped(found)
