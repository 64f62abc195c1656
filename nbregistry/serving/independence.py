"""Whether a row's answer is the same to the last bit whatever rows stand beside it: measured, never assumed.

A product of matrices may round differently with the number of its rows, so that a plain batch would change somebody's
last digits; padded to a multiple of a few rows it does not. A model that looks at its rows together (one that scales by
the batch, say) is found out as well, and then nobody's rows are ever put together.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

from nbregistry.errors import RegistryError
from nbregistry.flavors.boundary import foreign
from nbregistry.serving.engine import Engine
from nbregistry.serving.table import Shape, Table, join
from nbregistry.types import Document

PADDINGS = (4, 8, 16)
"""Multiples that runs are padded to, the cheapest first.

A single row often takes another way through a library than several do (a scalar sigmoid instead of a vectorised one,
say), and its last bit then differs for one row in hundreds, which no probe finds reliably. So a row never runs alone,
except where three more rows would cost as much again.
"""

SIZES = (1, 2, 3, 5, 8, 16, 31, 64)
"""Sizes of the batches that are compared with rows alone."""

_DISTINCT = 12
_MOST = 400
_ROUNDS = 2
_SECONDS = 0.15
"""What asking every row alone may take; from a fast engine many more rows are compared than from a slow one."""

_CHEAP = 0.0005
"""Seconds that nobody notices."""


@dataclass(frozen=True, slots=True)
class Independence:
    """Whether rows of different requests may run together.

    Attributes
    ----------
    batched : bool
        Whether they may.
    padding : int
        Every run is padded to a multiple of so many rows, with the last row repeated.
    why : str
        Why they may not, in words.
    rows : int
        Rows that were compared.
    """

    batched: bool
    padding: int
    why: str
    rows: int

    def as_document(self) -> Document:
        """Return plain JSON data."""
        return asdict(self)


class _Depends(Exception):
    """Says in words how a row's answer depends on its neighbours."""


