"""Counters, gauges and histograms in Prometheus' text format, at the price of an addition.

A cell is obtained once (``family.labels("churn", "3")``) and then only counted up. One thread writes most cells, the
event loop's; a model's thread writes a few. ``value += by`` in a method of its own is not interrupted by another thread
under CPython's lock, so no cell carries one.

Source: Prometheus text-based exposition format 0.0.4 and OpenMetrics 1.0.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Generic, Literal, TypeAlias, TypeVar

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]
Across: TypeAlias = Literal["sum", "max", "min", "ever"]

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of durations."""

ROWS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0, 16384.0)
"""Upper bounds of numbers of rows."""


class Cell:
    """One number: of a counter, which only grows, or of a gauge."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, by: float = 1.0) -> None:
        """Add."""
        self.value += by

    def dec(self, by: float = 1.0) -> None:
        """Subtract; for gauges."""
        self.value -= by

    def set(self, value: float) -> None:
        """Set; for gauges."""
        self.value = value

    def state(self) -> Any:
        """Return what a snapshot keeps."""
        return self.value


class Spread:
    """How often a value fell under each bound: one histogram."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value; a bound belongs to its bucket."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many values were observed."""
        return sum(self.counts)

    def state(self) -> Any:
        """Return what a snapshot keeps."""
        return [list(self.counts), self.total]


C = TypeVar("C", Cell, Spread)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a family is.

    Attributes
    ----------
    name : str
        As it is written; a counter's ends in ``_total``.
    kind : str
        ``counter``, ``gauge`` or ``histogram``.
    help : str
        One line.
    labels : tuple of str
        Names of the labels, in the order in which values are given.
    bounds : tuple of float
        Upper bounds of a histogram's buckets, ascending, without infinity.
    across : str
        How the values of several processes become one. Counters and histograms are summed over all that ever ran
        (``ever``), gauges over those that live: ``sum``, ``max`` or ``min``.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    across: Across = "ever"


class Family(Generic[C]):
    """All cells of one name."""

    __slots__ = ("_cells", "_make", "shape")

    def __init__(self, shape: Shape, make: Any) -> None:
        self.shape = shape
        self._make = make
        self._cells: dict[tuple[str, ...], C] = {}

    def labels(self, *values: str) -> C:
        """Return the cell of these label values, the same one each time."""
        found = self._cells.get(values)
        if found is None:
            if len(values) != len(self.shape.labels):
                raise TypeError(f"{self.shape.name} has the labels {self.shape.labels}, not {len(values)} values")
            found = self._cells.setdefault(values, self._make())
        return found

    def remove(self, *values: str) -> None:
        """Forget a cell: a gauge of something that is gone."""
        self._cells.pop(values, None)

    def state(self) -> list[list[Any]]:
        """Return every cell as ``[labels, state]``."""
        # list() of a dict's items is one step of the interpreter, so another thread may add cells meanwhile
        return [[list(labels), cell.state()] for labels, cell in list(self._cells.items())]


def counter(name: str, text: str, *labels: str) -> Family[Cell]:
    """Return a family of counters."""
    return Family(Shape(name, "counter", text, labels), Cell)


def gauge(name: str, text: str, *labels: str, across: Across = "sum") -> Family[Cell]:
    """Return a family of gauges."""
    return Family(Shape(name, "gauge", text, labels, (), across), Cell)


def histogram(name: str, text: str, *labels: str, bounds: tuple[float, ...] = SECONDS) -> Family[Spread]:
    """Return a family of histograms."""
    return Family(Shape(name, "histogram", text, labels, bounds), lambda: Spread(bounds))


State: TypeAlias = "Mapping[str, Sequence[Sequence[Any]]]"
"""What one process counted: ``[labels, state]`` of each cell by the family's name."""


def state_of(families: Iterable[Family[Any]]) -> dict[str, list[list[Any]]]:
    """Return what was counted, as plain data."""
    return {family.shape.name: family.state() for family in families}


def merged(shapes: Iterable[Shape], living: Sequence[State], gone: Sequence[State] = ()) -> dict[str, list[list[Any]]]:
    """Return the state of all processes as that of one.

    Parameters
    ----------
    shapes : iterable of Shape
        Families of other names, or with other labels or bounds, are left out: they are another release's.
    living : sequence of State
        Of the processes that run.
    gone : sequence of State
        Of those that ended; their counters stay, their gauges do not.
    """
    found: dict[str, list[list[Any]]] = {}
    for shape in shapes:
        cells: dict[tuple[str, ...], Any] = {}
        for state in (*living, *gone) if shape.across == "ever" else living:
            for labels, value in state.get(shape.name, ()):
                if len(labels) != len(shape.labels) or isinstance(value, list) != (shape.kind == "histogram"):
                    continue
                if isinstance(value, list) and len(value[0]) != len(shape.bounds) + 1:
                    continue
                key = tuple(labels)
                cells[key] = _both(shape, cells[key], value) if key in cells else value
        found[shape.name] = [[list(key), value] for key, value in cells.items()]
    return found


def _both(shape: Shape, first: Any, second: Any) -> Any:
    if shape.kind == "histogram":
        return [[a + b for a, b in zip(first[0], second[0], strict=True)], first[1] + second[1]]
    if shape.across in ("max", "min"):
        return (max if shape.across == "max" else min)(first, second)
    return first + second


def exposition(shapes: Iterable[Shape], state: State, *, openmetrics: bool = False) -> bytes:
    """Return the text that a scrape is answered with.

    Parameters
    ----------
    openmetrics : bool
        Write OpenMetrics, which names a counter's family without ``_total`` and ends in a mark.
    """
    lines: list[str] = []
    for shape in shapes:
        name = shape.name.removesuffix("_total") if openmetrics and shape.kind == "counter" else shape.name
        lines += (f"# HELP {name} {_escaped(shape.help, quotes=openmetrics)}", f"# TYPE {name} {shape.kind}")
        for labels, value in sorted(state.get(shape.name, ()), key=itemgetter(0)):
            pairs = [f'{n}="{_escaped(v, quotes=True)}"' for n, v in zip(shape.labels, labels, strict=True)]
            if shape.kind == "histogram":
                lines += _buckets(shape, pairs, value)
            else:
                lines.append(f"{shape.name}{_braces(pairs)} {_number(value)}")
    if openmetrics:
        lines.append("# EOF")
    return ("\n".join(lines) + "\n").encode("utf-8")


def _buckets(shape: Shape, pairs: list[str], value: Any) -> Iterable[str]:
    counts, total = value
    below = 0
    for bound, count in zip((*map(repr, shape.bounds), "+Inf"), counts, strict=True):
        below += count
        under = 'le="' + bound + '"'
        yield f"{shape.name}_bucket{_braces([*pairs, under])} {below}"
    yield f"{shape.name}_count{_braces(pairs)} {below}"
    yield f"{shape.name}_sum{_braces(pairs)} {_number(total)}"


def _braces(pairs: list[str]) -> str:
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _number(value: float) -> str:
    value = float(value)
    if math.isfinite(value):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def _escaped(text: str, *, quotes: bool) -> str:
    found = text.replace("\\", "\\\\").replace("\n", "\\n")
    return found.replace('"', '\\"') if quotes else found
