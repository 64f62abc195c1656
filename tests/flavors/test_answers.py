"""Two answers are the same or they are not, whatever container they come in."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry.errors import Conflict
from nbregistry.flavors.answers import same

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
sparse = pytest.importorskip("scipy.sparse")


class Answer:
    """An answer of a class that does not say when two of it are equal."""

    def __init__(self, value: object) -> None:
        self.value = value


class Refuses:
    """An answer equal to nothing but its kind."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Refuses)

    __hash__ = None  # type: ignore[assignment]  # as a class with an __eq__ of its own has it


def answers() -> list[Any]:
    """Return answers no two of which are the same."""
    day = np.array(["2026-01-01", "NaT"], dtype="datetime64[ns]")
    return [
        None, 1, 2, 1.5, math.nan, "a", b"a", [1, 2], [1, 3], (1, [2, math.nan]), {"a": [1]}, {"a": [2]}, {"b": [1]},
        np.array([1, 2]), np.array([1.0, 2.5]), np.array([[1, 2]]), np.array([1.0, math.nan]), np.array(["a", "b"]),
        np.array(["a", None], dtype=object), np.array([True, False]), day, day[::-1], np.array([1j, 2]),
        np.array([(1, 2.0)], dtype=[("x", int), ("y", float)]), np.array([(1, 3.0)], dtype=[("x", int), ("y", float)]),
        pd.Series([1, 2]), pd.Series([1, 2], index=["a", "b"]), pd.Series(["a", "b"], dtype="category"),
        pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"b": [1, 2]}), pd.DataFrame({"a": [1, 3]}),
        pd.DataFrame({"a": [1.0, math.nan]}), sparse.csr_matrix([[1, 0]]), sparse.csr_matrix([[0, 1]]),
        sparse.csr_matrix([[0, 2]]), sparse.csr_matrix([[1, 0, 0]]), Answer([1]), Answer([2]), Refuses(),
    ]  # fmt: skip


def test_an_answer_is_itself_and_no_other() -> None:
    """Each equals a second copy of itself, and none of the others."""
    first, second = answers(), answers()
    wrong = [(a, b) for i, a in enumerate(first) for j, b in enumerate(second) if same(a, b) != (i == j)]
    assert [] == wrong


def test_the_order_of_a_sparse_matrix_does_not_matter() -> None:
    """The same matrix stored by rows or by columns is the same answer."""
    rows = sparse.random(20, 10, density=0.3, random_state=0, format="csr")
    assert same(rows, rows.tocsc())


def test_numbers_of_numpy_and_python_are_the_same_numbers() -> None:
    """A single number may come as NumPy's or as Python's."""
    assert same(np.float64(1.5), 1.5)
    assert same([np.int64(3)], [3])
    assert not same(np.float64(1.0), 1)


def test_what_cannot_be_compared_is_told() -> None:
    """An answer whose own comparison fails is an error of ours, not a crash."""

    class Broken:
        def __eq__(self, other: object) -> bool:
            raise ZeroDivisionError

        __hash__ = None  # type: ignore[assignment]  # as above

    with pytest.raises(Conflict, match="Comparing two answers failed: ZeroDivisionError"):
        same(Broken(), Broken())


def test_tolerance_is_for_floating_point_only() -> None:
    """A small difference passes within the tolerance; labels and integers never differ a little."""
    assert not same(np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-9]))
    assert same(np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-9]), tolerance=1e-6)
    assert same(pd.DataFrame({"a": [1.0]}), pd.DataFrame({"a": [1.0 + 1e-9]}), tolerance=1e-6)
    assert same([1.0], [1.0 + 1e-9], tolerance=1e-6)
    assert same(np.array([1.0], dtype="float32"), np.array([1.0]))
    assert not same(np.array([1_000_000]), np.array([1_000_001]), tolerance=1e-3)
    assert not same(np.array([1.0]), np.array([1]))


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(), lambda i: st.lists(i) | st.dictionaries(st.text(), i)
    )
)
def test_plain_values_equal_themselves(value: object) -> None:
    """Any nesting of plain values is the same as itself, missing values included."""
    assert same(value, value)
