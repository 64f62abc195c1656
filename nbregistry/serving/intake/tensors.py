"""Arrays, sparse matrices and lists: one tensor, whose columns have places and no names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from nbregistry.capture.arrays import check_shape, to_array
from nbregistry.capture.containers import ARRAY, LIST, SPARSE
from nbregistry.capture.enforcement import Contract
from nbregistry.capture.mismatch import Mismatch
from nbregistry.domain.signature import Column, Signature
from nbregistry.errors import BadRows
from nbregistry.serving.intake.checks import EXACT, INTEGERS, check_of, described
from nbregistry.serving.intake.faults import MOST, Faults, came, plural
from nbregistry.serving.intake.numeric import Numbers
from nbregistry.serving.table import Shape, Table


class Tensor:
    """The way in for a model that takes one array.

    Parameters
    ----------
    signature : Signature
        One with a single input that has a shape or a dtype.
    """

    def __init__(self, signature: Signature) -> None:
        self.signature, self.column = signature, signature.inputs[0]
        self.container = signature.container
        shape = self.column.shape or (-1,)
        self.width = shape[1] if len(shape) == 2 else None
        self.texts = self.container == LIST and self.column.dtype == "str"
        self.numbers = None
        if self.width is not None and self.container != LIST:
            each = Column("", self.column.dtype, self.column.nullable)
            self.numbers = Numbers.of([each] * self.width) if self.width else None
        self._contract = Contract(signature)

    @property
    def numeric(self) -> bool:
        """Whether tables are arrays of numbers."""
        return self.numbers is not None

    def of_rows(self, rows: Sequence[Any], names: Sequence[Any] | None) -> Table:
        """Check rows; names of columns are not asked for, and only their number matters."""
        if names is not None and self.width is not None and len(names) != self.width:
            raise BadRows(f"The model takes {plural(self.width, 'column')}, and {len(names)} came.")
        if self.numbers is not None and (values := self.numbers.of_rows(rows)) is not None:
            return Table(Shape.ARRAY, values, len(values))
        return self._slowly(rows)

    def _slowly(self, rows: Sequence[Any]) -> Table:
        try:
            if self.texts:
                return self._texts(rows)
            if self.container not in (ARRAY, SPARSE, LIST):
                check_shape(list(rows), self.column)
                return Table(Shape.ROWS, list(rows), len(rows))
            values = to_array(_whole(list(rows)) if self.column.dtype in INTEGERS else list(rows), self.column)
        except Mismatch as fault:
            self._refuse(rows, fault)
        if self.container == LIST or values.dtype.kind in "USO":
            return Table(Shape.ROWS, list(rows), len(rows))
        return Table(Shape.ARRAY, values, len(values))

    def _texts(self, rows: Sequence[Any]) -> Table:
        faults = Faults()
        for row, value in enumerate(rows):
            if not (type(value) is str or (value is None and self.column.nullable)):
                faults.add(row, "", "text", came(value))
                if len(faults.found) == MOST:
                    break
        faults.refuse()
        return Table(Shape.ROWS, list(rows), len(rows))

    def _refuse(self, rows: Sequence[Any], fault: Mismatch) -> NoReturn:
        """Raise BadRows that names the values, where it is single ones that do not fit."""
        faults = Faults()
        if self.width is not None:
            for row, values in enumerate(rows):
                if not isinstance(values, (list, tuple)):
                    faults.add(row, "", f"a list of {plural(self.width, 'value')}", came(values))
                elif len(values) != self.width:
                    faults.add(row, "", plural(self.width, "value"), str(len(values)))
                if len(faults.found) == MOST:
                    break
        if not faults.found and self.column.dtype != "any" and self.container != LIST:
            columns = zip(*rows, strict=True) if self.width is not None else [rows]
            for place, values in enumerate(columns):
                name = str(place) if self.width is not None else ""
                check_of(Column(name, self.column.dtype, self.column.nullable)).apply(list(values), faults)
        if not faults.found:
            faults.add(-1, "", self._said(), f"{fault.came}: {fault.advice}")
        raise faults.refusal()

    def _said(self) -> str:
        shape = " x ".join("rows" if n == -1 else str(n) for n in self.column.shape or ())
        return described(self.column) + (f" of the shape {shape}" if shape else "")

    def of_records(self, records: Sequence[Any]) -> Table:
        """Check objects whose keys, the same in the same order of the first one, are the columns."""
        names = list(records[0]) if records and isinstance(records[0], Mapping) else []
        faults = Faults()
        for row, record in enumerate(records):
            if not isinstance(record, Mapping):
                faults.add(row, "", "an object with a value for each column", came(record))
            elif record.keys() != records[0].keys():
                faults.add(row, "", "the same keys as in row 0", plural(len(record), "key"))
            if len(faults.found) == MOST:
                break
        faults.refuse()
        return self._of_table([[record[name] for name in names] for record in records], len(names))

    def of_columns(self, columns: Mapping[Any, Any]) -> Table:
        """Check lists by column, in the order given; a single one may be the whole tensor."""
        if len(columns) == 1:
            only = next(iter(columns.values()))
            nested = isinstance(only, list) and only and isinstance(only[0], list)
            if nested or (isinstance(only, list) and self.width is None):
                return self.of_rows(only, None)
        lists = [v if isinstance(v, list) else [v] for v in columns.values()]
        if len({len(v) for v in lists}) > 1:
            raise BadRows("The columns differ in length: send as many values for each.")
        return self._of_table([list(row) for row in zip(*lists, strict=True)], len(lists))

    def _of_table(self, rows: list[list[Any]], columns: int) -> Table:
        if self.width is None and columns == 1:
            return self.of_rows([row[0] for row in rows], None)
        return self.of_rows(rows, None)

    def of_array(self, array: Any, names: Sequence[Any] | None) -> Table:
        """Check an array: its dtype may only be widened."""
        if array.dtype.kind in "OUS":
            return self.of_rows(array.tolist(), names)
        try:
            if self.container in (ARRAY, SPARSE):
                array = to_array(array, self.column)
            elif self.container == LIST:
                return self.of_rows(array.tolist(), names)
            else:
                check_shape(array, self.column)
                if self.numbers is not None and array.dtype.kind in "iu":
                    array = array.astype(np.float64)
        except Mismatch as fault:
            if array.ndim == 2:
                self._named(array, fault)
            raise BadRows(f"Expected {self._said()}, got {fault.came}: {fault.advice}.") from None
        return Table(Shape.ARRAY, array, len(array))

    def _named(self, array: Any, fault: Mismatch) -> None:
        """Refuse by the values that do not fit, where it is not the dtype alone."""
        if self.width == array.shape[1] and array.dtype.kind == "f" and np.isnan(array).any():
            self._refuse(array.tolist(), fault)

    def of_frame(self, frame: Any) -> Table:
        """Check a DataFrame, whose columns are taken by their places."""
        if self.container == LIST:
            return self.of_rows([row[0] if len(row) == 1 else row for row in frame.to_numpy().tolist()], None)
        return self.of_array(frame.to_numpy(), None)

    def to_model(self, table: Table) -> Any:
        """Return the array, the sparse matrix or the list."""
        if self.container == SPARSE:
            from scipy.sparse import csr_matrix

            return csr_matrix(table.values).asformat((self.signature.extra or {}).get("format", "csr"))
        if table.shape is Shape.ROWS and self.container == ARRAY:
            return to_array(table.values, self.column)
        return table.values


def _whole(value: Any) -> Any:
    """Return values for an array of integers, which would be rounded among floats: those that are whole become such.

    Raises
    ------
    Mismatch
        A float stands for several whole numbers.
    """
    if isinstance(value, (list, tuple)):
        return list(map(_whole, value))
    if type(value) is float and value.is_integer():
        if abs(value) > EXACT:
            raise Mismatch(came(value), "write whole numbers without point and exponent: it may have been rounded")
        return int(value)
    return value
