"""Incoming data against a signature: what fits is passed on in the signature's order and types, the rest is refused.

Safe conversions are made (integers to floats, a narrower dtype to a wider one, text from JSON to dates); one that could
change a value is not. A missing value is accepted only where training saw one or the dtype is made for them. Extra
columns are left out.
"""

from __future__ import annotations

from typing import Any

from nbregistry.capture.containers import ARRAY, FRAME, LIST, MAPPING, SERIES, SPARSE, as_pandas, kind_of
from nbregistry.capture.mismatch import Mismatch
from nbregistry.capture.values import decode, text_of
from nbregistry.domain.signature import Column, Signature
from nbregistry.errors import InvalidInput


class Contract:
    """A signature prepared once, to be applied to many inputs: what a server keeps.

    Parameters
    ----------
    signature : Signature
        As ``infer`` or ``from_estimator`` gave it.
    """

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self._tabular: Any = None
        if signature.container == FRAME:
            from nbregistry.capture.tabular import Tabular

            self._tabular = Tabular(signature)

    def apply(self, data: Any, *, strict: bool = False) -> Any:
        """Return data in the signature's container, order and dtypes; the same object when nothing has to change.

        Parameters
        ----------
        data : DataFrame, Series, ndarray, sparse matrix, dict of lists, list of dicts, list of lists, polars frame
            A polars frame comes back as a pandas one.
        strict : bool
            Whether a column that the signature does not have is an error.

        Raises
        ------
        InvalidInput
            Names every column that does not fit (at most 20), what was expected, what came and what to do.
        """
        if self._tabular is not None:
            return self._tabular.apply(data, strict=strict)
        if self.signature.container == MAPPING:
            return self._entries(data, strict=strict)
        if len(self.signature.inputs) != 1 or _says_nothing(self.signature.inputs[0]):
            return data
        return self._single(self.signature.inputs[0], self.signature.container, data)

    def _single(self, column: Column, container: str, data: Any) -> Any:
        try:
            return self._fitted(column, container, data)
        except Mismatch as fault:
            name = f"entry {text_of(column.name)!r}" if column.name else "input"
            raise InvalidInput(
                f"The {name} does not fit the model's signature: expected {_said(column)}, got {fault.came}:"
                f" {fault.advice}."
            ) from None

    def _fitted(self, column: Column, container: str, data: Any) -> Any:
        if container == LIST and kind_of(data) == LIST and column.dtype == "str":
            return _texts(column, data)
        from nbregistry.capture.arrays import check_shape, to_array, to_list, to_sparse

        if container == SERIES:
            return _series(column, data)
        if container == ARRAY:
            return to_array(data, column)
        if container == SPARSE:
            return to_sparse(data, column, (self.signature.extra or {}).get("format", "csr"))
        if container == LIST:
            values = data if kind_of(data) == LIST else to_list(data)
            if column.dtype == "str":
                return _texts(column, values)
            to_array(values, column)
            return values
        check_shape(data, column)
        return data

    def _entries(self, data: Any, *, strict: bool) -> Any:
        """Return a dictionary of arrays, each entry fitted on its own."""
        if kind_of(data) != MAPPING:
            raise InvalidInput(
                f"The model takes a dictionary with the keys {_names(self.signature)}, not a {type(data).__name__}."
            )
        keys = [decode(c.extra["label"]) if c.extra and "label" in c.extra else c.name for c in self.signature.inputs]
        if absent := [k for k in keys if k not in data]:
            raise InvalidInput(
                f"Missing {', '.join(map(text_of, absent[:20]))}: send the keys {_names(self.signature)}."
            )
        if strict and (extra := [k for k in data if k not in keys]):
            raise InvalidInput(
                f"Unknown {', '.join(map(text_of, extra[:20]))}: send the keys {_names(self.signature)}."
            )
        found = {
            key: data[key] if _says_nothing(column) else self._single(column, kind_of(data[key]), data[key])
            for key, column in zip(keys, self.signature.inputs, strict=True)
        }
        same = len(found) == len(data) and all(found[k] is data[k] for k in keys)
        return data if same else found


def enforce(signature: Signature, data: Any, *, strict: bool = False) -> Any:
    """Return data as the signature wants it: ``Contract(signature).apply(data)``, for one input."""
    return Contract(signature).apply(data, strict=strict)


def _texts(column: Column, values: Any) -> Any:
    """Return a list of texts; in need of no library, as the models that take one."""
    for row, value in enumerate(values):
        if not (isinstance(value, str) or (value is None and column.nullable)):
            what = "a missing value" if value is None else f"{type(value).__name__} {text_of(value, 40)!r}"
            raise Mismatch(f"{what} in row {row}", "send a list of texts")
    return values


def _series(column: Column, data: Any) -> Any:
    import pandas as pd

    from nbregistry.capture.conversion import Expected, convert

    kind = kind_of(data)
    if kind == FRAME and data.shape[1] == 1:
        given: Any = as_pandas(data).iloc[:, 0]
    elif kind == SERIES:
        given = as_pandas(data)
    elif kind == ARRAY and data.ndim == 1:
        given = pd.Series(data, name=column.name or None)
    elif kind == LIST:
        given = pd.Series(list(data), dtype=object, name=column.name or None)
    else:
        shape = getattr(data, "shape", None)
        raise Mismatch(
            f"a {type(data).__name__}{f' of the shape {shape}' if shape else ''}", "send one column of values"
        )
    found = convert(given, Expected.of(column))
    return data if kind == SERIES and found is given else found


def _says_nothing(column: Column) -> bool:
    return column.dtype == "any" and (column.shape or (-1,)) == (-1,)


def _said(column: Column) -> str:
    rows = " x ".join("rows" if n == -1 else str(n) for n in column.shape or ())
    kind = "values" if column.dtype == "any" else column.dtype
    return f"{kind}{f' of the shape {rows}' if rows else ''}{', may be missing' if column.nullable else ''}"


def _names(signature: Signature) -> str:
    return ", ".join(text_of(name) for name in signature.names[:20])
