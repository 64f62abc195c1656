"""The Open Inference Protocol: requests that Triton's own client builds, answers that it reads, and documents."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry.capture.signature import from_estimator, infer
from nbregistry.domain.signature import Signature
from nbregistry.errors import BadRows, InvalidInput, ModelFailed, RegistryError, UnsupportedMedia
from nbregistry.serving.codec import inference, tensors
from nbregistry.serving.intake import Intake
from nbregistry.serving.node import Endpoint
from tests.serving.codec.subjects import BY, INTAKES, PEOPLE, answered, values

triton = pytest.importorskip("tritonclient.http")
build = pytest.importorskip("tritonclient.http._utils")._get_inference_request


def sent(name: str, array: Any, datatype: str, *, binary: bool = True) -> Any:
    """Return an input as Triton's client makes one."""
    found = triton.InferInput(name, list(array.shape), datatype)
    found.set_data_from_numpy(array, binary_data=binary)
    return found


def decoded(intake: Intake, inputs: list[Any], outputs: Any = None, request_id: str = "", **parameters: Any) -> Any:
    """Return a request of Triton's client as we read it."""
    body, length = build(
        inputs=inputs, request_id=request_id, outputs=outputs, sequence_id=0, sequence_start=False, sequence_end=False,
        priority=0, timeout=None, custom_parameters=parameters,
    )  # fmt: skip
    return inference.decode(body, "", intake, json_length="" if length is None else str(length))


def result(encoded: tuple[bytes, str, Mapping[str, str]]) -> Any:
    """Return an answer as Triton's client reads it."""
    body, kind, headers = encoded
    length = headers.get("Inference-Header-Content-Length")
    assert ("application/json" if length is None else "application/octet-stream") == kind
    return triton.InferResult.from_response_body(body, False, None if length is None else int(length))


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("container", ["numbers", "array", "nothing"])
def test_one_tensor_of_all_columns(container: str, binary: bool) -> None:
    """Numeric models take one tensor of rows and columns, whatever it is called, in JSON or behind it."""
    rows = np.array([[1.0, 2.0], [3.0, 4.0]])
    asked = decoded(INTAKES[container], [sent("input-0", rows, "FP64", binary=binary)], request_id="mine")
    assert rows.tolist() == values(asked)
    answer = answered(asked, np.array([1, 0]))
    read = result(inference.encode(answer, asked))
    assert [1, 0] == read.as_numpy("predict").tolist()
    told = read.get_response()
    assert ("churn", "3", "mine") == (told["model_name"], told["model_version"], told["id"])
    assert ("churn/3", "ab" * 32, "mine") == tuple(told["parameters"][k] for k in ("version", "digest", "request_id"))


def people(*, binary: bool) -> list[Any]:
    """Return the people as one tensor a column, in another order."""
    city = np.array(PEOPLE["city"].tolist(), dtype=object)
    return [
        sent("size", np.array([[b"S"], [b"L"]], dtype=object), "BYTES", binary=binary),
        sent("city", city, "BYTES", binary=binary),
        sent("active", PEOPLE["active"].to_numpy(), "BOOL", binary=binary),
        sent("income", PEOPLE["income"].to_numpy(), "FP64", binary=binary),
        sent("age", PEOPLE["age"].to_numpy().astype("int32"), "INT32", binary=binary),
    ]


def test_one_tensor_a_column() -> None:
    """A frame takes a tensor for each column in any order, ``[rows]`` or ``[rows, 1]``, NaN being a missing value."""
    intake = INTAKES["people"]
    found = decoded(intake, people(binary=True))
    pd.testing.assert_frame_equal(PEOPLE, intake.to_model(found.table))
    with pytest.raises(BadRows, match="'city': expected text"):
        decoded(intake, [t for t in people(binary=True) if t.name() != "city"])
    with pytest.raises(BadRows, match=r"differ in their number of rows"):
        decoded(intake, [*people(binary=True)[1:], sent("size", np.array([b"S"], dtype=object), "BYTES")])
    with pytest.raises(BadRows, match=r"a column has the shape \[rows\] or \[rows, 1\]"):
        decoded(intake, [*people(binary=True)[1:], sent("size", np.array([[b"S"] * 2] * 2, dtype=object), "BYTES")])
    with pytest.raises(InvalidInput, match="same name"):
        decoded(intake, [*people(binary=True), people(binary=True)[0]])


