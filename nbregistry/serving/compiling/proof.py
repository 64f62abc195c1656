"""Whether a compiled model answers like its original, found out by asking both."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from nbregistry.errors import RegistryError
from nbregistry.flavors.boundary import foreign
from nbregistry.serving.compiling.layout import Unanswered
from nbregistry.types import Document

if TYPE_CHECKING:  # whoever only reads what was proven, a card for instance, loads none of what proves
    from nbregistry.serving.compiling.compiled import Compiled
    from nbregistry.serving.compiling.evidence import Rows
    from nbregistry.serving.engine import Engine
    from nbregistry.serving.table import Table

TOLERANCE = 1e-9
"""Allowed difference of two scores, relative and absolute: what remains of doubles after some hundred additions in
another order, and a thousandth of what anybody prints."""

SINGLE = 1e-6
"""As above, of a model that computes in single precision itself, whose every step is rounded by 6e-8."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was compared, and what came out.

    Attributes
    ----------
    equal : bool
        Labels identical, scores within ``tolerance``, on every row that both answered; and none answered by the
        compiled model alone.
    why : str
        Why not, in words.
    rows : int
        Rows compared, for each of ``methods``.
    left : int
        Rows that the compiled model leaves to the original.
    difference : float
        Largest difference of two scores, divided by one plus their magnitude.
    bitwise : bool
        Whether the compiled model says the very same of a row alone and beside others.
    microseconds : mapping
        Time per row, of ``original`` and ``compiled``, with ``1`` row and with ``128``.
    """

    equal: bool
    why: str = ""
    rows: int = 0
    left: int = 0
    difference: float = 0.0
    tolerance: float = TOLERANCE
    methods: tuple[str, ...] = ()
    bitwise: bool = False
    seconds: float = 0.0
    microseconds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)
    made: str = ""

    def as_document(self) -> Document:
        """Return plain JSON data."""
        return {**asdict(self), "methods": list(self.methods)}

    @classmethod
    def from_document(cls, found: Mapping[str, Any]) -> Proof:
        """Inverse of ``as_document``; what a later version added is passed over."""
        known = {name: found[name] for name in cls.__dataclass_fields__ if name in found}
        return cls(**{**known, "equal": found["equal"] is True, "methods": tuple(found.get("methods", ()))})


class _Unequal(Exception):
    """Says in words where the two differ."""


@dataclass
class _Comparison:
    original: Engine
    compiled: Compiled
    rows: int = 0
    left: int = 0
    usual: int = 0
    usual_left: int = 0
    difference: float = 0.0
    tolerance: float = TOLERANCE

    def of(self, found: Rows) -> None:
        """Compare one lot of rows."""
        for place, method in enumerate(self.compiled.methods):
            answered, ours = self.answered(found.table, method)
            left = found.table.rows - len(answered)
            if not place:
                self.rows += len(answered)
                self.left += left
                if found.usual:
                    self.usual += found.table.rows
                    self.usual_left += left
            for rows, theirs, mine in self._pairs(found.table, method, answered, ours):
                self._compare(method, theirs, mine, f"{found.what}, row {rows[0]}")

    def answered(self, table: Table, method: str) -> tuple[list[int], Any]:
        """Return the rows that the compiled model answers, and its answers."""
        rows = list(range(table.rows))
        for _ in range(3):
            if not rows:
                return [], None
            try:
                return rows, self.compiled.run(table.pick(rows), method, {})
            except Unanswered as unanswered:
                if not unanswered.rows:
                    break
                rows = [r for i, r in enumerate(rows) if i not in set(unanswered.rows)]
        return self._one_by_one(table, method, rows)

    def _one_by_one(self, table: Table, method: str, rows: Sequence[int]) -> tuple[list[int], Any]:
        import numpy as np

        kept, found = [], []
        for row in rows:
            try:
                found.append(self.compiled.run(table.pick([row]), method, {}))
                kept.append(row)
            except Unanswered:
                continue
        return kept, np.concatenate(found) if found else None

    def _pairs(self, table: Table, method: str, rows: list[int], ours: Any) -> Iterator[tuple[list[int], Any, Any]]:
        """Yield rows with the original's answers and ours; row by row where the original refuses some."""
        if not rows:
            return
        try:
            yield rows, self._original(table.pick(rows), method), ours
            return
        except RegistryError:
            pass
        for place, row in enumerate(rows):
            try:
                theirs = self._original(table.pick([row]), method)
            except RegistryError as error:
                raise _Unequal(f"it answers a row that the original refuses ({str(error)[:160]})") from None
            yield [row], theirs, ours[place : place + 1]

    def _original(self, table: Table, method: str) -> Any:
        with foreign("Asking the original"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.original.run(table, method, {})

    def _compare(self, method: str, theirs: Any, ours: Any, where: str) -> None:
        import numpy as np

        if type(theirs) is not np.ndarray:
            raise _Unequal(f"{method} gives a {type(theirs).__name__}, not an array")
        if theirs.shape != ours.shape or theirs.dtype != ours.dtype:
            raise _Unequal(
                f"{method} gives {theirs.dtype} of the shape {theirs.shape}, compiled {ours.dtype} of {ours.shape}"
            )
        labels = method == "predict" and self.compiled.classes is not None
        if labels or theirs.dtype.kind != "f":
            different = theirs != ours
            if different.any():
                mine, own = (found[different].tolist()[0] for found in (ours, theirs))
                raise _Unequal(f"{method} says {mine!r} instead of {own!r} ({where})")
            return
        if theirs.dtype.itemsize < np.dtype(np.float64).itemsize:
            self.tolerance = SINGLE
        with np.errstate(all="ignore"):
            gap = np.abs(theirs - ours) / (1 + np.abs(theirs))
        gap = np.where((theirs == ours) | (np.isnan(theirs) & np.isnan(ours)), 0.0, gap)
        worst = float(gap.max(initial=0.0))
        if not worst <= self.tolerance:
            raise _Unequal(f"{method} differs by {worst:.2g}, and {self.tolerance:g} is allowed ({where})")
        self.difference = max(self.difference, worst)


def prove(original: Engine, compiled: Compiled, evidence: Sequence[Rows]) -> Proof:
    """Ask both about every row and compare.

    Parameters
    ----------
    original : Engine
        The model as it was registered, asked as a server asks it.
    evidence : sequence of Rows
        Lots of rows; see ``evidence``.
    """
    began = perf_counter()
    comparison, why = _Comparison(original, compiled), ""
    try:
        _same_classes(original, compiled)
        for found in evidence:
            comparison.of(found)
    except _Unequal as unequal:
        why = str(unequal)
    if not why and comparison.usual_left * 2 > comparison.usual:
        why = f"it leaves {comparison.usual_left} of {comparison.usual} usual rows to the original"
    if not why and not comparison.rows:
        why = "there was no row to compare on; register with X="
    usual = next((e.table for e in evidence if e.usual and e.table.rows), None)
    bitwise, speeds = False, {}
    if not why and usual is not None:
        answered = usual.pick(comparison.answered(usual, compiled.methods[0])[0])
        bitwise, speeds = _alone_and_beside(compiled, answered), _speeds(original, compiled, answered)
    return Proof(
        equal=not why, why=why, rows=comparison.rows, left=comparison.left, difference=comparison.difference,
        tolerance=comparison.tolerance, methods=compiled.methods, bitwise=bitwise,
        seconds=round(perf_counter() - began, 3), microseconds=speeds,
    )  # fmt: skip


def _same_classes(original: Engine, compiled: Compiled) -> None:
    import numpy as np

    theirs = getattr(original, "classes", None)
    if compiled.classes is not None and theirs is not None and not np.array_equal(np.asarray(theirs), compiled.classes):
        raise _Unequal("its classes are not those of the original")


def _alone_and_beside(compiled: Compiled, table: Table) -> bool:
    import numpy as np

    rows = list(range(min(table.rows, 33)))
    try:
        for method in compiled.methods:
            beside = compiled.run(table.pick(rows), method, {})
            alone = np.concatenate([compiled.run(table.pick([r]), method, {}) for r in rows])
            if beside.tobytes() != alone.tobytes() and not (beside.dtype.hasobject and (beside == alone).all()):
                return False
    except Unanswered:
        return False
    return True


def _speeds(original: Engine, compiled: Compiled, table: Table) -> dict[str, dict[str, float]]:
    """Return microseconds a row, the best of some runs, so that a busy machine does not count."""
    engines: dict[str, Engine] = {"original": original, "compiled": compiled}
    found: dict[str, dict[str, float]] = {}
    for name, engine in engines.items():
        found[name] = {}
        for rows in (1, 128):
            asked = table.pick([i % table.rows for i in range(rows)])
            best = min(_took(engine, asked) for _ in range(5 if name == "original" else 20))
            found[name][str(rows)] = round(best * 1e6 / rows, 2)
    return found


def _took(engine: Engine, table: Table) -> float:
    began = perf_counter()
    try:
        with foreign("Asking the original"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            engine.run(table, engine.methods[0], {})
    except RegistryError:
        return float("inf")
    return perf_counter() - began
