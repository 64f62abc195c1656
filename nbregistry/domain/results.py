"""What a question to the registry answers with when the answer is many things: lists that can become a frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self, SupportsIndex, TypeVar, overload

from nbregistry.domain.entities import Annotation, Event, ModelVersion, RegisteredModel
from nbregistry.domain.frames import Frame, frame
from nbregistry.types import Scalar

T = TypeVar("T")


class Listing(list[T]):
    """A list whose slices keep their kind, so that ``versions[:5]`` still shows itself as a table."""

    @overload
    def __getitem__(self, index: SupportsIndex) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: SupportsIndex | slice) -> T | Self:
        if isinstance(index, slice):
            return type(self)(super().__getitem__(index))
        return super().__getitem__(index)


class Versions(Listing[ModelVersion]):
    """Versions in the order asked for.

    Attributes
    ----------
    cursor : str or None
        Give it to the same search for the next page; None when this is the last one.
    """

    cursor: str | None

    def __init__(self, items: Iterable[ModelVersion] = (), *, cursor: str | None = None) -> None:
        super().__init__(items)
        self.cursor = cursor

    def to_frame(self) -> Frame:
        """Return one row per version; metrics, parameters and tags are columns (``metrics.auc``, ``params.clf__C``)."""
        plain: dict[str, Callable[[ModelVersion], object]] = {
            "ref": lambda v: v.ref, "name": lambda v: v.name, "number": lambda v: v.number,
            "stage": lambda v: v.stage.value, "aliases": lambda v: v.aliases, "status": lambda v: v.status.value,
            "created_at": lambda v: v.created_at, "created_by": lambda v: v.created_by, "note": lambda v: v.note,
            "flavor": lambda v: v.flavor, "format": lambda v: v.format, "estimator": lambda v: v.estimator,
            "size": lambda v: v.size, "digest": lambda v: v.digest,
        }  # fmt: skip
        columns: dict[str, list[object]] = {name: [read(v) for v in self] for name, read in plain.items()}
        for group in ("metrics", "params", "tags"):
            found = [getattr(v, group) for v in self]
            # A dict rather than a set: columns come in the order in which the versions first named them.
            for key in dict.fromkeys(k for mapping in found for k in mapping):
                columns[f"{group}.{key}"] = [mapping.get(key) for mapping in found]
        return frame(columns, moments=("created_at",))


class Models(Listing[RegisteredModel]):
    """Registered models."""

    def to_frame(self) -> Frame:
        """Return one row per model; stages, aliases and tags are columns (``stages.Production``)."""
        names = ("name", "versions", "latest", "last_number", "description", "created_at", "created_by", "updated_at")
        columns: dict[str, list[object]] = {name: [getattr(m, name) for m in self] for name in names}
        for group in ("stages", "aliases", "tags"):
            found = [getattr(m, group) for m in self]
            for key in dict.fromkeys(k for mapping in found for k in mapping):
                columns[f"{group}.{key}"] = [mapping.get(key) for mapping in found]
        return frame(columns, moments=("created_at", "updated_at"))


class Events(Listing[Event]):
    """Lines of the audit."""

    def to_frame(self) -> Frame:
        """Return one row per event; ``before``, ``after`` and ``evidence`` stay mappings."""
        names = ("seq", "time", "user", "action", "target", "before", "after", "reason", "host", "notebook", "cell",
                 "evidence", "hash")  # fmt: skip
        return frame({name: [getattr(e, name) for e in self] for name in names}, moments=("time",))


class Annotations(Listing[Annotation]):
    """The notes on a version or on a model, replies included."""

    def to_frame(self) -> Frame:
        """Return one row per annotation; ``edits`` counts the earlier texts."""
        names = ("id", "target", "kind", "text", "author", "created_at", "reply_to", "deleted")
        columns: dict[str, list[object]] = {name: [getattr(a, name) for a in self] for name in names}
        columns["kind"] = [a.kind.value for a in self]
        columns["edits"] = [len(a.edits) for a in self]
        return frame(columns, moments=("created_at",))


@dataclass(frozen=True, slots=True)
class Card:
    """What is shown after registering: a version beside the one before it.

    Attributes
    ----------
    previous : ModelVersion or None
        What the version is measured against; None for the first.
    notices : tuple of str
        What the user should know of this registering, such as a secret that was redacted.
    compiled : mapping
        What was found out about serving the version compiled; empty when nothing was.
    """

    version: ModelVersion
    previous: ModelVersion | None = None
    notices: tuple[str, ...] = ()
    compiled: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Overview:
    """Facts under a title, in order: the answer to ``%nbregistry status`` and its kin.

    Attributes
    ----------
    facts : tuple of (str, value or tuple of values)
        What each fact is called and what it is.
    notices : tuple of str
        What needs the user's attention.
    """

    title: str
    facts: tuple[tuple[str, Scalar | datetime | tuple[Scalar, ...]], ...] = ()
    notices: tuple[str, ...] = ()
