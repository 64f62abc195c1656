"""Bodies that are broken or meant to break something: on every protocol a refusal in words, and never another error."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbregistry.domain.signature import Column
from nbregistry.errors import BadRows, InvalidInput, RegistryError, UnsupportedMedia
from nbregistry.serving.codec import inference, mlflow, native, seldon
from nbregistry.serving.codec.reading import LARGE, _cell, _cells, parsed
from tests.serving.codec.subjects import INTAKES

CODECS: dict[str, Any] = {"native": native, "mlflow": mlflow, "inference": inference, "seldon": seldon}


def _native(cell: bytes) -> bytes:
    return b'{"rows": [[%s, 1]]}' % cell


def _mlflow(cell: bytes) -> bytes:
    return b'{"dataframe_split": {"columns": ["a", "b"], "data": [[%s, 1]]}}' % cell


def _inference(cell: bytes) -> bytes:
    return b'{"inputs": [{"name": "x", "datatype": "FP64", "shape": [1, 2], "data": [%s, 1]}]}' % cell


def _seldon(cell: bytes) -> bytes:
    return b'{"data": {"ndarray": [[%s, 1]]}}' % cell


WRAPS: dict[str, Callable[[bytes], bytes]] = {
    "native": _native, "mlflow": _mlflow, "inference": _inference, "seldon": _seldon,
}  # fmt: skip
EACH = pytest.mark.parametrize("protocol", CODECS)

NOT_JSON = {
    "empty": b"",
    "blank": b"  \n",
    "words": b"hello",
    "truncated": b'{"rows": [[1, 2]',
    "trailing comma": b'{"rows": [[1, 2],]}',
    "two documents": b"[[1, 2]] [[1, 2]]",
    "single quotes": b"{'rows': [[1, 2]]}",
    "comment": b"[[1, 2]] // rows",
    "byte order mark": b"\xef\xbb\xbf[[1, 2]]",
    "UTF-16": "[[1, 2]]".encode("utf-16"),
    "NUL": b"\x00",
    "NUL behind": b"[[1, 2]]\x00",
    "depth 100k": b"[" * 100_000 + b"]" * 100_000,
    "depth 100k, open": b'{"a":' * 100_000,
    "pickle": b"cposix\nsystem\n(S'id'\ntR.",
}
CELLS_THAT_ARE_NOT_JSON = {
    "infinity": b"Infinity",
    "minus infinity": b"-Infinity",
    "1e999": b"1e999",
    "integer of 100k digits": b"9" * 100_000,
    "lone surrogate": rb'"\ud800"',
    "half a pair": rb'"\udc00\ud800"',
    "not UTF-8": b'"\xff\xfe"',
    "overlong UTF-8": b'"\xc0\xaf"',
    "surrogate in UTF-8": b'"\xed\xa0\x80"',
    "raw control character": b'"\x01"',
    "raw line break": b'"\n"',
    "bad escape": rb'"\x41"',
    "leading zero": b"01",
    "plus": b"+1",
    "hexadecimal": b"0x10",
    "NaN in a number": b"1NaN",
}
CELLS_THAT_DO_NOT_FIT = {
    "null": b"null", "boolean": b"true", "text": b'"1"', "text that is NaN": b'"NaN"', "empty text": b'""',
    "list": b"[1]",
    "object": b'{"a": 1}', "nested 900 deep": b"[" * 900 + b"]" * 900, "escaped NUL": rb'"\u0000"',
    "python": b'"__import__(\'os\').system(\'id\')"', "url": b'"http://169.254.169.254/"', "path": b'"/etc/passwd"',
    "long text": b'"' + b"x" * 100_000 + b'"', "emoji": '"\U0001f600"'.encode(),
}  # fmt: skip


def refused(protocol: str, body: bytes, intake: str = "numbers") -> RegistryError:
    """Return the refusal of a body, which must come soon, be short, and be a client's fault."""
    codec, started = CODECS[protocol], time.process_time()
    with pytest.raises((InvalidInput, BadRows, UnsupportedMedia)) as caught:
        codec.decode(body, "application/json", INTAKES[intake])
    assert time.process_time() - started < 5
    assert 400 <= caught.value.status < 500
    assert 10 < len(str(caught.value).encode()) < 4096
    assert isinstance(json.loads(codec.refusal(caught.value, "r-1")), dict)
    return caught.value


