"""Frames and series: columns matched by name, checked one by one, held as one array where all are numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from nbregistry.capture.containers import SERIES
from nbregistry.capture.mismatch import Mismatch
from nbregistry.capture.values import decode, encode_or_text, text_of
from nbregistry.domain.signature import Column, Signature
from nbregistry.errors import BadRows, did_you_mean
from nbregistry.serving.intake.checks import check_of, described
from nbregistry.serving.intake.faults import MOST, Faults, came, plural
from nbregistry.serving.intake.numeric import Numbers
from nbregistry.serving.table import Shape, Table


class Columnar:
    """The way in for a model that takes a frame, or one column of it.

    Parameters
    ----------
    signature : Signature
        One whose container is a frame or a series.
    """

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self.checks = tuple(check_of(c) for c in signature.inputs)
        self.width = len(self.checks)
        self.numbers = Numbers.of(signature.inputs)
        self._labels = [_label(c) for c in signature.inputs]
        keys = [_key(label) for label in self._labels]
        self._repeated = len(set(keys)) < len(keys)
        texts = {label for label in self._labels if isinstance(label, str)}
        # a label that is no text comes out of JSON as text
        self._wanted = [
            (label,) if label == c.name or c.name in texts else (label, c.name)
            for label, c in zip(self._labels, signature.inputs, strict=True)
        ]
        plain = all(label == c.name for label, c in zip(self._labels, signature.inputs, strict=True))
        self._names = [c.name for c in signature.inputs]
        single = signature.container == SERIES
        self._getter = _getter(self._names) if plain and not self._repeated and not single else None
        self._frames: Any = None

    @property
    def numeric(self) -> bool:
        """Whether tables are arrays."""
        return self.numbers is not None

    def of_rows(self, rows: Sequence[Any], names: Sequence[Any] | None) -> Table:
        """Check rows of values, in the order of the signature or of ``names``."""
        if names is not None and names != self._names:
            rows = self._reordered(rows, [_hashable(n) for n in names])
        elif self.signature.container == SERIES and not any(type(row) is list for row in rows):
            return self._checked([list(rows)], len(rows))
        return self._of_rows(rows)

    def _of_rows(self, rows: Sequence[Any]) -> Table:
        if self.numbers is not None and (values := self.numbers.of_rows(rows)) is not None:
            return Table(Shape.ARRAY, values, len(values))
        width = self.width
        if any(type(row) not in (list, tuple) or len(row) != width for row in rows):
            self._refuse_widths(rows, width)
        columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in self.checks]
        return self._checked(columns, len(rows))

    def _refuse_widths(self, rows: Sequence[Any], width: int) -> None:
        faults = Faults()
        for row, values in enumerate(rows):
            if not isinstance(values, (list, tuple)):
                faults.add(row, "", f"a list of {plural(width, 'value')}", came(values))
            elif len(values) != width:
                faults.add(row, "", plural(width, "value"), str(len(values)))
            if len(faults.found) == MOST:
                break
        faults.refuse()

    def _reordered(self, rows: Sequence[Any], names: list[Any]) -> list[list[Any]]:
        order = self._order(names)
        width = len(names)
        if any(type(row) not in (list, tuple) or len(row) != width for row in rows):
            self._refuse_widths(rows, width)
        return [[row[place] for place in order] for row in rows]

    def _order(self, names: Sequence[Any]) -> list[int]:
        """Return where each expected column is among the given ones."""
        if self.signature.container == SERIES:
            if len(names) != 1:
                raise BadRows(f"The model takes one column, and {len(names)} came: send one column of values.")
            return [0]
        if self._repeated:
            if list(names) == self._labels:
                return list(range(self.width))
            told = ", ".join(map(repr, self._names[:MOST]))
            raise BadRows(
                f"The model's column names repeat and only their order tells them apart: send exactly {told}."
            )
        places: dict[Any, list[int]] = {}
        for place, name in enumerate(names):
            places.setdefault(name, []).append(place)
        faults, order = Faults(), []
        for check, alternatives in zip(self.checks, self._wanted, strict=True):
            found = next((places[name] for name in alternatives if name in places), [])
            order.append(found[0] if found else -1)
            if len(found) > 1:
                faults.add(-1, check.name, "one column of that name", str(len(found)))
            elif not found and len(faults.found) < MOST:
                faults.add(-1, check.name, check.said, f"no such column{self._hint(check.name, places)}")
        faults.refuse()
        return order

    def _hint(self, name: str, given: Mapping[Any, Any]) -> str:
        if len(given) > 1_000:
            return ""
        return did_you_mean(name, (g for g in given if isinstance(g, str) and g not in self._names)).rstrip("?")

    def of_records(self, records: Sequence[Any]) -> Table:
        """Check objects with a value for each column."""
        if self._getter is not None:
            try:
                return self._of_rows([self._getter(record) for record in records])
            except (KeyError, TypeError, IndexError):
                pass  # not every record has every column
        faults = Faults()
        for row, record in enumerate(records):
            if not isinstance(record, Mapping) and len(faults.found) < MOST:
                faults.add(row, "", "an object with a value for each column", came(record))
        faults.refuse()
        names = list(dict.fromkeys(name for record in records for name in record))
        if not records:
            return self._checked([[] for _ in self.checks], 0)
        given = [names[place] for place in self._order(names)]
        return self._checked([[record.get(name) for record in records] for name in given], len(records))

    def of_columns(self, columns: Mapping[Any, Any]) -> Table:
        """Check lists of values by column; without any list, the values are those of one row."""
        if columns and not any(isinstance(values, list) for values in columns.values()):
            columns = {name: [value] for name, value in columns.items()}
        names = list(columns)
        given = [names[place] for place in self._order(names)]
        lengths = {name: len(v) if isinstance(v, list) else -1 for name, v in columns.items()}
        if len(set(lengths.values())) > 1:
            faults = Faults()
            usual = max(set(lengths.values()), key=list(lengths.values()).count)
            for name, length in lengths.items():
                if length != usual and len(faults.found) < MOST:
                    found = plural(length, "value") if length >= 0 else "one value"
                    faults.add(-1, str(name), f"as many values as the other columns have ({usual:,})", found)
            faults.refuse()
        return self._checked([columns[name] for name in given], next(iter(lengths.values()), 0))

    def _checked(self, columns: Sequence[list[Any]], rows: int) -> Table:
        faults = Faults()
        found = tuple(check.apply(values, faults) for check, values in zip(self.checks, columns, strict=True))
        faults.refuse()
        if self.numbers is not None and (values := self.numbers.of_columns(found, rows)) is not None:
            return Table(Shape.ARRAY, values, rows)
        return Table(Shape.COLUMNS, found, rows)

    def of_array(self, array: Any, names: Sequence[Any] | None) -> Table:
        """Check an array with a column for each of the signature's, or one dimension for a series."""
        if self.signature.container == SERIES and array.ndim == 1:
            return self._of_array(array.reshape(-1, 1))
        if array.ndim != 2:
            shape = " x ".join(map(str, array.shape))
            raise BadRows(
                f"The model takes rows of {plural(self.width, 'column')}, and the array has the shape {shape}."
            )
        if names is not None and list(names) != self._names:
            if len(names) != array.shape[1]:
                raise BadRows(f"{len(names)} names came with {array.shape[1]} columns: send one name a column.")
            array = array[:, self._order(list(names))]
        return self._of_array(array)

    def _of_array(self, array: Any) -> Table:
        if array.shape[1] != self.width:
            raise BadRows(
                f"The model takes {plural(self.width, 'column')}, and the array has {array.shape[1]}: send one row per"
                " example, with the columns in the signature's order."
            )
        if self.numbers is not None and not self.numbers.mixed:
            try:
                values = self.numbers.of_array(array)
            except Mismatch as fault:
                self._checked(array.T.tolist(), len(array))  # names the values, where it is one that does not fit
                said = described(self.signature.inputs[0])
                raise BadRows(f"The array does not fit: expected {said}, got {fault.came}: {fault.advice}.") from None
            if values is not None:
                return Table(Shape.ARRAY, values, len(values))
        # one dtype for columns of several: not what its writer chose, so the values are looked at, as those of JSON are
        return self._checked(array.T.tolist(), len(array))

    def of_frame(self, frame: Any) -> Table:
        """Check a DataFrame, the long way."""
        return self._pandas().of_frame(frame, self.numbers)  # type: ignore[no-any-return]  # imported when it is needed

    def to_model(self, table: Table) -> Any:
        """Return the DataFrame or Series with the signature's dtypes."""
        return self._pandas().build(table)

    def _pandas(self) -> Any:
        if self._frames is None:
            from nbregistry.serving.intake.frames import Frames

            self._frames = Frames(self.signature)
        return self._frames


def _label(column: Column) -> Any:
    told = (column.extra or {}).get("label")
    return column.name if told is None and "label" not in (column.extra or {}) else decode(told)


def _key(label: Any) -> Any:
    """Return what makes two labels the same."""
    if isinstance(label, (str, int)):
        return label
    return repr(encode_or_text(label)[0])


def _hashable(name: Any) -> Any:
    """Return a name that came as JSON as a label; a list is how JSON writes one of several levels."""
    if isinstance(name, list):
        return tuple(map(_hashable, name))
    return text_of(name) if isinstance(name, dict) else name


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]] | None:
    """Return what takes the columns out of a record."""
    if len(names) > 1:
        return itemgetter(*names)
    if not names:
        return None
    only = names[0]
    return lambda record: (record[only],)
