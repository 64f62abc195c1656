from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from pandas.testing import assert_frame_equal, assert_series_equal
from scipy import sparse

from nbregistry.capture.example import decode_example, encode_example, sample_example
from nbregistry.capture.signature import infer
from nbregistry.domain.commits import canonical
from nbregistry.errors import Damaged, InvalidInput
from nbregistry.types import Document
from tests.capture.frames import MAKERS, frames, indexes


def stored(found: Document) -> Document:
    """Return a document as it comes back from the store."""
    back: Document = json.loads(canonical(found))
    return back


@given(frames())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_a_frame_comes_back(frame: pd.DataFrame) -> None:
    """Values, dtypes, labels and index of any frame survive the store, with and without its signature."""
    for signature in (infer(frame), None):
        assert_frame_equal(frame, decode_example(stored(encode_example(frame, signature))))


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_every_dtype_comes_back(kind: str) -> None:
    """Each dtype by itself, as a column and as a series, wholly and truly."""
    made = MAKERS[kind]([1, 2, 3], [False, True, False])
    series = pd.Series(made, dtype=made.dtype, name=("tuple", 1))
    encoded = stored(encode_example(series))
    assert "lossy" not in encoded
    assert_series_equal(series, decode_example(encoded))
    frame = pd.DataFrame({"x": series})
    assert_frame_equal(frame, decode_example(stored(encode_example(frame))))


@pytest.mark.parametrize("index", indexes(3), ids=lambda index: str(index.dtype))
def test_every_index_comes_back(index: pd.Index) -> None:
    """Index values, dtype, names and frequency."""
    frame = pd.DataFrame({"x": [1, 2, 3]}, index=index)
    assert_frame_equal(frame, decode_example(stored(encode_example(frame))))


@pytest.mark.parametrize(
    "data",
    [
        np.arange(6.0).reshape(2, 3),
        np.array([[np.nan, np.inf, -0.0]], dtype="float16"),
        np.array([2**63 - 1, -(2**63)]),
        np.array([1 + 2j, np.nan]),
        np.array([1.1], dtype="longdouble"),
        np.array(["a", "\ud800"]),
        np.array([b"a\x00b"]),
        np.array(["2020-01-01", "NaT"], dtype="M8[D]"),
        np.array([5], dtype="m8[h]"),
        np.array([1, "a", None, (2, 3)], dtype=object),
        np.array([(1.5, 2, [3, 4])], dtype=[("a", "f8"), ("b", ">i4"), ("c", "i2", (2,))]),
        np.zeros((0, 4)),
        np.array(3),
        np.array([1, 2], dtype=">i2"),
        np.array([[True], [False]]),
    ],
    ids=lambda data: f"{data.dtype} {data.shape}",
)
def test_an_array_comes_back(data: Any) -> None:
    """Shape, dtype with its byte order, and every value."""
    found = decode_example(stored(encode_example(data)))
    assert (data.dtype, data.shape) == (found.dtype, found.shape)
    assert data.tobytes() == found.tobytes() or data.tolist() == found.tolist()


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr", "dia", "dok", "lil"])
@pytest.mark.parametrize("build", [sparse.csr_matrix, sparse.csr_array])
def test_a_sparse_matrix_is_cut_and_comes_back(form: str, build: Callable[..., Any]) -> None:
    """Format, class, dtype and cells, of the first rows."""
    whole = build(np.eye(7, 4, dtype="float32")).asformat(form)
    sample = sample_example(whole, 3)
    found = decode_example(stored(encode_example(sample)))
    assert (type(whole), form, (3, 4), np.float32) == (type(found), found.format, found.shape, found.dtype)
    np.testing.assert_array_equal(np.eye(3, 4), found.toarray())


@pytest.mark.parametrize(
    "data",
    [
        ["a", "b"],
        [[1, 2.5], [None, float("inf")]],
        (1, "x"),
        [{"a": 1, "b": [2]}],
        [],
        {"a": [1, 2], 3: ["x", "y"]},
        [b"\xff", 10**30, {1, 2}],
    ],
    ids=repr,
)
def test_plain_data_comes_back(data: Any) -> None:
    """Lists, tuples and dictionaries as they were."""
    found = decode_example(stored(encode_example(data)))
    assert (type(data), data) == (type(found), found)


def test_containers_of_arrays_come_back() -> None:
    """Lists and dictionaries of arrays and frames."""
    data: dict[str, Any] = {
        "images": [np.zeros((2, 2)), np.ones((1, 3))],
        "table": pd.DataFrame({"a": [1]}),
        "n": np.array([1, 2]),
    }
    found = decode_example(stored(encode_example(data)))
    assert list(data) == list(found)
    assert [(2, 2), (1, 3)] == [a.shape for a in found["images"]]
    assert_frame_equal(data["table"], found["table"])


def test_a_sample_is_a_copy_of_the_first_rows() -> None:
    """The sample has the container of the whole and does not keep the whole alive."""
    whole = np.arange(20.0).reshape(10, 2)
    sample = sample_example(whole, 3)
    assert (3, 2) == sample.shape
    assert sample.base is None
    assert_frame_equal(pd.DataFrame(whole).head(3), sample_example(pd.DataFrame(whole), 3))
    assert_series_equal(pd.Series([1, 2]), sample_example(pd.Series([1, 2, 3]), 2))
    assert ["a", "b"] == sample_example(["a", "b", "c"], 2)
    assert {"k": [1]} == sample_example({"k": [1, 2]}, 1)


def test_large_rows_are_fewer() -> None:
    """Of rows of a megabyte only one is taken, and what is too large as JSON is refused with what to do."""
    images = np.zeros((5, 512, 512))
    assert 1 == len(sample_example(images))
    with pytest.raises(InvalidInput, match="register with a smaller X"):
        encode_example(np.random.default_rng(0).random((1, 512, 512)))


def test_what_has_no_form_is_kept_as_text_and_said() -> None:
    """An object of the user's becomes its text, without its address, and the example says that it is not whole."""

    class Thing:
        pass

    for data in ([Thing()], np.array([Thing()], dtype=object), pd.DataFrame({"x": [Thing()]})):
        found = stored(encode_example(data))
        assert found["lossy"] is True
        assert " at 0x" not in json.dumps(found)
        decode_example(found)


def test_an_unknown_container_is_refused() -> None:
    """What has no rows that can be taken is refused, and the refusal names its type."""
    for call in (sample_example, encode_example):
        with pytest.raises(InvalidInput, match="object"):
            call(object())


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"container": "pickle"},
        {"container": "frame"},
        {"container": "list", "data": [{"$eval": "1"}]},
        {"container": "list", "data": [{"$numpy": ["|O", ""]}]},
        {"container": "list", "data": [{"$datetime": ["x", None, 0]}]},
        {"container": "list", "data": [{"$datetime": ["2020-01-01", "../../etc/passwd", 0]}]},
        {"container": "array", "dtype": "f8", "shape": [3], "data": [1]},
        {"container": "array", "dtype": "no such", "shape": [1], "data": [1]},
        {"container": "series", "columns": [{"name": "x", "dtype": "int64"}], "name": None, "index": {}, "data": [[1]]},
    ],
    ids=str,
)
def test_a_damaged_example_says_so(found: Document) -> None:
    """A document that nobody here wrote is refused as damaged, whatever it holds."""
    with pytest.raises(Damaged):
        decode_example(found)
