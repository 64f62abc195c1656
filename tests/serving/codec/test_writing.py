from __future__ import annotations

import datetime as dt
import decimal
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from nbregistry.errors import ModelFailed
from nbregistry.serving.codec.writing import dumped, outputs_of

OBJECTS = np.array(["a", None, 1.5, True], dtype=object)


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        (np.array([1.5, np.nan, np.inf, -np.inf]), [1.5, None, None, None]),
        (np.array([1, 2], dtype="uint8"), [1, 2]),
        (np.array([0.5], dtype="float16"), [0.5]),
        (np.array([0.5], dtype="longdouble"), [0.5]),
        (np.array([2**63], dtype="uint64"), [2**63]),
        (np.array([True]), [True]),
        (np.array([1, 2], dtype=">i4"), [1, 2]),
        (np.array(["yes", "no"]), ["yes", "no"]),
        (np.array([b"a"]), ["YQ=="]),
        (OBJECTS, ["a", None, 1.5, True]),
        (np.array([["a", 1]], dtype=object), [["a", 1]]),
        (np.array(["2020-01-01", "NaT"], dtype="M8[D]"), ["2020-01-01", None]),
        (np.arange(6.0).reshape(2, 3).T, [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]),
        (np.arange(4.0)[::2], [0.0, 2.0]),
        (np.array([1 + 2j]), ["(1+2j)"]),
        (np.zeros((0, 2)), []),
        (sparse.csr_matrix([[0.0, 1.5]]), [[0.0, 1.5]]),
        (pd.Series([1.5, None]), [1.5, None]),
        (pd.Series(["a", None]), ["a", None]),
        (pd.Series([1, None], dtype="Int64"), [1, None]),
        (pd.Series(pd.Categorical(["x"])), ["x"]),
        (pd.to_datetime(pd.Series(["2020-01-01", None])), ["2020-01-01T00:00:00", None]),
        (pd.DataFrame({"a": [1, 2], 0: ["x", None]}), [{"a": 1, "0": "x"}, {"a": 2, "0": None}]),
        (pd.DataFrame(index=[0, 1]), [{}, {}]),
        (["a", 1, None, float("nan")], ["a", 1, None, None]),
        ([np.array([1, 2]), np.float32(0.5), np.str_("a")], [[1, 2], 0.5, "a"]),
        ([{"label": np.int64(1), 2: dt.date(2020, 1, 1)}], [{"label": 1, "2": "2020-01-01"}]),
        ([decimal.Decimal("1.5"), dt.timedelta(seconds=3), {1}, pd.NA, pd.NaT, pd.Interval(0, 1)],
         [1.5, 3.0, [1], None, None, "(0, 1]"]),
        ({"a": np.array([1])}, {"a": [1]}),
    ],
)  # fmt: skip
def test_outputs_of_any_kind_are_json(outputs: Any, expected: Any) -> None:
    """Whatever a model gives is written with what JSON has; NaN, infinity, NaT and NA are null."""
    assert expected == json.loads(dumped(outputs_of(outputs)))


@pytest.mark.parametrize(
    "outputs", [[object()], [lambda: 1], ["\ud800"], [[[...]]]], ids=["object", "code", "surrogate", "dots"]
)
def test_what_has_no_json_form_is_the_models_failure(outputs: Any) -> None:
    """An answer that cannot be written is said to be the model's, without showing what it is."""
    with pytest.raises(ModelFailed, match="no JSON form") as caught:
        dumped(outputs_of(outputs))
    assert " at 0x" not in str(caught.value)


def test_an_answer_that_holds_itself_is_the_models_failure() -> None:
    """A list within itself ends in a refusal."""
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ModelFailed):
        dumped(endless)