def test_the_pandas_form_of_mlserver() -> None:
    """MLServer's frames, with null for a missing value and flat or nested data, become the frame."""
    document: dict[str, Any] = {
        "parameters": {"content_type": "pd"},
        "inputs": [
            {"name": "age", "datatype": "INT64", "shape": [2], "data": [30, 40]},
            {"name": "income", "datatype": "FP64", "shape": [2, 1], "data": [[1.5], [None]]},
            {"name": "active", "datatype": "BOOL", "shape": [2, 1], "data": [True, False]},
            {"name": "city", "datatype": "BYTES", "shape": [2], "data": ["Porto", "Lisboa"],
             "parameters": {"content_type": "str"}},
            {"name": "size", "datatype": "BYTES", "shape": [2, 1], "data": [["S"], ["L"]]},
        ],
    }  # fmt: skip
    found = inference.decode(orjson.dumps(document), "application/json", INTAKES["people"])
    pd.testing.assert_frame_equal(PEOPLE, INTAKES["people"].to_model(found.table))
    single = Intake(infer(PEOPLE[["age"]]))
    alone = {"inputs": document["inputs"][:1], "parameters": {"content_type": "pd"}}
    assert [[30], [40]] == inference.decode(orjson.dumps(alone), "application/json", single).table.values.tolist()


def test_models_of_texts() -> None:
    """A model of texts takes a tensor of bytes, and so do one of arrays and one of series."""
    texts = np.array([["a b"], ["\u00e9"]], dtype=object)
    for trained in (["x"], np.array(["x"]), pd.Series(["x"])):
        intake = Intake(infer(trained))
        for array in (texts, texts[:, 0]):
            found = intake.to_model(decoded(intake, [sent("text", array, "BYTES")]).table)
            assert ["a b", "\u00e9"] == list(found)


def test_what_a_model_of_several_tensors_takes() -> None:
    """A model that takes a dictionary of arrays gets each under its name."""
    intake = Intake(infer({"ids": np.array([[1, 2]]), "weight": np.array([0.5])}))
    found = intake.to_model(
        decoded(intake, [sent("weight", np.ones(1), "FP64"), sent("ids", np.array([[7, 8]]), "INT64")]).table
    )
    assert ([[7, 8]], [1.0]) == (found["ids"].tolist(), found["weight"].tolist())


DATATYPES = ("BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP16", "FP32", "FP64")


@pytest.mark.parametrize("datatype", DATATYPES)
@given(numbers=st.lists(st.integers(0, 100), min_size=1, max_size=6), binary=st.booleans(), asked=st.booleans())
def test_every_datatype_both_ways(datatype: str, numbers: list[int], binary: bool, asked: bool) -> None:
    """A tensor of any datatype comes and goes without a difference, in JSON and as bytes."""
    array = np.array([numbers]).astype(tensors.DTYPES[datatype])
    outputs = [triton.InferRequestedOutput("predict", binary_data=asked)]
    found = decoded(Intake(None), [sent("x", array, datatype, binary=binary)], outputs)
    assert array.dtype == found.table.values.dtype
    assert array.tolist() == found.table.values.tolist()
    assert found.table.values.flags.writeable
    read = result(inference.encode(answered(found, array), found))
    assert (datatype, array.dtype) == (read.get_output("predict")["datatype"], read.as_numpy("predict").dtype)
    np.testing.assert_array_equal(array, read.as_numpy("predict"))


