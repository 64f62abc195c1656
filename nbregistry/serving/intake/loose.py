"""Models that say little of what they take: nothing at all, or a dictionary of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nbregistry.capture.containers import row_count
from nbregistry.capture.enforcement import Contract
from nbregistry.capture.values import decode
from nbregistry.domain.signature import Column, Signature
from nbregistry.errors import BadRows, InvalidInput
from nbregistry.serving.intake.faults import LONGEST, came
from nbregistry.serving.intake.numeric import Numbers
from nbregistry.serving.table import Shape, Table


class Free:
    """The way in for a model without a signature: what comes is passed on in the container that it came in."""

    numeric = False

    def of_rows(self, rows: Sequence[Any], names: Sequence[Any] | None) -> Table:
        """Return rows of numbers as an array, named ones as a frame, others as they are."""
        if names is not None:
            if any(not isinstance(row, (list, tuple)) or len(row) != len(names) for row in rows):
                raise BadRows(f"{len(names)} names came with rows of another length: send one name a column.")
            return _framed(list(map(list, rows)), list(map(str, names)))
        if rows and type(rows[0]) is list and rows[0]:
            numbers = Numbers([Column("", "any", True)] * len(rows[0]), "float64")
            if (values := numbers.of_rows(rows)) is not None:
                return Table(Shape.ARRAY, values, len(values))
        return Table(Shape.ROWS, list(rows), len(rows))

    def of_records(self, records: Sequence[Any]) -> Table:
        """Return a frame."""
        for row, record in enumerate(records):
            if not isinstance(record, Mapping):
                raise BadRows(f"Row {row} is {came(record)}: send an object with a value for each column.")
        names = list(dict.fromkeys(name for record in records for name in record))
        return _framed([[record.get(name) for name in names] for record in records], names)

    def of_columns(self, columns: Mapping[Any, Any]) -> Table:
        """Return a frame."""
        lists = [v if isinstance(v, list) else [v] for v in columns.values()]
        if len({len(v) for v in lists}) > 1:
            raise BadRows("The columns differ in length: send as many values for each.")
        return _framed([list(row) for row in zip(*lists, strict=True)], list(map(str, columns)))

    def of_array(self, array: Any, names: Sequence[Any] | None) -> Table:
        """Return the array."""
        return Table(Shape.ARRAY, array, len(array) if array.ndim else 1)

    def of_frame(self, frame: Any) -> Table:
        """Return the frame."""
        return Table(Shape.WHOLE, frame, len(frame))

    def to_model(self, table: Table) -> Any:
        """Return what came."""
        return table.values


def _framed(rows: list[list[Any]], names: list[str]) -> Table:
    import pandas as pd

    return Table(Shape.WHOLE, pd.DataFrame(rows, columns=names), len(rows))


class Entries:
    """The way in for a model that takes a dictionary of arrays.

    Parameters
    ----------
    signature : Signature
        One whose container is a dictionary.
    """

    numeric = False

    def __init__(self, signature: Signature) -> None:
        self._contract = Contract(signature)
        self._columns = {
            (decode(c.extra["label"]) if c.extra and "label" in c.extra else c.name): c for c in signature.inputs
        }

    def of_columns(self, columns: Mapping[Any, Any]) -> Table:
        """Check each entry on its own."""
        arrays = {
            name: _array(values, self._columns[name]) if name in self._columns else values
            for name, values in columns.items()
        }
        try:
            found = self._contract.apply(arrays)
        except InvalidInput as fault:
            raise BadRows(str(fault).encode("utf-8", "replace")[:LONGEST].decode("utf-8", "ignore")) from None
        rows = row_count(found)
        if rows is None:
            raise BadRows("The entries differ in length: send as many rows for each.")
        return Table(Shape.WHOLE, found, rows)

    def of_records(self, records: Sequence[Any]) -> Table:
        """Bring together what the records have under each key."""
        for row, record in enumerate(records):
            if not isinstance(record, Mapping) or not self._columns.keys() <= record.keys():
                keys = ", ".join(map(str, self._columns))
                raise BadRows(f"Row {row} does not have all keys of the model: send an object with {keys}.")
        return self.of_columns({key: [record[key] for record in records] for key in self._columns})

    def of_rows(self, rows: Sequence[Any], names: Sequence[Any] | None) -> Table:
        """Take rows with names as records; others say nothing of which entry they are."""
        if names is None or any(not isinstance(row, list) or len(row) != len(names) for row in rows):
            raise BadRows(f"The model takes an object with the keys {', '.join(map(str, self._columns))}, not rows.")
        return self.of_records([dict(zip(map(str, names), row, strict=True)) for row in rows])

    def of_array(self, array: Any, names: Sequence[Any] | None) -> Table:
        """Take an array where the model has one entry."""
        if len(self._columns) != 1:
            raise BadRows(f"The model takes an object with the keys {', '.join(map(str, self._columns))}.")
        return self.of_columns({next(iter(self._columns)): array})

    def of_frame(self, frame: Any) -> Table:
        """Take each column of a frame as an entry."""
        return self.of_columns({name: frame[name].to_numpy() for name in frame.columns})

    def to_model(self, table: Table) -> Any:
        """Return the dictionary."""
        return table.values


def _array(values: Any, column: Column) -> Any:
    """Return a list of numbers as the array that the entry is; anything else as it came."""
    if not isinstance(values, list) or column.dtype in ("any", "str", "object"):
        return values
    try:
        return np.asarray(values) if not _mixed(values) else values
    except ValueError:
        return values


def _mixed(values: list[Any]) -> bool:
    kinds = {a.dtype.kind for a in (np.asarray(v) for v in values[:1_000])}
    return not kinds <= set("iuf")
