"""Whether a row's answer depends on the rows beside it, measured: what batching rests on.

A model that normalises by its input, or whose linear algebra rounds differently for one row than for many, answers a
row differently in company. Nothing but a bitwise comparison tells. Matrix products of some libraries take another way
for a single row than for several; padding every run to a multiple of a few rows makes them take the same one, so a
model is batched with the least padding under which every probe is equal to the last bit, or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nbregistry.errors import RegistryError
from nbregistry.flavors.answers import same
from nbregistry.flavors.boundary import foreign
from nbregistry.serving.engine import Engine
from nbregistry.serving.table import Shape, Table, join
from nbregistry.types import Document

PADDINGS = (1, 4, 8, 16)
"""Multiples of rows that are tried, in this order."""

_SIZES = (2, 3, 5, 8, 16, 31, 64)
_ALONE = 8
"""Rows that are asked alone; each of them then stands at many places in company."""


@dataclass(frozen=True, slots=True)
class Independence:
    """What was measured.

    Attributes
    ----------
    batched : bool
        Whether rows of different requests may run together.
    padding : int
        Every run is padded to a multiple of so many rows.
    why : str
        Why not, in words; empty when batched.
    rows : int
        How many different rows were compared; 0: not measured (yet).
    """

    batched: bool
    padding: int
    why: str
    rows: int

    def as_document(self) -> Document:
        """Return plain data."""
        return asdict(self)


def check(engine: Engine, table: Table) -> Independence:
    """Compare what a row gets alone with what it gets among others, for every method the engine has.

    Parameters
    ----------
    table : Table
        Rows to ask about; a few different ones are enough.
    """
    rows = min(table.rows, _ALONE)
    if table.shape is Shape.WHOLE:
        return Independence(False, 1, "its rows cannot be put together with others", rows)
    why = ""
    for padding in PADDINGS:
        try:
            why = _difference(engine, table.cut(0, rows), padding)
        except RegistryError as error:
            return Independence(False, 1, f"it could not be checked: {error}", rows)
        if not why:
            return Independence(True, padding, "", rows)
    return Independence(False, 1, f"a row's answer depends on the rows beside it: {why}", rows)


def probe(engine: Engine, table: Table, method: str) -> Any:
    """Return what the engine says about the rows; what its model raises becomes an error of ours."""
    with foreign(f"Asking the model for {method}"):
        return engine.run(table, method, {})


def _difference(engine: Engine, table: Table, padding: int) -> str:
    """Return where a row got another answer than alone; empty when nowhere."""
    singles = [table.cut(i, i + 1) for i in range(table.rows)]
    for method in engine.methods:
        alone = [_asked(engine, single, method, padding) for single in singles]
        for size in _SIZES:
            # Every row comes to stand at different places, beside different neighbours.
            order = [(i * 3 + size) % table.rows for i in range(size)]
            found = _asked(engine, join([singles[i] for i in order]), method, padding)
            if _count(found) != size:
                return f"{method} gives {_count(found)} answers for {size} rows"
            for place, i in enumerate(order):
                if not same(_row(found, place), _row(alone[i], 0)):
                    return f"{method} says something else about a row alone than at place {place + 1} of {size}"
    return ""


def _asked(engine: Engine, table: Table, method: str, padding: int) -> Any:
    missing = -table.rows % padding
    if not missing:
        return probe(engine, table, method)
    last = table.cut(table.rows - 1, table.rows)
    return probe(engine, join([table, *[last] * missing]), method)[: table.rows]


def _count(outputs: Any) -> int:
    shape = getattr(outputs, "shape", None)
    if shape is not None:
        return int(shape[0]) if shape else -1
    return len(outputs) if isinstance(outputs, Sequence) else -1


def _row(outputs: Any, place: int) -> Any:
    """Return one row as a container of one row, without its label."""
    cutter = getattr(outputs, "iloc", None)
    if cutter is None:
        return outputs[place : place + 1]
    return cutter[place : place + 1].reset_index(drop=True)