@given(
    texts=st.lists(st.text(st.characters(codec="utf-8")), min_size=1),
    binary=st.booleans(),
    asked=st.booleans(),
)
def test_texts_both_ways(texts: list[str], binary: bool, asked: bool) -> None:
    """Texts come and go as they are, empty ones and any characters included."""
    array = np.array(texts, dtype=object)
    outputs = [triton.InferRequestedOutput("predict", binary_data=asked)]
    found = decoded(Intake(None), [sent("x", array, "BYTES", binary=binary)], outputs)
    assert texts == found.table.values
    read = result(inference.encode(answered(found, array), found)).as_numpy("predict").tolist()
    assert texts == [v.decode() if isinstance(v, bytes) else v for v in read]


def test_outputs_are_chosen() -> None:
    """An output named after a method asks for it; a frame's columns are outputs; others are refused."""
    rows = sent("x", np.ones((1, 2)), "FP64")
    asked = decoded(INTAKES["numbers"], [rows], [triton.InferRequestedOutput("predict_proba", binary_data=False)])
    assert "predict_proba" == asked.method
    batch = asked.question(("predict", "predict_proba"), "r").answered(np.array([[0.25, 0.75]]), (BY,))
    read = result(inference.encode(batch, asked, classes=np.array(["no", "yes"])))
    assert ([[0.25, 0.75]], '["no","yes"]') == (
        read.as_numpy("predict_proba").tolist(), read.get_response()["parameters"]["classes"],
    )  # fmt: skip
    asked = decoded(INTAKES["numbers"], [rows], [triton.InferRequestedOutput("low")])
    frame = pd.DataFrame({"high": [2.0], "low": [1.0], "why": ["x"]})
    read = result(inference.encode(answered(asked, frame), asked))
    assert ([1.0], None) == (read.as_numpy("low").tolist(), read.as_numpy("high"))
    with pytest.raises(InvalidInput, match=r"no output 'low': ask for predict\."):
        inference.encode(answered(asked, np.ones(1)), asked)
    with pytest.raises(InvalidInput, match="one at a time"):
        decoded(INTAKES["numbers"], [rows], [triton.InferRequestedOutput(n) for n in ("predict", "predict_proba")])
    with pytest.raises(InvalidInput, match="extension that is not offered"):
        decoded(INTAKES["numbers"], [rows], [triton.InferRequestedOutput("predict", class_count=2)])


def test_binary_and_json_outputs_in_one_answer() -> None:
    """Each output is written as it was asked, and all are where Triton's client looks for them."""
    wanted = [triton.InferRequestedOutput(name, binary_data=name != "b") for name in ("c", "a", "b")]
    asked = decoded(INTAKES["numbers"], [sent("x", np.ones((1, 2)), "FP64")], wanted)
    frame = pd.DataFrame({"a": [1.5, np.nan], "b": [2.5, np.nan], "c": ["x", "yy"]})
    read = result(inference.encode(answered(asked, frame), asked))
    np.testing.assert_array_equal(frame["a"].to_numpy(), read.as_numpy("a"))
    np.testing.assert_array_equal(frame["b"].to_numpy(), read.as_numpy("b"))
    assert [b"x", b"yy"] == read.as_numpy("c").tolist()
    assert [2.5, None] == read.get_output("b")["data"]


def test_other_outputs() -> None:
    """Dictionaries and lists of arrays are several outputs; what is no tensor is the model's failure."""
    asked = decoded(INTAKES["numbers"], [sent("x", np.ones((1, 2)), "FP64")])
    read = result(inference.encode(answered(asked, {"a": np.ones(1), "b": np.zeros(1)}), asked))
    assert ([1.0], [0.0]) == (read.as_numpy("a").tolist(), read.as_numpy("b").tolist())
    read = result(inference.encode(answered(asked, [np.ones((1, 2)), np.zeros((1, 2))]), asked))
    assert [[0.0, 0.0]] == read.as_numpy("predict_1").tolist()
    read = result(inference.encode(answered(asked, pd.Series(["a"])), asked))
    assert [b"a"] == read.as_numpy("predict").tolist()
    read = result(inference.encode(answered(asked, np.array([1, 2], dtype=">i4")), asked))
    assert ("INT32", [1, 2]) == (read.get_output("predict")["datatype"], read.as_numpy("predict").tolist())
    for outputs in (np.array(["2020-01-01", "NaT"], dtype="M8[D]"), pd.Series(["2020-01-01", None], dtype="str")):
        read = result(inference.encode(answered(asked, outputs), asked))
        assert [b"2020-01-01", b""] == read.as_numpy("predict").tolist()
    with pytest.raises(ModelFailed, match="rows of different lengths"):
        inference.encode(answered(asked, [[1], [1, 2]]), asked)