@EACH
@pytest.mark.parametrize("name", NOT_JSON)
def test_what_is_not_json(protocol: str, name: str) -> None:
    """Whatever is not one JSON document in UTF-8 is a 400."""
    assert 400 == refused(protocol, NOT_JSON[name]).status


@EACH
@pytest.mark.parametrize("name", CELLS_THAT_ARE_NOT_JSON)
def test_cells_that_are_not_json(protocol: str, name: str) -> None:
    """A number that no double holds, and a text that is no Unicode, are a 400."""
    error = refused(protocol, WRAPS[protocol](CELLS_THAT_ARE_NOT_JSON[name]))
    assert (400, True) == (error.status, "not JSON" in str(error))


@EACH
@pytest.mark.parametrize("name", CELLS_THAT_DO_NOT_FIT)
def test_cells_that_do_not_fit(protocol: str, name: str) -> None:
    """A cell of another kind is named; no text is ever parsed, evaluated or fetched."""
    error = refused(protocol, WRAPS[protocol](CELLS_THAT_DO_NOT_FIT[name]))
    assert error.status == 422 or protocol == "inference"
    if isinstance(error, BadRows):
        assert [(0, "a")] == [(f.row, f.column) for f in error.faults]


def test_nan_where_it_is_not_json() -> None:
    """NaN is no JSON; only MLflow's protocol, whose client writes it, takes it for a missing value."""
    for protocol in ("native", "inference", "seldon"):
        error = refused(protocol, WRAPS[protocol](b"NaN"))
        assert (400, True) == (error.status, "send null for a missing value" in str(error))
    assert 422 == refused("mlflow", _mlflow(b"NaN")).status


@EACH
def test_a_key_that_is_there_twice(protocol: str) -> None:
    """An object with a key twice is refused, however it is written: which of its values counts is a guess."""
    body = WRAPS[protocol](b"1")
    key = body.split(b'"')[1]
    twice = b'{"%s": 1, ' % key + body[1:]
    escaped = b'{"\\u%04x%s" : 1,' % (key[0], key[1:]) + body[1:]
    for bad in (twice, escaped):
        error = refused(protocol, bad)
        assert (400, True) == (error.status, "in one object twice" in str(error))


def test_a_column_that_is_there_twice() -> None:
    """A record with a column twice is refused, and so are two columns of one name; colons in texts are no keys."""
    assert "twice" in str(refused("native", b'{"records": [{"a": 1, "b": 2, "a": 3}]}'))
    assert "twice" in str(refused("native", b'[{"a": 1, "b": 2}, {"a": 1, "b": 2, "a"  :  3}]'))
    assert 422 == refused("native", b'{"rows": [[1, 2, 3]], "columns": ["a", "b", "a"]}').status
    row = b'{"records": [{"age": 3, "income": null, "active": true, "city": "a\\": b: {\\"age\\": 1}", "size": "S"}]}'
    assert 1 == native.decode(row, "application/json", INTAKES["people"]).table.rows


@EACH
def test_no_rows(protocol: str) -> None:
    """A request without rows is refused: no model answers it, and it is not the model's fault."""
    empty = {
        "native": b'{"rows": []}', "mlflow": b'{"dataframe_split": {"columns": ["a", "b"], "data": []}}',
        "inference": b'{"inputs": [{"name": "x", "datatype": "FP64", "shape": [0, 2], "data": []}]}',
        "seldon": b'{"data": {"ndarray": []}}',
    }[protocol]  # fmt: skip
    assert 422 == refused(protocol, empty).status
    for intake in ("texts", "array", "nothing"):
        refused(protocol, empty, intake)


