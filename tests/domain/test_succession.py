"""Succession: which versions may take another's place without breaking its callers."""

from __future__ import annotations

import pytest

from nbregistry.domain.signature import Column, Signature
from nbregistry.domain.succession import breaks

AGE, CITY = Column("age", "int64"), Column("city", "category", categories=("Bonn", "Ulm"))


def frame(*columns: Column, out: str = "int64") -> Signature:
    return Signature(columns, (Column("y", out),))


def array(width: int, dtype: str = "float64") -> Signature:
    return Signature((Column("", dtype, shape=(-1, width)),), (), "array")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (frame(AGE, CITY), frame(AGE, CITY)),
        (frame(AGE, CITY), frame(CITY)),
        (frame(AGE), frame(Column("age", "float64"))),
        (frame(AGE), frame(Column("age", "Int64", nullable=True))),
        (frame(CITY), frame(Column("city", "category", categories=("Bonn", "Ulm", "Kiel")))),
        (frame(AGE), frame(AGE, out="float64")),
        (array(3, "int64"), array(3)),
        (None, frame(AGE)),
        (frame(AGE), None),
        (frame(AGE), Signature((Column("", "any", True, shape=(-1, 1)),), (), "unknown", "estimator")),
    ],
)
def test_what_takes_at_least_as_much_may_follow(old: Signature | None, new: Signature | None) -> None:
    """Fewer columns, wider types, more categories and what nobody knows break nothing."""
    assert () == breaks(new, old)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (frame(AGE), frame(AGE, CITY), "needs the column 'city'"),
        (frame(Column("age", "float64")), frame(AGE), "'age' is int64 where it was float64"),
        (frame(AGE), frame(Column("age", "str")), "'age' is str where it was int64"),
        (frame(Column("age", "float64", nullable=True)), frame(Column("age", "float64")), "may not be missing"),
        (frame(CITY), frame(Column("city", "category", categories=("Ulm",))), "does not know Bonn"),
        (frame(AGE), frame(AGE, out="str"), "answers with str"),
        (array(3), array(4), "shape 4, its predecessor 3"),
        (frame(AGE), array(1), "takes an array, its predecessor a frame"),
    ],
)
def test_what_takes_less_may_not(old: Signature, new: Signature, why: str) -> None:
    """A new column, a narrower type, a category that is gone or another kind of answer is told."""
    found = breaks(new, old)
    assert 1 == len(found)
    assert why in found[0]