GOOD: dict[str, Any] = {"name": "x", "datatype": "FP64", "shape": [1, 2], "data": [1, 2]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"shape": [1, 3]}, "has 2 values, and the shape [1, 3] asks for 3"),
        ({"shape": [2**62, 2**62]}, "must be a list of sizes"),
        ({"shape": [2**39, 2**39]}, "has 2 values"),
        ({"shape": [-1, 2]}, "must be a list of sizes"),
        ({"shape": [True, 2]}, "must be a list of sizes"),
        ({"shape": []}, "must be a list of sizes"),
        ({"shape": [1] * 33}, "must be a list of sizes"),
        ({"shape": None}, "must be a list of sizes"),
        ({"datatype": "BF16"}, "'BF16' of 'x' is not read"),
        ({"datatype": ["FP64"]}, "is not read"),
        ({"name": 7}, "needs a 'name'"),
        ({"data": None}, "must be a list"),
        ({"data": [1, True]}, "is said to be FP64, and has 'True' (a boolean) at 1"),
        ({"data": [1, "2"]}, "has '2' (a text) at 1"),
        ({"data": [[1], 2]}, "nested in one place"),
        ({"data": [1, 2.5], "datatype": "INT64"}, "has '2.5' (a number) at 1"),
        ({"data": [1, 300], "datatype": "UINT8"}, "beyond the range of UINT8"),
        ({"data": [-1, 3], "datatype": "UINT64"}, "beyond the range of UINT64"),
        ({"data": [1, 2], "datatype": "BYTES"}, "has '1' (a number) at 0"),
        ({"parameters": 7}, "'parameters' must be an object"),
        ({"parameters": {"shared_memory_region": "x"}}, "shared memory, which is not read"),
        ({"parameters": {"binary_data_size": 16}}, "has 16 bytes of binary data, and 0 are left"),
    ],
)
def test_tensors_that_are_not_right(change: dict[str, Any], says: str) -> None:
    """A tensor whose shape, datatype and data do not go together is refused with what is wrong."""
    with pytest.raises(InvalidInput) as caught:
        inference.decode(orjson.dumps({"inputs": [GOOD | change]}), "application/json", INTAKES["numbers"])
    assert says in str(caught.value)


def test_bytes_that_are_not_right() -> None:
    """Lengths that do not add up, in the header, the sizes or the texts, are refused."""
    head = orjson.dumps(
        {"inputs": [{k: v for k, v in GOOD.items() if k != "data"} | {"parameters": {"binary_data_size": 16}}]}
    )
    length, numbers = str(len(head)), struct.pack("<2d", 1, 2)
    intake = INTAKES["numbers"]
    assert [[1.0, 2.0]] == values(inference.decode(head + numbers, inference.OCTETS, intake, json_length=length))
    for body, header, says in (
        (head + numbers[:-1], length, "15 are left"),
        (head + numbers + b"x", length, "1 bytes behind the JSON belong to no input"),
        (head + numbers, "", "not JSON"),
        (head + numbers, "0", "tells how many of them are JSON"),
        (head + numbers, "-1", "tells how many"),
        (head + numbers, "9" * 5_000, "tells how many"),
        (head + numbers, "\u0661", "tells how many"),
        (head + numbers, "x", "tells how many"),
        (head + numbers, str(len(head) - 1), "not JSON"),
    ):
        with pytest.raises(InvalidInput) as caught:
            inference.decode(body, inference.OCTETS, intake, json_length=header)
        assert says in str(caught.value)
        assert len(str(caught.value)) < 500
    for raw in (b"\x02\x00\x00\x00a", b"\xff\xff\xff\xffab", b"\x01\x00", b"", struct.pack("<I", 0) * 3):
        with pytest.raises(InvalidInput):
            tensors.of_bytes("x", "BYTES", (2,), raw)
    with pytest.raises(InvalidInput):
        tensors.of_bytes("x", "BYTES", (2**39,), b"")


