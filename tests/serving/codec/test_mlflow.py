"""MLflow's payloads and its own client: what its scoring server understands we understand, and answer alike."""

from __future__ import annotations

import base64
import json
import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbregistry.capture.signature import infer
from nbregistry.errors import BadRows, InvalidInput, NotFound, RegistryError, UnsupportedMedia
from nbregistry.serving.codec import mlflow
from nbregistry.serving.intake import Intake
from tests.serving.codec.subjects import INTAKES, PEOPLE, answered, values

JSON = "application/json"
ROWS = [[1.0, 2.0], [3.0, 4.0]]


@pytest.fixture(scope="module")
def scoring() -> Any:
    """Return MLflow's scoring server and its client; importing them warns of their own matters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = pytest.importorskip("mlflow.pyfunc.scoring_server")
        client = pytest.importorskip("mlflow.pyfunc.scoring_server.client")
    return SimpleNamespace(server=server, client=client)


class Summing:
    """A model for MLflow's server that adds up the columns a and b."""

    metadata = SimpleNamespace(get_params_schema=lambda: None)

    def predict(self, data: Any, params: Any = None) -> Any:
        frame = data if isinstance(data, (np.ndarray, pd.DataFrame)) else pd.DataFrame(data)
        if isinstance(frame, pd.DataFrame) and set(frame.columns) == {"a", "b"}:
            frame = frame[["a", "b"]]
        return np.asarray(frame, dtype=float) @ np.array([1.0, 10.0])


def ours(body: bytes, content_type: str, intake: str = "numbers") -> bytes:
    """Return our answer with the same model."""
    asked = mlflow.decode(body, content_type, INTAKES[intake])
    data = INTAKES[intake].to_model(asked.table)
    return mlflow.encode(answered(asked, Summing().predict(data)), asked)[0]


PAYLOADS: dict[str, Any] = {
    "split": {"dataframe_split": {"columns": ["a", "b"], "data": ROWS}},
    "split in another order, with an index": {
        "dataframe_split": {"index": ["x", "y"], "columns": ["b", "a"], "data": ROWS}
    },
    "records": {"dataframe_records": [{"a": 1, "b": 2.5}, {"b": 4, "a": 3}]},
    "instances, rows": {"instances": ROWS},
    "instances, objects": {"instances": [{"a": 1, "b": 2}, {"b": 4, "a": 3}]},
    "inputs, rows": {"inputs": ROWS},
    "inputs, columns": {"inputs": {"b": [2, 4], "a": [1, 3]}},
    "params": {"dataframe_split": {"columns": ["a", "b"], "data": ROWS}, "params": {"temperature": 0.5}},
    "keys that nobody knows": {"inputs": ROWS, "trace": "x"},
}


@pytest.mark.parametrize("name", PAYLOADS)
@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=utf-8", "application/json;charset=UTF-8"])
def test_payloads_are_answered_as_mlflow_does(scoring: Any, name: str, content_type: str) -> None:
    """Each documented form gives the answer of MLflow's own server, under each spelling of the content type."""
    body = json.dumps(PAYLOADS[name]).encode()
    theirs = scoring.server.invocations(body, content_type, Summing(), None)
    assert 200 == theirs.status
    assert json.loads(theirs.response) == json.loads(ours(body, content_type))


def test_csv_is_answered_as_mlflow_does(scoring: Any) -> None:
    """CSV gives the answer of MLflow's server; the other name of its content type works here as well."""
    body = b"b,a\n2.5,1\n4,3\n"
    theirs = scoring.server.invocations(body, "text/csv", Summing(), None)
    assert json.loads(theirs.response) == json.loads(ours(body, "text/csv"))
    assert json.loads(theirs.response) == json.loads(ours(body, "application/csv"))


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=latin-1", "application/json; format=pandas-split", "text/csv; header=present",
        "application/json-numpy-split", "text/plain", "application/x-www-form-urlencoded",
    ],
)  # fmt: skip
def test_content_types_are_refused_as_mlflow_does(scoring: Any, content_type: str) -> None:
    """Other character sets, other parameters and other types are a 415 in both."""
    body = json.dumps(PAYLOADS["split"]).encode()
    assert 415 == scoring.server.invocations(body, content_type, Summing(), None).status
    with pytest.raises(UnsupportedMedia) as caught:
        mlflow.decode(body, content_type, INTAKES["numbers"])
    assert 415 == caught.value.status
    with pytest.raises(UnsupportedMedia, match="no content type"):
        mlflow.decode(body, "", INTAKES["numbers"])


