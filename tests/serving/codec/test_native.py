from __future__ import annotations

import json
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest

from nbregistry.errors import BadRows, InvalidInput, RegistryError, UnsupportedMedia
from nbregistry.serving.codec import native
from nbregistry.serving.node import Step
from tests.serving.codec.subjects import INTAKES, PEOPLE, answered, values

JSON = "application/json"


def asked(document: Any, intake: str = "numbers") -> Any:
    return native.decode(orjson.dumps(document), JSON, INTAKES[intake])


@pytest.mark.parametrize(
    "document",
    [
        {"rows": [[1, 2], [3, 4]]},
        {"rows": [[2, 1], [4, 3]], "columns": ["b", "a"]},
        {"rows": [[2, 0, 1], [4, 0, 3]], "columns": ["b", "x", "a"]},
        {"records": [{"b": 2, "a": 1}, {"a": 3, "b": 4}]},
        {"data": {"b": [2, 4], "a": [1, 3]}},
        [[1, 2], [3, 4]],
        [{"a": 1, "b": 2}, {"a": 3, "b": 4}],
    ],
)
def test_every_form_gives_the_same_rows(document: Any) -> None:
    """Rows, records, columns and bare lists are read alike, in any order of columns."""
    assert [[1.0, 2.0], [3.0, 4.0]] == values(asked(document))


def test_mixed_columns_become_the_frame() -> None:
    """Text, categories, booleans and missing values come out as the frame the model was trained on."""
    rows = [[30, 1.5, True, "Porto", "S"], [40, None, False, "Lisboa", "L"]]
    found = asked({"rows": rows}, "people")
    pd.testing.assert_frame_equal(PEOPLE, INTAKES["people"].to_model(found.table))


def test_csv_is_read_with_its_names() -> None:
    """CSV under both of its names, with a byte order mark or without, is read by the signature."""
    text = "size,age,city,income,active\nS,30,Porto,1.5,true\nL,40,Lisboa,,False\n"
    for kind, body in (("text/csv", text.encode()), ("application/csv; charset=UTF-8", text.encode("utf-8-sig"))):
        found = native.decode(body, kind, INTAKES["people"])
        pd.testing.assert_frame_equal(PEOPLE, INTAKES["people"].to_model(found.table))


def test_what_is_said_beside_the_rows_is_kept() -> None:
    """Method, key, params, id and explain reach the question."""
    found = asked({
        "rows": [[1, 2]], "method": "predict_proba", "key": 7, "params": {"t": 0.5}, "id": "mine", "explain": True,
    })  # fmt: skip
    batch = found.question(("predict", "predict_proba"), "theirs")
    assert ("predict_proba", "7", {"t": 0.5}, "mine", []) == (
        batch.method, batch.key, batch.params, batch.id, batch.steps,
    )  # fmt: skip
    assert "theirs" == asked([[1, 2]]).question(("predict",), "theirs").id
    with pytest.raises(InvalidInput, match="ask for predict, transform, did you mean 'predict'"):
        asked({"rows": [[1, 2]], "method": "predct"}).question(("predict", "transform"), "")


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"rows": [[1, 2]], "records": []}, "rows and records: send one of"),
        ({}, "no rows: send one of"),
        ({"row": [[1, 2]]}, "no 'row' in a request, did you mean 'rows'?"),
        ({"rows": {"a": 1}}, "'rows' must be a list"),
        ({"data": [1]}, "'data' must be an object"),
        ({"rows": [[1, 2]], "columns": "ab"}, "'columns' must be a list"),
        ({"records": [], "columns": ["a"]}, "'columns' must be a list of names, beside 'rows'"),
        ({"rows": [[1, 2]], "id": "x" * 200}, "'id' must be a text"),
        ({"rows": [[1, 2]], "id": "a\r\nSet-Cookie: b"}, "'id' must be a text"),
        ({"rows": [[1, 2]], "method": ["predict"]}, "'method' must be a text"),
        ({"rows": [[1, 2]], "params": 1}, "'params' must be an object"),
        ({"rows": [[1, 2]], "explain": 1}, "'explain' must be"),
        (7, "The body is '7'"),
        (None, "The body is 'None'"),
    ],
)
def test_what_is_not_the_protocol_is_told(document: Any, says: str) -> None:
    """Whatever is not a request is refused with what to send."""
    with pytest.raises(InvalidInput) as caught:
        asked(document)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_other_content_types_are_refused(kind: str) -> None:
    """Forms and text, which any page of a browser may send, are not read, whatever they hold."""
    with pytest.raises(UnsupportedMedia, match="send application/json"):
        native.decode(b"[[1, 2]]", kind, INTAKES["numbers"])
    with pytest.raises(UnsupportedMedia, match="send UTF-8"):
        native.decode(b"[[1, 2]]", "application/json; charset=latin-1", INTAKES["numbers"])
    assert 1 == native.decode(b"[[1, 2]]", 'Application/JSON; Charset="UTF-8"', INTAKES["numbers"]).table.rows


def test_an_answer_says_who_gave_it() -> None:
    """The answer holds the predictions, the version with its digest, the id, and the way where it was asked."""
    found = asked({"rows": [[1, 2]], "explain": True})
    batch = answered(found, np.array([1]), routing={"ab": "b"}, steps=[Step("ab/b", "model", 0.25, {"rows": 1})])
    body, kind, headers = native.encode(batch, found)
    assert (JSON, {}) == (kind, dict(headers))
    assert {
        "predictions": [1],
        "model": {"name": "churn", "version": 3, "digest": "ab" * 32},
        "id": "r-1",
        "routing": {"ab": "b"},
        "steps": [{"node": "ab/b", "kind": "model", "seconds": 0.25, "detail": {"rows": 1}}],
    } == json.loads(body)


def test_probabilities_come_with_their_classes() -> None:
    """The columns of predict_proba are named by the model's classes."""
    found = asked({"rows": [[1, 2]], "method": "predict_proba"})
    batch = answered(found, np.array([[0.25, 0.75]]), method="predict_proba")
    said = json.loads(native.encode(batch, found, classes=np.array(["no", "yes"]))[0])
    assert ([[0.25, 0.75]], ["no", "yes"]) == (said["predictions"], said["classes"])


def test_an_error_says_each_value() -> None:
    """A refusal holds the kind, the message and each row and column."""
    with pytest.raises(BadRows) as caught:
        asked({"rows": [[1, "x"], [None, 2]]})
    said = json.loads(native.refusal(caught.value, "r-1"))
    assert ("BadRows", "r-1") == (said["error"], said["id"])
    assert [(0, "b"), (1, "a")] == [(f["row"], f["column"]) for f in said["faults"]]
    assert {"error": "RegistryError", "message": "no", "id": ""} == json.loads(native.refusal(RegistryError("no"), ""))