def test_a_hundred_thousand_columns() -> None:
    """Columns that nobody asked for are ignored however many they are, and do not hide that one is missing."""
    names = [f"c{i}" for i in range(100_000)]
    body = json.dumps({"rows": [[1] * 100_000], "columns": names}).encode()
    assert "'a': expected float64, got no such column" in str(refused("native", body))
    record = {**dict.fromkeys(names, 1), "a": 1, "b": 2}
    found = native.decode(json.dumps([record]).encode(), "application/json", INTAKES["numbers"])
    assert [[1.0, 2.0]] == found.table.values.tolist()


def test_a_million_rows() -> None:
    """Many rows are read, and refused by the one that is bad."""
    rows = b"[[1,2]" + b",[1,2]" * 99_999
    assert 100_000 == native.decode(rows + b"]", "application/json", INTAKES["numbers"]).table.rows
    error = refused("native", rows + b',[1,"x"]]')
    assert isinstance(error, BadRows)
    assert [(100_000, "b")] == [(f.row, f.column) for f in error.faults]


def test_moments_of_several_zones() -> None:
    """A moment with a zone where none was trained is refused by its row."""
    start = b'{"rows": [[3, 1, true, "a", "S", "2020-01-01"], [3, 1, true, "a", "S", '
    error = refused("native", start + b'"2020-01-01T00:00:00+02:00"]]}', "moments")
    assert isinstance(error, BadRows)
    assert "since" in {f.column for f in error.faults}


@pytest.mark.parametrize("intake", INTAKES)
@EACH
def test_deep_nesting_everywhere(protocol: str, intake: str) -> None:
    """Lists and objects nested as deep as JSON is read reach no recursion, whatever the model takes."""
    deep = (b"[" * 900 + b"]" * 900, b'{"a":' * 900 + b"1" + b"}" * 900)
    key = {"native": b'{"rows": %s}', "mlflow": b'{"inputs": %s}', "seldon": b'{"jsonData": %s}'}.get(protocol, b"%s")
    for body in (part for cell in deep for part in (key % cell, WRAPS[protocol](cell), cell)):
        try:
            asked = CODECS[protocol].decode(body, "application/json", INTAKES[intake])
            assert intake == "nothing", "only what takes anything takes this"
            assert asked.table.rows
        except RegistryError as error:
            assert error.status < 500
            assert len(str(error).encode()) < 4096


documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from((
            "rows", "columns", "records", "data", "method", "id", "params", "a", "b", "inputs", "instances", "name",
            "dataframe_split", "dataframe_records", "shape", "datatype", "parameters", "outputs", "binary_data_size",
            "ndarray", "tensor", "values", "names", "meta", "tags", "puid", "strData", "jsonData", "explain", "key",
        )),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150)
@given(document=documents, protocol=st.sampled_from(sorted(CODECS)), intake=st.sampled_from(sorted(INTAKES)))
def test_any_document_is_read_or_refused(document: Any, protocol: str, intake: str) -> None:
    """Whatever a document holds under the protocols' own names, it is understood or a client's fault."""
    try:
        asked = CODECS[protocol].decode(json.dumps(document).encode(), "application/json", INTAKES[intake])
    except RegistryError as error:
        assert 400 <= error.status < 500
        assert len(str(error).encode()) < 4096
    else:
        assert asked.table.rows > 0
        INTAKES[intake].to_model(asked.table)
        try:
            asked.question(("predict", "predict_proba"), "r")
        except RegistryError as error:
            assert error.status == 400