@given(
    raw=st.binary(max_size=40),
    datatype=st.sampled_from((*DATATYPES, "BYTES")),
    shape=st.lists(st.integers(0, 4), min_size=1, max_size=3),
)
def test_any_bytes_are_read_or_refused(raw: bytes, datatype: str, shape: list[int]) -> None:
    """Whatever bytes come for a tensor, they are its values or a refusal."""
    try:
        found = tensors.of_bytes("x", datatype, tuple(shape), raw)
    except RegistryError as error:
        assert error.status == 400
    else:
        assert tuple(shape) == found.values.shape


def test_content_types() -> None:
    """JSON, octets and none at all are read, as Triton's clients send them; forms and text are not."""
    body = orjson.dumps({"inputs": [GOOD]})
    for kind in ("", "application/json", "application/octet-stream", "application/json; charset=utf-8"):
        assert 1 == inference.decode(body, kind, INTAKES["numbers"]).table.rows
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        with pytest.raises(UnsupportedMedia):
            inference.decode(body, kind, INTAKES["numbers"])


def test_what_is_said_beside_the_tensors() -> None:
    """Key, method and the client's parameters reach the question, the protocol's own words do not."""
    document = {
        "inputs": [GOOD], "id": "mine",
        "parameters": {"key": "ana", "method": "transform", "t": 1, "binary_data_output": True, "explain": True},
    }  # fmt: skip
    batch = inference.decode(orjson.dumps(document), "application/json", INTAKES["numbers"]).question(
        ("transform",), ""
    )
    assert ("ana", "transform", {"t": 1}, "mine", []) == (batch.key, batch.method, batch.params, batch.id, batch.steps)


def endpoint(signature: Signature | None, *methods: str) -> Endpoint:
    found = SimpleNamespace(
        name="churn", by=BY, intake=Intake(signature), methods=methods or ("predict",), ready=True, trouble=""
    )
    return cast("Endpoint", found)


def test_documents_of_models() -> None:
    """A model's metadata names its tensors so that a request made after them is understood."""
    numbers = inference.metadata(endpoint(INTAKES["numbers"].signature, "predict", "predict_proba"))
    assert ("churn", ["3"]) == (numbers["name"], numbers["versions"])
    assert [{"name": "input", "datatype": "FP64", "shape": [-1, 2], "parameters": {"columns": '["a","b"]'}}] == numbers[
        "inputs"
    ]
    assert [("predict", "FP64", [-1]), ("predict_proba", "FP64", [-1, -1])] == [
        tuple(o.values()) for o in numbers["outputs"]
    ]
    frame = inference.metadata(endpoint(infer(PEOPLE, np.array([1, 0]))))
    assert ["INT64", "FP64", "BOOL", "BYTES", "BYTES"] == [i["datatype"] for i in frame["inputs"]]
    assert ["predict", "INT64"] == [frame["outputs"][0][k] for k in ("name", "datatype")]
    assert {"inputs", "outputs"} <= inference.metadata(endpoint(None)).keys()
    counted = from_estimator(SimpleNamespace(n_features_in_=3))
    assert [{"name": "input", "datatype": "FP64", "shape": [-1, 3]}] == inference.metadata(endpoint(counted))["inputs"]
    index = inference.repository([endpoint(None)], ready=True)
    assert [{"name": "churn", "version": "3", "state": "READY", "reason": ""}] == index
    assert ("nbregistry", "1.0") == tuple(inference.server("1.0")[k] for k in ("name", "version"))
    assert {"error": "no"} == json.loads(inference.refusal(InvalidInput("no"), "r"))
