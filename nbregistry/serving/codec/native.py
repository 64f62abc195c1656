"""The protocol of our own: ``POST /models/{reference}/predict``.

A request is one of::

    {"rows": [[1, 2], [3, 4]], "columns": ["a", "b"]}        rows; the names only where the order is another one
    {"records": [{"a": 1, "b": 2}]}
    {"data": {"a": [1, 3], "b": [2, 4]}}
    [[1, 2], [3, 4]]      or      [{"a": 1, "b": 2}]

and the object may also hold ``method``, ``key``, ``params``, ``id`` and ``explain``. CSV with a line of names is read
too. The answer is ``{"predictions": [...], "model": {...}, "id": "..."}`` with ``classes`` beside probabilities,
``routing`` where the request passed a routing node, and ``steps`` where ``explain`` was asked.
"""

from __future__ import annotations

from typing import Any

from nbregistry.capture.values import text_of
from nbregistry.errors import InvalidInput, RegistryError, did_you_mean
from nbregistry.serving.codec.asked import Answered, Asked, params_field, text_field
from nbregistry.serving.codec.reading import CSV, JSON, csv_table, media, parsed, unsupported
from nbregistry.serving.codec.writing import dumped, faults_of, model_fragment, outputs_of
from nbregistry.serving.intake import Intake
from nbregistry.serving.node import Batch
from nbregistry.serving.table import Table
from nbregistry.types import Document

_FORMS = ("rows", "records", "data")
_KNOWN = frozenset((*_FORMS, "columns", "method", "key", "params", "id", "explain"))
_ONE = "send one of 'rows', 'records' or 'data'"


def decode(body: bytes, content_type: str, intake: Intake) -> Asked:
    """Read a request.

    Raises
    ------
    InvalidInput
        Not JSON, or not one of the forms.
    UnsupportedMedia
        Neither JSON nor CSV.
    BadRows
        The rows do not fit the signature.
    """
    kind = media(content_type)
    if kind != JSON:
        if kind in CSV:
            return Asked(csv_table(body, intake))
        raise unsupported(content_type, JSON, CSV[0])
    found = parsed(body)
    if type(found) is list:
        return Asked(_of_list(found, None, intake))
    if type(found) is not dict:
        raise InvalidInput(f"The body is {text_of(found, 40)!r}: {_ONE} in an object, or a list of rows.")
    table = _of_object(found, intake)
    if len(found) == 1:
        return Asked(table)
    if type(found.get("explain", False)) is not bool:
        raise InvalidInput("'explain' must be true or false.")
    return Asked(
        table,
        text_field(found, "method"),
        params=params_field(found),
        id=text_field(found, "id"),
        key=text_field(found, "key"),
        explain=found.get("explain", False),
    )


def _of_object(found: dict[str, Any], intake: Intake) -> Table:
    if not _KNOWN.issuperset(found):
        unknown = next(name for name in found if name not in _KNOWN)
        hint = did_you_mean(unknown[:64], _KNOWN)
        raise InvalidInput(f"There is no {text_of(unknown, 60)!r} in a request{hint or ': ' + _ONE + '.'}")
    given = [form for form in _FORMS if form in found]
    if len(given) != 1:
        raise InvalidInput(f"The body has {' and '.join(given) or 'no rows'}: {_ONE}.")
    values, names = found[given[0]], found.get("columns")
    if names is not None and (given[0] != "rows" or type(names) is not list):
        raise InvalidInput("'columns' must be a list of names, beside 'rows'.")
    if given[0] == "data":
        if type(values) is not dict:
            raise InvalidInput("'data' must be an object with a list of values for each column.")
        return intake.from_columns(values)
    if type(values) is not list:
        raise InvalidInput(f"{given[0]!r} must be a list.")
    return intake.from_records(values) if given[0] == "records" else _of_list(values, names, intake)


def _of_list(values: list[Any], names: list[Any] | None, intake: Intake) -> Table:
    if values and type(values[0]) is dict and names is None:
        return intake.from_records(values)
    return intake.from_rows(values, names)


def encode(answer: Batch, asked: Asked, *, classes: Any = None) -> Answered:
    """Write an answer.

    Parameters
    ----------
    classes : sequence, optional
        What the columns of probabilities or scores stand for.
    """
    found: Document = {"predictions": outputs_of(answer.outputs)}
    if classes is not None and answer.method in ("predict_proba", "decision_function"):
        found["classes"] = classes
    if answer.by:
        found["model"] = model_fragment(answer.by[0])
        if len(answer.by) > 1:
            found["models"] = [model_fragment(by) for by in answer.by]
    found["id"] = answer.id
    if answer.routing:
        found["routing"] = answer.routing
    if answer.steps is not None:
        found["steps"] = [step._asdict() for step in answer.steps]
    return dumped(found), JSON, {}


def refusal(error: RegistryError, id: str) -> bytes:
    """Write an error: what it is called, its message, each value that does not fit, and the request id."""
    found: Document = {"error": type(error).__name__, "message": str(error)}
    if faults := faults_of(error):
        found["faults"] = faults
    return dumped({**found, "id": id})