@pytest.mark.parametrize(
    "document",
    [
        {}, [], [[1, 2]], 7, {"data": ROWS}, {"instances": ROWS, "inputs": ROWS}, {"columns": ["a", "b"], "data": ROWS},
        {"dataframe_split": ROWS}, {"dataframe_split": {"columns": ["a", "b"]}},
        {"dataframe_split": {"columns": ["a", "b"], "data": ROWS, "more": 1}}, {"dataframe_records": {"a": [1]}},
    ],
)  # fmt: skip
def test_bodies_are_refused_as_mlflow_does(scoring: Any, document: Any) -> None:
    """What is none of the four forms, or more than one, is a bad request in both."""
    body = json.dumps(document).encode()
    with pytest.raises(scoring.server.MlflowException) as theirs:
        scoring.server.invocations(body, JSON, Summing(), None)
    with pytest.raises(InvalidInput) as caught:
        mlflow.decode(body, JSON, INTAKES["numbers"])
    assert theirs.value.get_http_status_code() == caught.value.status


def test_mlflow_client_is_answered(scoring: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow's scoring client sends frames, arrays, lists and params, missing values too, and reads the answer."""
    asked: list[Any] = []

    def post(url: str, data: Any, headers: dict[str, str]) -> Any:
        """Answer as the route does."""
        found = mlflow.decode(data.encode(), headers["Content-Type"], INTAKES[url.rpartition(":")[0][7:]])
        asked.append(found)
        body, _, _ = mlflow.encode(answered(found, np.arange(found.table.rows) / 2), found)
        return SimpleNamespace(status_code=200, text=body.decode())

    monkeypatch.setattr(scoring.client.requests, "post", post)
    numbers, people = (scoring.client.ScoringServerClient(host, 1) for host in ("numbers", "people"))
    assert [0.0, 0.5] == numbers.invoke(np.array(ROWS)).get_predictions("ndarray").tolist()
    assert [0.0, 0.5] == numbers.invoke(pd.DataFrame(ROWS, columns=["a", "b"])).get_predictions()[0].tolist()
    assert [0.0, 0.5] == numbers.invoke(ROWS, params={"t": 1}).get_predictions("ndarray").tolist()
    assert {"t": 1} == asked[-1].params
    assert 2 == len(people.invoke(PEOPLE).get_predictions())
    pd.testing.assert_frame_equal(PEOPLE, INTAKES["people"].to_model(asked[-1].table))


def test_nan_is_a_missing_value_and_nothing_else() -> None:
    """NaN, as MLflow's client writes it, passes where a value may be missing; Infinity does not, and texts stay."""
    row = '{"inputs": {"age": [3], "income": [%s], "active": [true], "city": ["NaN, \\"NaN"], "size": ["S"]}}'
    found = mlflow.decode((row % "NaN").encode(), JSON, INTAKES["people"])
    assert [[3, None, True, 'NaN, "NaN', "S"]] == values(found)
    with pytest.raises(BadRows, match="row 0, 'a': expected float64, got a missing value"):
        mlflow.decode(b'{"inputs": [[NaN, 1]]}', JSON, INTAKES["numbers"])
    for word in (b"Infinity", b"-NaN", b"NaNa", b'NaN"'):
        with pytest.raises(InvalidInput, match="not JSON"):
            mlflow.decode(b'{"inputs": [[%s, 1]]}' % word, JSON, INTAKES["numbers"])


def test_bytes_come_in_base64() -> None:
    """A column of bytes is read out of base64 in every form, and what is not base64 is told by its row."""
    trained = pd.DataFrame({"image": pd.Series([b"\x00\xff", b"a"], dtype=object), "n": [1, 2]})
    intake = Intake(infer(trained))
    packed = [base64.b64encode(v).decode() for v in trained["image"]]
    rows = [list(row) for row in zip(packed, [1, 2], strict=True)]
    for document in (
        {"dataframe_split": {"columns": ["image", "n"], "data": rows}},
        {"dataframe_records": [dict(zip(("image", "n"), row, strict=True)) for row in rows]},
        {"inputs": {"image": packed, "n": [1, 2]}},
    ):
        found = mlflow.decode(json.dumps(document).encode(), JSON, intake)
        pd.testing.assert_frame_equal(trained, intake.to_model(found.table))
    with pytest.raises(BadRows, match="Row 1 has the text '!!'"):
        mlflow.decode(b'{"inputs": {"image": ["YQ==", "!!"], "n": [1, 2]}}', JSON, intake)


def test_one_column_takes_bare_values() -> None:
    """A frame of one column, and a model of texts, take a list of values, and a single one."""
    intake = Intake(infer(pd.DataFrame({"text": ["a"]})))
    found = mlflow.decode(b'{"instances": ["x", "y"]}', JSON, intake)
    assert {"text": ["x", "y"]} == intake.to_model(found.table).to_dict("list")
    assert ["x"] == mlflow.decode(b'{"inputs": "x"}', JSON, INTAKES["texts"]).table.values


@pytest.mark.parametrize(
    "outputs",
    [
        np.array([1, 2]),
        np.array([0.5, 1e16, 1e-7]),
        np.array(["yes", "no"]),
        np.array([[0.25, 0.75]]),
        np.array([True]),
        pd.DataFrame({"0": [34.25], "label": ["a"]}),
        pd.DataFrame({0: [1.5]}),
        pd.Series([1, 2]),
        pd.Series(["a"], name="label"),
        ["a", "b"],
    ],
)
def test_outputs_are_written_as_mlflow_does(scoring: Any, outputs: Any) -> None:
    """Arrays are lists, frames and series are lists of objects."""
    from io import StringIO

    theirs = StringIO()
    scoring.server.predictions_to_json(outputs, theirs)
    asked = mlflow.decode(b'{"inputs": [[1, 2]]}', JSON, INTAKES["numbers"])
    assert json.loads(theirs.getvalue()) == json.loads(mlflow.encode(answered(asked, outputs), asked)[0])


def test_a_prediction_that_is_nan_is_null() -> None:
    """NaN is written as null, which every JSON parser reads."""
    asked = mlflow.decode(b'{"inputs": [[1, 2]]}', JSON, INTAKES["numbers"])
    for outputs in (np.array([np.nan]), pd.DataFrame({"x": [np.nan]})):
        body = mlflow.encode(answered(asked, outputs), asked)[0]
        assert b"null" in body
        assert b"NaN" not in body


def test_errors_have_mlflow_codes() -> None:
    """An error has a code of MLflow's and a message, and names the values that do not fit."""
    with pytest.raises(BadRows) as caught:
        mlflow.decode(b'{"inputs": [[1, "x"]]}', JSON, INTAKES["numbers"])
    told = json.loads(mlflow.refusal(caught.value, "r"))
    assert ("INVALID_PARAMETER_VALUE", "b") == (told["error_code"], told["faults"][0]["column"])
    assert "row 0, 'b': expected float64, got the text 'x'" in told["message"]
    for error, code in (
        (InvalidInput("x"), "BAD_REQUEST"), (NotFound("x"), "RESOURCE_DOES_NOT_EXIST"),
        (RegistryError("x"), "INTERNAL_ERROR"), (UnsupportedMedia("x"), "BAD_REQUEST"),
    ):  # fmt: skip
        assert {"error_code": code, "message": "x"} == json.loads(mlflow.refusal(error, "r"))
