"""What ``%models --here`` answers with: the estimators in a kernel, and how each stands to the registry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import SupportsIndex, overload

from nbregistry.domain.frames import Frame, frame
from nbregistry.domain.results import Listing


class Standing(StrEnum):
    """How an object in memory stands to the registry."""

    REGISTERED = "registered"
    CHANGED = "changed"
    NEW = "new"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Estimator:
    """One estimator among the user's variables.

    Attributes
    ----------
    variable : str
        How one says it: ``clf``, ``models["rf"]``; ``also`` are other names of the same object.
    kind : str
        Dotted name of its class.
    fitted : bool or None
        None where nothing shows whether it has learned.
    standing : Standing
        Registered (what it has learned is what ``ref`` holds), changed (it was ``ref`` and has learned something else
        since), new (no version holds it), or not known, and ``why``.
    ref : str or None
        The version; ``equal`` are further versions that hold the same.
    state : str
        What keeps that version from being used, such as ``failed``; empty for nothing.
    size : int or None
        Bytes of what it has learned, about; None where that was not looked at.
    cell : str or None
        Id of the cell that made it, and ``count``, its execution count, where they are known.
    part_of : str
        The estimator that contains it, such as the pipeline of a scaler.
    line : str
        What registers it; empty where nothing needs to be.
    """

    variable: str
    kind: str
    fitted: bool | None
    standing: Standing
    ref: str | None = None
    equal: tuple[str, ...] = ()
    state: str = ""
    why: str = ""
    size: int | None = None
    cell: str | None = None
    count: int | None = None
    part_of: str = ""
    also: tuple[str, ...] = ()
    line: str = ""


class Estimators(Listing[Estimator]):
    """The estimators that have learned something, in the order in which their variables were bound.

    Attributes
    ----------
    unfitted : tuple of str
        Variables that hold estimators which have not.
    """

    unfitted: tuple[str, ...]

    def __init__(self, items: Iterable[Estimator] = (), *, unfitted: tuple[str, ...] = ()) -> None:
        super().__init__(items)
        self.unfitted = unfitted

    @overload
    def __getitem__(self, index: SupportsIndex) -> Estimator: ...
    @overload
    def __getitem__(self, index: slice) -> Estimators: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Estimator | Estimators:
        if isinstance(index, slice):
            return Estimators(list(self)[index], unfitted=self.unfitted)
        return list(self)[index]

    def to_frame(self) -> Frame:
        """Return one row per estimator."""
        names = ("variable", "kind", "fitted", "standing", "ref", "equal", "state", "why", "size", "cell", "count",
                 "part_of", "also", "line")  # fmt: skip
        columns: dict[str, list[object]] = {name: [getattr(e, name) for e in self] for name in names}
        columns["standing"] = [e.standing.value for e in self]
        return frame(columns)
