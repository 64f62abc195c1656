"""From what one node gives to what the next one takes."""

from __future__ import annotations

from typing import Any

from nbregistry.domain.signature import Signature
from nbregistry.errors import BadRows, ModelFailed
from nbregistry.serving.node import Batch, By
from nbregistry.serving.table import Shape, Table


class Data:
    """Rows as a function or a transformer gave them; the next model's intake has not read them yet."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def count(outputs: Any) -> int:
    """Return how many rows outputs have; -1 where that cannot be told."""
    shape = getattr(outputs, "shape", None)
    if shape is not None:
        return int(shape[0]) if shape else -1
    return len(outputs) if isinstance(outputs, list | tuple | dict) else -1


def passed_on(outputs: Any, rows: int, doing: str) -> Table:
    """Return outputs as the next node's rows.

    Raises
    ------
    nbregistry.errors.ModelFailed
        There are more or fewer than went in: which answer belonged to which caller could not be told.
    """
    found = count(outputs)
    if found != rows:
        told = f"{found} rows" if found >= 0 else f"something without rows ({type(outputs).__name__})"
        raise ModelFailed(f"{doing} returned {told} for {rows}: it has to return one for each.")
    return Table(Shape.WHOLE, Data(outputs), rows)


def data_of(table: Table, intake: Any) -> Any:
    """Return rows as people handle them: a DataFrame or ndarray in the form of the signature. For a thread."""
    return table.values.value if isinstance(table.values, Data) else intake.to_model(table)


def table_of(data: Any, intake: Any) -> Table:
    """Have an intake read rows that did not come from a request. For a thread: frames go the long way.

    Raises
    ------
    nbregistry.errors.BadRows
        They do not fit its signature.
    """
    if hasattr(data, "iloc") or hasattr(data, "to_pandas"):
        return intake.from_frame(data.to_frame() if hasattr(data, "to_frame") else data)  # type: ignore[no-any-return]  # intakes are Any in the protocol
    if hasattr(data, "tocsr"):
        signature = intake.signature
        if signature is None or signature.container == "sparse":
            return Table(Shape.WHOLE, data, data.shape[0])
        data = data.toarray()
    if hasattr(data, "shape"):
        if data.ndim == 1 and _columns(intake.signature) == 1:
            data = data.reshape(-1, 1)
        return intake.from_array(data)  # type: ignore[no-any-return]  # as above
    if isinstance(data, dict):
        return intake.from_columns(data)  # type: ignore[no-any-return]  # as above
    if isinstance(data, list | tuple):
        return intake.from_rows(list(data))  # type: ignore[no-any-return]  # as above
    raise BadRows(f"These rows are a {type(data).__name__}: return a DataFrame, an array or a list of rows.")


def reread(table: Table, first: Any, second: Any) -> Table | None:
    """Return rows that one intake made as another one takes them, where that costs little; None where it does not.

    Raises
    ------
    nbregistry.errors.BadRows
        They do not fit the other signature.
    """
    signature = first.signature
    if signature is None or table.shape is Shape.WHOLE or table.shape is Shape.ROWS:
        return None
    names = list(signature.names)
    if table.shape is Shape.ARRAY:
        if len(names) != table.values.shape[-1]:  # a tensor: one column, as wide as it is
            return second.from_array(table.values)  # type: ignore[no-any-return]  # intakes are Any in the protocol
        try:
            return second.from_array(table.values, names)  # type: ignore[no-any-return]  # as above
        except BadRows:  # one dtype for columns of several: their values may fit all the same
            columns = table.values.T.tolist()
    else:
        columns = [list(column) for column in table.values]
    return second.from_columns(dict(zip(names, columns, strict=True)))  # type: ignore[no-any-return]  # as above


def alike(first: Any, second: Any) -> bool:
    """Whether what one intake made can be handed to the model of the other as it is."""
    if first is second:
        return True
    one, two = first.signature, second.signature
    if one is two:
        return True
    return one is not None and two is not None and (one.container, one.inputs) == (two.container, two.inputs)


def asked(batch: Batch, table: Table, method: str) -> Batch:
    """Return the same question about other rows, or of another method."""
    if table is batch.table and method == batch.method:
        return batch
    return Batch(table, method, batch.id, batch.key, batch.params, None, (), batch.routing, batch.steps)


def all_of(*groups: tuple[By, ...]) -> tuple[By, ...]:
    """Return the versions of several answers, each once, in order."""
    return tuple(dict.fromkeys(by for group in groups for by in group))


def _columns(signature: Signature | None) -> int:
    return len(signature.inputs) if signature is not None else 0