@settings(max_examples=150)
@given(data=st.data(), protocol=st.sampled_from(sorted(CODECS)))
def test_any_damaged_body_is_read_or_refused(data: st.DataObject, protocol: str) -> None:
    """A good body with any bytes changed, cut or put in is understood or a client's fault."""
    body = bytearray(WRAPS[protocol](b"1.5"))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        CODECS[protocol].decode(bytes(body), "application/json", INTAKES["numbers"])
    except RegistryError as error:
        assert 400 <= error.status < 500


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "The body is empty"),
        (b"\xff\xfea,b", "not UTF-8 (byte 0)"),
        (b'a,b\n1,"2', "not CSV"),
        (b"a,b\n1,2,3\n", "Row 0 has 3 cells, and the first line names 2 columns"),
        (b"a,b\n", "no rows"),
        (b"a,c\n1,2\n", "'b': expected float64, got no such column"),
        (b"a,b\n1,x\n", "row 0, 'b': expected float64, got the text 'x'"),
        (b"a,b\n1,\n", "row 0, 'b': expected float64, got a missing value"),
        (b"a,b\n1,1_0\n", "got the text '1_0'"),
        (b"a,b\n1," + b"9" * 100_000 + b"\n", "row 0, 'b'"),
        (b"a,b\n1,\x00\n", "row 0, 'b'"),
    ],
)
def test_csv_that_does_not_fit(body: bytes, says: str) -> None:
    """CSV that is broken, or whose cells are of another kind, is refused in words too."""
    for codec in (native, mlflow):
        with pytest.raises((InvalidInput, BadRows)) as caught:
            codec.decode(body, "text/csv", INTAKES["numbers"])
        assert says in str(caught.value)
        assert len(str(caught.value).encode()) < 4096


class Pairs(list[Any]):
    """Keys and values, a key perhaps twice."""


def written(value: Any) -> str:
    if type(value) is Pairs:
        return "{" + ", ".join(f"{json.dumps(k)} : {written(v)}" for k, v in value) + "}"
    return "[" + ",".join(map(written, value)) + "]" if type(value) is list else json.dumps(value)


TEXT = st.text(st.sampled_from(list('":\\{}[],x \n')), max_size=6)
VALUES = st.recursive(
    st.one_of(st.none(), TEXT),
    lambda v: st.one_of(st.lists(v, max_size=3), st.lists(st.tuples(TEXT, v), max_size=3).map(Pairs)),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(VALUES, st.booleans())
def test_a_key_that_is_there_twice_is_found_wherever_it_is(value: Any, long: bool) -> None:
    """Exactly the documents that hold an object with a repeated key are refused, whatever their texts and length."""
    body = written(value).encode() + b" " * (LARGE if long else 0)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise KeyError
        return dict(pairs)

    try:
        expected = json.loads(body, object_pairs_hook=once)
    except KeyError:
        with pytest.raises(InvalidInput, match="twice"):
            parsed(body)
    else:
        assert expected == parsed(body)


def test_texts_of_colons_cost_no_second_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long body whose texts look like keys is never given to the slow reader, nor is one with a repeated key."""

    def loads(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(json, "loads", loads)
    assert 50_000 == len(parsed(b'[["::",2]' + b',["::",2]' * 49_999 + b"]"))
    with pytest.raises(InvalidInput, match="twice"):
        parsed(b'[{"a":1,"a":2}' + b',["::",2]' * 49_999 + b"]")


def test_equal_cells_are_equal_in_bulk_and_alone() -> None:
    """A column of CSV that is read at once has the values that its cells have one by one."""
    cells = ["1", "2.5", " 3 ", "1e3", "-0", "007", "NaN", "", "1_0", "inf", "1e999", "x", "9" * 30, "0x1", "٣"]
    for dtype in ("float64", "float32", "int64", "uint8", "any"):
        column = Column("c", dtype, nullable=True)
        for size in (1, 2):
            for texts in product(cells, repeat=size):
                alone = [_alike(column)(_cell(text, column)) for text in texts]
                assert alone == list(map(_alike(column), _cells(texts, column)))


def _alike(column: Column) -> Callable[[Any], Any]:
    """A float that is whole may have been written as an integer where floats are expected."""
    return lambda v: float(v) if column.dtype == "float64" and type(v) is int else v
