"""What a flavor is, and the rule that all of them share.

A flavor knows one library: which objects are its own, in which formats they can be kept, what can be told about them.
The shared rule: a file is looked at before any loader sees it (``expect``), and there is never a second loader to fall
back on.
"""

from __future__ import annotations

import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol

from nbregistry.errors import Damaged, InvalidInput, did_you_mean
from nbregistry.types import Scalar

_MARKS = (
    (b"\x80", "a pickle"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip stream"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"{L", "an XGBoost model"),
    (b"CBM1", "a CatBoost model"),
    (b"tree\n", "a LightGBM model"),
)


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a model down.

    Attributes
    ----------
    name : str
        As a version's document holds it.
    safe : bool
        Whether loading only builds data: no code that the file brings or names is run beyond what ``audit`` lists and
        the reader allowed. Decided here, by the reader's own program, never by the file or its document.
    magic : bytes
        What every such file begins with.
    suffix : str
        How such a file is usually called.
    members : tuple of str
        For zip archives, which all begin alike: the entries that make it this format (below any one folder).
    """

    name: str
    safe: bool
    magic: bytes
    suffix: str
    members: tuple[str, ...] = ()


class Params(NamedTuple):
    """Parameters as JSON can hold them, and the names of those that are not the default."""

    values: dict[str, Scalar]
    changed: tuple[str, ...]


class Flavor(Protocol):
    """One library's way with models; stateless, and made without importing the library.

    A plug-in brings a class like this with no arguments to its constructor under the entry-point group
    ``nbregistry.flavors``.
    """

    @property
    def name(self) -> str:
        """The word in a version's document."""
        ...

    @property
    def formats(self) -> tuple[Format, ...]:
        """Every format; what ``default`` gives is nearly always the first."""
        ...

    def matches(self, model: object) -> bool:
        """Whether the object is this library's; must not import it."""
        ...

    def default(self, model: object) -> str:
        """Name the format this very object is kept in when nobody asks for another."""
        ...

    def describe(self, model: object) -> str:
        """Return the dotted name of the model's type, as one would import it."""
        ...

    def params(self, model: object) -> Params:
        """Return the model's parameters, flattened (``clf__C``)."""
        ...

    def is_fitted(self, model: object) -> bool | None:
        """Whether the model was trained; None where that cannot be told."""
        ...

    def predict(self, model: object, X: object) -> object:
        """Return what the model says about ``X``; None where it has no way to say anything about new rows."""
        ...

    def save(self, model: object, file: BinaryIO, format: str, *, example: object | None = None) -> None:
        """Write the model.

        Parameters
        ----------
        file : BinaryIO
            Open for writing; only ``write`` is used, with bounded pieces.
        example : object or None
            A few rows of input, for formats that must know the input's types (ONNX).

        Raises
        ------
        nbregistry.errors.InvalidInput
            No such format, or this object cannot be kept in it.
        """
        ...

    def audit(self, file: BinaryIO, format: str) -> tuple[str, ...]:
        """List what loading would use beyond plain data, without loading.

        For a safe format these names stop the load unless the reader allows them; for a pickle they are advice.
        """
        ...

    def load(self, file: BinaryIO, format: str, *, estimator: str = "", trusted: Collection[str] = ()) -> object:
        """Build the model again. Go through ``opening.load``, which decides whether this may be called at all.

        Parameters
        ----------
        file : BinaryIO
            Seekable, at its start, its digest checked, and such that nobody else can change it any more.
        estimator : str
            What ``describe`` said; picks among the library's own classes, where the format does not hold the class.
        trusted : collection of str
            Names that ``audit`` lists and the reader allows.

        Raises
        ------
        nbregistry.errors.Damaged
            The bytes are not of this format.
        nbregistry.errors.Untrusted
            The audit found more than is allowed.
        nbregistry.errors.Conflict
            The bytes are whole but cannot become a model in this environment.
        """
        ...


def format_of(flavor: Flavor, name: str) -> Format:
    """Return the flavor's format of that name, or say which there are."""
    for form in flavor.formats:
        if form.name == name:
            return form
    known = [f.name for f in flavor.formats]
    raise InvalidInput(
        f"{str(name)[:80]!r} is no format of the flavor {flavor.name}{did_you_mean(str(name)[:80], known)}: it has"
        f" {', '.join(known)}."
    )


def expect(flavor: Flavor, file: BinaryIO, name: str) -> Format:
    """Return the format of that name if the file's first bytes are of it, and rewind.

    Raises
    ------
    Damaged
        The file is something else.
    """
    form = format_of(flavor, name)
    file.seek(0)
    head = file.read(16)
    file.seek(0)
    if not head.startswith(form.magic):
        raise Damaged(f"These bytes are declared to be {form.name}, but are {_looks(head)}: nothing was loaded.")
    if form.members:
        _expect_members(form, file)
    return form


def _expect_members(form: Format, file: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            names = {n for full in archive.namelist() for n in (full, full.partition("/")[2])}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Damaged(f"These bytes are declared to be {form.name}, but are a broken archive ({error}).") from error
    finally:
        file.seek(0)
    if missing := [m for m in form.members if m not in names]:
        raise Damaged(
            f"These bytes are declared to be {form.name}, but are an archive without {missing[0]}: nothing was loaded."
        )


def _looks(head: bytes) -> str:
    if not head:
        return "empty"
    return next((what for mark, what in _MARKS if head.startswith(mark)), f"unknown (they begin with {head[:8].hex()})")
