"""Seldon's messages as its documents have them."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import orjson
import pandas as pd
import pytest

from nbregistry.errors import BadRows, InvalidInput, UnsupportedMedia
from nbregistry.serving.codec import seldon
from nbregistry.serving.node import By, Endpoint, Step
from tests.serving.codec.subjects import BY, INTAKES, PEOPLE, answered, values

JSON = "application/json"


def asked(document: Any, intake: str = "numbers") -> Any:
    return seldon.decode(orjson.dumps(document), JSON, INTAKES[intake])


def said(document: Any, outputs: Any, intake: str = "numbers", **more: Any) -> Any:
    """Return what the answer holds."""
    found = asked(document, intake)
    classes = more.pop("classes", None)
    return json.loads(seldon.encode(answered(found, outputs, **more), found, classes=classes)[0])


@pytest.mark.parametrize(
    "document",
    [
        {"data": {"names": ["a", "b"], "tensor": {"shape": [2, 2], "values": [1, 2, 3, 4]}}},
        {"data": {"names": ["b", "a"], "ndarray": [[2, 1], [4, 3]]}},
        {"data": {"ndarray": [[1, 2], [3, 4]]}},
        {"data": {"names": [], "ndarray": [[1, 2], [3, 4]]}, "meta": {}},
        {"jsonData": {"a": [1, 3], "b": [2, 4]}},
        {"jsonData": [{"a": 1, "b": 2}, {"b": 4, "a": 3}]},
        {"jsonData": [[1, 2], [3, 4]]},
    ],
)
def test_every_form_gives_the_same_rows(document: Any) -> None:
    """Arrays, tensors and JSON are read alike; names say the order."""
    assert [[1.0, 2.0], [3.0, 4.0]] == values(asked(document))


def test_mixed_columns_and_texts() -> None:
    """An ndarray may hold columns of any kinds; a text is a row of a model of texts."""
    rows = [[30, 1.5, True, "Porto", "S"], [40, None, False, "Lisboa", "L"]]
    found = asked({"data": {"ndarray": rows, "names": list(PEOPLE.columns)}}, "people")
    pd.testing.assert_frame_equal(PEOPLE, INTAKES["people"].to_model(found.table))
    assert ["some test input"] == asked({"strData": "some test input"}, "texts").table.values
    cube = asked({"data": {"tensor": {"shape": [1, 2, 2], "values": [1, 2, 3, 4]}}}, "nothing")
    assert [[[1, 2], [3, 4]]] == cube.table.values


def test_the_answer_is_of_the_kind_that_came() -> None:
    """Numbers go back as an ndarray or a tensor, as they came; what is no number as an ndarray."""
    array, tensor = {"ndarray": [[1, 2]]}, {"tensor": {"shape": [1, 2], "values": [1, 2]}}
    proba = np.array([[0.25, 0.75]])
    assert {"names": ["t:0", "t:1"], "ndarray": [[0.25, 0.75]]} == said({"data": array}, proba)["data"]
    assert {"names": ["no", "yes"], "tensor": {"shape": [1, 2], "values": [0.25, 0.75]}} == said(
        {"data": tensor}, proba, classes=["no", "yes"]
    )["data"]
    assert {"names": [], "tensor": {"shape": [1], "values": [0.5]}} == said({"jsonData": [[1, 2]]}, np.array([0.5]))[
        "data"
    ]
    assert {"names": [], "ndarray": ["yes"]} == said({"data": tensor}, np.array(["yes"]))["data"]
    assert {"names": ["x", "y"], "ndarray": [[1, "a"]]} == said({"data": tensor}, pd.DataFrame({"x": [1], "y": ["a"]}))[
        "data"
    ]
    assert {"names": [], "tensor": {"shape": [1], "values": [None]}} == said({"data": tensor}, np.array([np.nan]))[
        "data"
    ]
    assert {"names": [], "tensor": {"shape": [2], "values": [1.5, 2.0]}} == said({"data": tensor}, [1.5, 2.0])["data"]


def test_probabilities_are_the_default() -> None:
    """As with Seldon's own server a model that has probabilities gives them, unless the tags name a method."""
    both = ("predict", "predict_proba")
    document: Any = {"data": {"ndarray": [[1, 2]]}}
    assert "predict_proba" == asked(document).question(both, "").method
    assert "predict" == asked(document).question(("predict",), "").method
    document["meta"] = {"puid": "mine", "tags": {"method": "predict", "key": "ana", "season": "summer"}}
    batch = asked(document).question(both, "theirs")
    assert ("predict", "mine", "ana", {"season": "summer"}) == (batch.method, batch.id, batch.key, batch.params)