def probe(engine: Engine, example: Table, method: str) -> Any:
    """Return what the engine gives for the example.

    Raises
    ------
    nbregistry.errors.RegistryError
        Whatever it raised, told as one of ours.
    """
    with foreign(f"Asking the model for {method}"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return engine.run(example, method, {})


def check(engine: Engine, example: Table) -> Independence:
    """Compare each row alone with itself in batches of several sizes, at every place, beside different rows.

    Parameters
    ----------
    engine : Engine
        Asked by each of its methods.
    example : Table
        Rows that the model takes; from few of them more are made by exchanging and slightly changing values.
    """
    if example.shape is Shape.WHOLE:
        return Independence(False, 1, "its rows cannot be put together with others", max(1, example.rows))
    pool = _varied(example, _DISTINCT)
    if len(pool) < 2:
        return Independence(False, 1, "one captured row cannot show whether its neighbours matter: register with X=", 1)
    why, rows = "", 0
    try:
        alone, four = _took(engine, pool[:1]), _took(engine, (pool * 4)[:4])
    except RegistryError as error:
        return Independence(False, 1, f"it cannot be checked: {error}", 1)
    pool = _varied(example, max(_DISTINCT, min(_MOST, int(_SECONDS / four))))
    for padding in PADDINGS if four < max(1.5 * alone, alone + _CHEAP) else (1, *PADDINGS):
        trial = _Trial(engine, pool, padding)
        try:
            for method in engine.methods:
                trial.of(method)
        except _Depends as depends:
            why, rows = f"a row's answer depends on the rows beside it: {depends}", trial.rows
            continue
        except RegistryError as error:
            return Independence(False, 1, f"it cannot be checked: {error}", trial.rows or 1)
        return Independence(True, padding, "", trial.rows)
    return Independence(False, 1, why, rows)


def _took(engine: Engine, rows: Sequence[Table]) -> float:
    """Return the seconds that a run takes, the best of three."""
    table, times = join(rows), []
    for _ in range(4):
        since = perf_counter()
        probe(engine, table, engine.methods[0])
        times.append(perf_counter() - since)
    return min(times)


class _Trial:
    """One padding tried out."""

    def __init__(self, engine: Engine, pool: Sequence[Table], padding: int) -> None:
        self.engine, self.pool, self.padding = engine, pool, padding
        self.random = random.Random(0)  # noqa: S311 - to be repeatable, not secret
        self.rows = 0

    def of(self, method: str) -> None:
        """Compare one method's answers."""
        alone = [self._asked([place], method)[0] for place in range(len(self.pool))]
        if [self._asked([0], method)[0]] != alone[:1]:
            raise _Depends(f"{method} answers the same row differently each time")
        for size in SIZES:
            for _ in range(_ROUNDS):
                places = [self.random.randrange(len(self.pool)) for _ in range(size)]
                found = self._asked(places, method)
                self.rows += size
                for position, (place, answer) in enumerate(zip(places, found, strict=True)):
                    if answer != alone[place]:
                        raise _Depends(
                            f"{method} says something else about a row alone than at place {position + 1} of {size}"
                        )

    def _asked(self, places: Sequence[int], method: str) -> list[Any]:
        missing = -len(places) % self.padding
        rows = [self.pool[place] for place in (*places, *[places[-1]] * missing)]
        found = _comparable(probe(self.engine, join(rows), method))
        if len(found) != len(rows):
            raise _Depends(f"{method} gives {len(found)} answers for {len(rows)} rows")
        return found[: len(places)]


def _comparable(outputs: Any) -> list[Any]:
    """Return something for each row that is equal when its bits are."""
    if isinstance(outputs, list | tuple):
        return [_bits(row) for row in outputs]
    if callable(getattr(outputs, "toarray", None)):
        outputs = outputs.toarray()
    if hasattr(outputs, "iloc"):
        columns = [outputs[name] for name in outputs.columns] if hasattr(outputs, "columns") else [outputs]
        return list(zip(*(_comparable(column.to_numpy()) for column in columns), strict=True))
    if callable(getattr(outputs, "detach", None)):
        outputs = outputs.detach().cpu().numpy()
    if not getattr(outputs, "shape", ()):
        raise _Depends("it gives one answer for all rows")
    return [_bits(row) for row in outputs]


def _bits(value: Any) -> Any:
    dtype = getattr(value, "dtype", None)
    if dtype is None:
        return repr(value)
    # the width of a text type follows the longest text of the batch, which is nobody's answer
    return repr(value.tolist()) if dtype.kind in "OUST" else value.tobytes()


def _varied(example: Table, count: int) -> list[Table]:
    """Return so many rows, each a table: the example's, and what comes of exchanging and changing their values."""
    source = random.Random(1)  # noqa: S311 - to be repeatable, not secret
    rows = [example.cut(place, place + 1) for place in range(min(example.rows, count))]
    while rows and len(rows) < count:
        made = _mixed(rows, source)
        if made is None:
            break
        rows.append(made)
    return rows


def _mixed(rows: Sequence[Table], source: random.Random) -> Table | None:
    first = rows[0]
    if first.shape is Shape.ARRAY:
        values = first.values.copy()
        flat = values.reshape(-1)
        for place in range(flat.size):
            flat[place] = source.choice(rows).values.reshape(-1)[place]
            if flat.dtype.kind == "f":
                flat[place] *= 1 + source.uniform(-0.05, 0.05)
        return Table(Shape.ARRAY, values, 1)
    if first.shape is Shape.COLUMNS:
        cells = (_changed(source.choice(rows).values[place][0], source) for place in range(len(first.values)))
        return Table(Shape.COLUMNS, tuple([cell] for cell in cells), 1)
    return source.choice(rows) if len(rows) > 1 else None


def _changed(value: Any, source: random.Random) -> Any:
    return value * (1 + source.uniform(-0.05, 0.05)) if type(value) is float else value
