"""Decoded values into a ``Table``, by a check that is compiled from the signature once.

Nothing here parses bytes and nothing imports pandas until a model needs a frame (``frames``). The verdicts are those of
``capture.signature.Contract``; what is added is that every value that does not fit is named by its row and column.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, Protocol

from nbregistry.capture.containers import FRAME, MAPPING, SERIES
from nbregistry.domain.signature import Signature
from nbregistry.errors import TooLarge
from nbregistry.serving.intake.columnar import Columnar
from nbregistry.serving.intake.loose import Entries, Free
from nbregistry.serving.intake.tensors import Tensor
from nbregistry.serving.table import Table

__all__ = ["Intake"]


class _Way(Protocol):
    @property
    def numeric(self) -> bool: ...
    def of_rows(self, rows: Sequence[Any], names: Sequence[Any] | None) -> Table: ...
    def of_records(self, records: Sequence[Any]) -> Table: ...
    def of_columns(self, columns: Mapping[Any, Any]) -> Table: ...
    def of_array(self, array: Any, names: Sequence[Any] | None) -> Table: ...
    def of_frame(self, frame: Any) -> Table: ...
    def to_model(self, table: Table) -> Any: ...


class Intake:
    """A signature prepared to check what requests bring.

    Every ``from_...`` raises BadRows (422) where the rows do not fit, naming at most 20 of the values.

    Parameters
    ----------
    signature : Signature or None
        None: nothing is known and nothing is checked.

    Attributes
    ----------
    names : frozenset of str
        Of the inputs.
    packed : frozenset of str
        Names of the inputs that hold bytes, which text can bring in base64 only.
    """

    def __init__(self, signature: Signature | None) -> None:
        self.signature = signature
        self._way = _way(signature)
        self._most = sys.maxsize
        self._limited: Intake | None = None
        inputs = signature.inputs if signature is not None else ()
        self.names = frozenset(c.name for c in inputs)
        self.packed = frozenset(c.name for c in inputs if c.extra and c.extra.get("holds") == "bytes")

    @property
    def numeric(self) -> bool:
        """Whether every column is a number, so that tables are arrays (but for integers beyond 2**53 among floats)."""
        return self._way.numeric

    def limited(self, rows: int) -> Intake:
        """Return the same with a limit: a request of more rows is refused before any of them is looked at."""
        found = self._limited
        if found is None or found._most != rows:
            found = copy(self)
            found._most = rows
            self._limited = found
        return found

    def check_rows(self, rows: int) -> None:
        """Refuse more rows than are taken at once.

        Raises
        ------
        TooLarge
            There are more.
        """
        if rows > self._most:
            raise TooLarge(f"{rows:,} rows are more than the {self._most:,} taken at once: send them in parts.")

    def from_rows(self, rows: Sequence[Any], names: Sequence[Any] | None = None) -> Table:
        """Take a list of rows, in the signature's order or that of ``names``; of values where there is one column."""
        self.check_rows(len(rows))
        return self._way.of_rows(rows, names)

    def from_records(self, records: Sequence[Any]) -> Table:
        """Take a list of objects with a value for each column; one without a key misses that value."""
        self.check_rows(len(records))
        return self._way.of_records(records)

    def from_columns(self, columns: Mapping[Any, Any]) -> Table:
        """Take a list of values for each column."""
        self.check_rows(max((len(v) for v in columns.values() if isinstance(v, list)), default=0))
        return self._way.of_columns({k: v.tolist() if hasattr(v, "tolist") else v for k, v in columns.items()})

    def from_array(self, array: Any, names: Sequence[Any] | None = None) -> Table:
        """Take an ndarray, rows on the first axis; its dtype may only be widened."""
        return self._way.of_array(array, names)

    def from_frame(self, frame: Any) -> Table:
        """Take a DataFrame, the long way through the contract."""
        return self._way.of_frame(frame)

    def to_model(self, table: Table) -> Any:
        """Return what the model's ``predict`` takes: the container and the exact dtypes it was trained on.

        For the model's thread: building a frame takes a fraction of a millisecond.
        """
        return self._way.to_model(table)


def _way(signature: Signature | None) -> _Way:
    if signature is None:
        return Free()
    if signature.container == FRAME or (signature.container == SERIES and signature.inputs):
        return Columnar(signature)
    if signature.container == MAPPING:
        return Entries(signature)
    if len(signature.inputs) != 1:
        return Free()
    column = signature.inputs[0]
    nothing = column.dtype == "any" and (column.shape or (-1,)) == (-1,)
    return Free() if nothing else Tensor(signature)
