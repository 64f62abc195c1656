"""What a model takes and gives: ordered columns with types, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbregistry.types import Document


@dataclass(frozen=True, slots=True)
class Column:
    """One column, or one tensor.

    Attributes
    ----------
    name : str
        Column name; ``""`` for an unnamed array.
    dtype : str
        The pandas or NumPy dtype as text: ``float64``, ``Int64``, ``category``, ``datetime64[ns, UTC]``, ``str`` ...
    nullable : bool
        Whether a missing value was seen or the dtype is made for them.
    categories : tuple or None
        Allowed values, in order, of a categorical column.
    ordered : bool
        Whether the categories are ordered.
    shape : tuple of int or None
        For tensors: shape with -1 for the row axis.
    extra : mapping
        What else is needed to rebuild the dtype (time zone, unit, dtype of the categories ...).
    """

    name: str
    dtype: str
    nullable: bool = False
    categories: tuple[Any, ...] | None = None
    ordered: bool = False
    shape: tuple[int, ...] | None = None
    extra: Mapping[str, Any] | None = None

    def as_document(self) -> Document:
        """Return the fields that differ from their defaults."""
        found: Document = {"name": self.name, "dtype": self.dtype}
        if self.nullable:
            found["nullable"] = True
        if self.categories is not None:
            found["categories"] = list(self.categories)
        if self.ordered:
            found["ordered"] = True
        if self.shape is not None:
            found["shape"] = list(self.shape)
        if self.extra:
            found["extra"] = dict(self.extra)
        return found

    @classmethod
    def from_document(cls, found: Mapping[str, Any]) -> Column:
        """Rebuild from ``as_document``."""
        categories, shape = found.get("categories"), found.get("shape")
        return cls(
            found["name"],
            found["dtype"],
            bool(found.get("nullable", False)),
            None if categories is None else tuple(categories),
            bool(found.get("ordered", False)),
            None if shape is None else tuple(shape),
            found.get("extra"),
        )


@dataclass(frozen=True, slots=True)
class Signature:
    """Inputs and outputs of a model.

    Attributes
    ----------
    inputs, outputs : tuple of Column
        In order. Empty outputs mean that they are not known.
    container : str
        What the model was given: ``frame``, ``series``, ``array``, ``list``, ``sparse``, ``dict`` or ``unknown``.
    source : str
        Where this comes from: ``data`` (an X was given) or ``estimator`` (its own feature names).
    extra : mapping
        What else is needed to rebuild the container (levels and names of the column index, format of a sparse matrix).
    """

    inputs: tuple[Column, ...] = ()
    outputs: tuple[Column, ...] = ()
    container: str = "frame"
    source: str = "data"
    extra: Mapping[str, Any] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the input columns."""
        return tuple(c.name for c in self.inputs)

    def as_document(self) -> Document:
        """Return plain JSON data."""
        found: Document = {
            "inputs": [c.as_document() for c in self.inputs],
            "outputs": [c.as_document() for c in self.outputs],
            "container": self.container,
            "source": self.source,
        }
        if self.extra:
            found["extra"] = dict(self.extra)
        return found

    @classmethod
    def from_document(cls, found: Mapping[str, Any]) -> Signature:
        """Rebuild from ``as_document``."""
        return cls(
            tuple(Column.from_document(c) for c in found.get("inputs", ())),
            tuple(Column.from_document(c) for c in found.get("outputs", ())),
            found.get("container", "frame"),
            found.get("source", "data"),
            found.get("extra"),
        )