def test_the_answer_says_where_it_has_been() -> None:
    """The answer's meta holds the id, the version, the arms taken (numbers as numbers) and who answered."""
    answer = said(
        {"data": {"ndarray": [[1, 2]]}}, np.array([1.0]), routing={"ab": "1", "cd": "left"},
        by=(BY, By("other", 2, "cd" * 32)), steps=[Step("ab", "split", 0.5, {})],
    )  # fmt: skip
    assert {
        "puid": "r-1", "tags": {"version": "churn/3", "digest": "ab" * 32}, "routing": {"ab": 1, "cd": "left"},
        "requestPath": {"churn": "churn/3", "other": "other/2"},
        "steps": [{"node": "ab", "kind": "split", "seconds": 0.5, "detail": {}}],
    } == answer["meta"]  # fmt: skip


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "one of data, strData, jsonData"),
        ({}, "one of data, strData, jsonData"),
        ({"data": {}, "strData": ""}, "one of data, strData, jsonData"),
        ({"data": [[1, 2]]}, "'data' must be an object"),
        ({"data": {"ndarray": 1}}, "'data' must have 'ndarray', a list of rows"),
        ({"data": {"ndarray": [], "tensor": {}}}, "'data' must have"),
        ({"data": {"tftensor": {}}}, "'data' must have"),
        ({"data": {"names": "ab", "ndarray": [[1, 2]]}}, "'names' must be a list of texts"),
        ({"data": {"names": [1, 2], "ndarray": [[1, 2]]}}, "'names' must be a list of texts"),
        ({"data": {"tensor": {"shape": [2, 2], "values": [1]}}}, "asks for 4 values, and 1 came"),
        ({"data": {"tensor": {"shape": [-1], "values": [1]}}}, "'tensor' must have 'shape'"),
        ({"data": {"tensor": {"shape": [2**60, 2**60], "values": [1]}}}, "and 1 came"),
        ({"data": {"tensor": {"shape": [1], "values": [[1]]}}}, "are numbers, and a list is among them"),
        ({"data": {"tensor": {"shape": [1], "values": ["1"]}}}, "are numbers, and the text '1'"),
        ({"strData": 1}, "'strData' must be a text"),
        ({"binData": "YQ=="}, "Neither binData nor customData is read"),
        ({"data": {"ndarray": [[1, 2]]}, "meta": []}, "'meta' must be an object"),
        ({"data": {"ndarray": [[1, 2]]}, "meta": {"tags": 1}}, "'tags' must be an object"),
        ({"data": {"ndarray": [[1, 2]]}, "meta": {"puid": "x" * 200}}, "'puid' must be a text"),
    ],
)
def test_what_is_not_a_message_is_told(document: Any, says: str) -> None:
    """Whatever is no message of Seldon's is refused with what to send."""
    with pytest.raises(InvalidInput) as caught:
        asked(document)
    assert says in str(caught.value)


def test_errors_are_a_status() -> None:
    """An error is Seldon's status with its code and text, and the values that do not fit beside it."""
    with pytest.raises(BadRows) as caught:
        asked({"data": {"tensor": {"shape": [1, 2], "values": [1, None]}}})
    told = json.loads(seldon.refusal(caught.value, "r-1"))
    assert ("FAILURE", 422, "BadRows", "r-1") == (
        told["status"]["status"], told["status"]["code"], told["status"]["reason"], told["meta"]["puid"],
    )  # fmt: skip
    assert "row 0, 'b'" in told["status"]["info"]
    with pytest.raises(UnsupportedMedia):
        seldon.decode(b"{}", "application/x-www-form-urlencoded", INTAKES["numbers"])


def test_feedback_is_read() -> None:
    """Feedback tells the answer's id and arms, the reward and the truth, as Seldon's clients send it."""
    document: Any = {
        "request": {"data": {"ndarray": [[1, 2]]}, "meta": {"puid": "asked"}},
        "response": {"data": {"ndarray": [[0.5]]}, "meta": {"puid": "answered", "routing": {"ab": 1}}},
        "reward": 1,
        "truth": {"data": {"ndarray": [[1]]}},
    }
    found = seldon.feedback(orjson.dumps(document), JSON)
    assert ("answered", 1.0, {"ab": 1}) == (found.id, found.reward, found.routing)
    assert (document["truth"], document["request"]) == (found.truth, found.request)
    del document["response"]
    assert "asked" == seldon.feedback(orjson.dumps(document), JSON).id
    for bad, says in (
        ({"reward": 1}, "'puid'"),
        ({"response": {"meta": {"puid": "x"}}, "reward": "1"}, "'reward' must be a number"),
        ({"response": {"meta": {"puid": "x"}}, "reward": True}, "'reward' must be a number"),
        ({"response": 1}, "'response' must be an object"),
        ([], "must be an object"),
    ):
        with pytest.raises(InvalidInput) as caught:
            seldon.feedback(orjson.dumps(bad), JSON)
        assert says in str(caught.value)


def test_documents_of_models() -> None:
    """A model's metadata has the names and the shape of its input in Seldon's words."""

    def told(intake: str) -> Any:
        endpoint = SimpleNamespace(name="churn", by=BY, intake=INTAKES[intake])
        return seldon.metadata(cast("Endpoint", endpoint))

    numbers = told("numbers")
    assert ("churn", ["churn/3"]) == (numbers["name"], numbers["versions"])
    assert [{"messagetype": "tensor", "schema": {"names": ["a", "b"], "shape": [2]}}] == numbers["inputs"]
    assert [{"messagetype": "tensor", "schema": {"shape": [2]}}] == told("array")["inputs"]
    assert "ndarray" == told("people")["inputs"][0]["messagetype"]
    assert "ndarray" == told("nothing")["inputs"][0]["messagetype"]
