"""Controls for what a model takes: of the right kind, filled in, and read as the row a server wants."""

from __future__ import annotations

import math
from typing import Any

import ipywidgets as w
import pytest

from nbregistry.domain.signature import Column, Signature
from nbregistry.errors import InvalidInput
from nbregistry.widgets import fields
from tests.display import corpus


def one(column: Column, value: Any = None) -> fields.Field:
    """Return the field of one column."""
    return fields.fields(Signature((column,)), {column.name: value})[0]


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        (Column("x", "float64"), 1.5, w.FloatText),
        (Column("x", "int64"), 7, w.IntText),
        (Column("x", "uint8"), 200, w.IntText),
        (Column("x", "bool"), True, w.Checkbox),
        (Column("x", "boolean", nullable=True), None, w.Dropdown),
        (Column("x", "category", categories=("a", "b")), "b", w.Dropdown),
        (Column("x", "category", categories=(1, 2), nullable=True), None, w.Dropdown),
        (Column("x", "datetime64[ns]"), "2026-11-21T12:00:00", w.Text),
        (Column("x", "str"), "", w.Text),
        (Column("x", "str", nullable=True), None, w.Text),
        (Column("x", "Float64", nullable=True), None, w.Text),
        (Column("x", "Int64", nullable=True), 3, w.Text),
        (Column("x", "int64"), 2**60, w.Text),
        (Column("x", "object"), "anything", w.Text),
    ],
)
def test_a_value_comes_back_as_it_was(column: Column, value: Any, kind: type) -> None:
    """Each kind of column has its control, and what was captured is what is sent when nothing is changed."""
    field = one(column, value)
    assert isinstance(field.control, kind)
    assert value == field.read()
    assert type(value) is type(field.read())


def test_what_is_missing_is_null() -> None:
    """A number that was missing stays empty, and an empty number is no number."""
    field = one(Column("x", "float64", nullable=True), math.nan)
    assert ("", None) == (field.control.value, field.read())
    field.control.value = "2.5"
    assert 2.5 == field.read()
    field.control.value = "two"
    with pytest.raises(InvalidInput, match="x: 'two' is not a number"):
        field.read()


def test_categories_are_sent_as_they_are() -> None:
    """What the browser picks by place goes to the server as the category itself."""
    field = one(Column("x", "category", categories=(10, 20)), 10)
    field.control.index = 1
    assert 20 == field.read()


def test_arrays_of_few_columns_have_a_control_each() -> None:
    """An array's row is a list of numbers; of unknown values noughts are filled in."""
    signature = Signature((Column("", "float64", shape=(-1, 3)),), container="array")
    found = fields.fields(signature, [1.0, 2.0, 3.0])
    assert fields.suited(signature)
    assert {"rows": [[1.0, 2.0, 3.0]]} == fields.asked(signature, found)
    assert {"rows": [[0, 0, 0]]} == fields.asked(signature, fields.fields(signature, None))


def test_rows_are_records_by_name() -> None:
    """A frame's row has its columns' names."""
    signature = Signature((Column("age", "int64"), Column("plan", "str")))
    found = fields.fields(signature, {"age": 31, "plan": "basic"})
    assert {"records": [{"age": 31, "plan": "basic"}]} == fields.asked(signature, found)


@pytest.mark.parametrize(
    "signature",
    [
        None,
        Signature(()),
        Signature(tuple(Column(f"c{n}", "float64") for n in range(13))),
        Signature((Column("", "float32", shape=(-1, 28, 28)),), container="array"),
        Signature((Column("", "float64", shape=(-1, 30)),), container="array"),
        Signature((Column("a", "float64"), Column("a", "float64"))),
        Signature((Column("a", "float64"),), container="dict"),
    ],
)
def test_what_has_no_form_is_json(signature: Signature | None) -> None:
    """Many columns, tensors, names that stand twice and containers of their own are typed as JSON."""
    assert not fields.suited(signature)


def test_json_is_read_with_care() -> None:
    """Rows are a list of records or of lists; anything else is told."""
    field = fields.area({"records": [{"a": 1}]})
    assert {"records": [{"a": 1}]} == field.read()
    field.control.value = "[[1, 2], [3, 4]]"
    assert {"rows": [[1, 2], [3, 4]]} == field.read()
    for text in ("{}", "[]", "1", "[", "[" * 100_000):
        field.control.value = text
        with pytest.raises(InvalidInput, match=r"Rows are a list|no JSON"):
            field.read()


def test_hostile_names_are_labels() -> None:
    """Whatever a column or a category is called, it is plain text to its control."""
    for text in corpus.EVERYTHING:
        for column in (
            Column(text, "float64"), Column(text, "int64"), Column(text, "bool"), Column(text, "str"),
            Column(text, "category", categories=(text, "b")),
        ):  # fmt: skip
            field = one(column, text if column.categories or column.dtype == "str" else None)
            assert not getattr(field.control, "description_allow_html", False)
            assert len(field.control.description) < 200
            assert "\n" not in field.control.description
            if column.categories or column.dtype == "str":
                assert text == field.read() or "\n" in text or "\r" in text
