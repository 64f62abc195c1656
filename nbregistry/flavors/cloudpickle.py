"""The flavor of everything else, and the pickling that other flavors share.

Everything else is objects of classes written in the notebook, plain functions, closures. Objects from ``__main__`` are
pickled by value, so a class written in a cell needs no module to come back. The stream is a plain pickle of protocol 5:
``pickle.load`` opens it anywhere.
"""

from __future__ import annotations

import pickle
from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

from nbregistry.errors import InvalidInput, RegistryError
from nbregistry.flavors.advice import globals_in
from nbregistry.flavors.boundary import foreign, library, summary
from nbregistry.flavors.estimator import answer, fitted, flattened, type_name
from nbregistry.flavors.protocol import Format, Params, expect, format_of

FORMAT = Format("cloudpickle", safe=False, magic=b"\x80\x05", suffix=".pkl")

_PROTOCOL = 5
_PIECE = 4 << 20
_DEPTH = 4


class Pieces:
    """A file's ``write`` for picklers: takes their buffers as they are and passes them on in bounded pieces.

    The pickler hands over an array's memory itself, not a copy of it, so that a model of any size needs no second one;
    a writer that hashes as it goes then sees pieces that fit its caches.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: Any) -> int:
        """Write bytes or any contiguous buffer whole."""
        view = data.raw() if isinstance(data, pickle.PickleBuffer) else memoryview(data).cast("B")
        for start in range(0, view.nbytes, _PIECE):
            self._file.write(view[start : start + _PIECE])
        return view.nbytes

    def flush(self) -> None:
        """Do nothing: who opened the file flushes it."""


def dump(model: object, file: BinaryIO) -> None:
    """Write a pickle in constant extra memory.

    Raises
    ------
    InvalidInput
        Something in the model cannot be pickled; says what and where.
    """
    cloudpickle = library("cloudpickle", extra="all", purpose="Storing a model")
    with foreign("Pickling", passing=(OSError,), told=lambda error: _unpicklable(model, error)):
        cloudpickle.dump(model, Pieces(file), protocol=_PROTOCOL)


def restore(file: BinaryIO, *, doing: str) -> object:
    """Read a pickle, running whatever it says: only ever called behind the trust gate."""
    with foreign(doing):
        return pickle.load(file)  # noqa: S301  the gate in opening.py has let these bytes pass


def _unpicklable(model: object, error: Exception) -> InvalidInput:
    place = next(_culprits(model, "model", 0), None)
    where = f" The trouble is in {place}." if place else ""
    return InvalidInput(
        f"{type_name(model)} cannot be stored as cloudpickle: {summary(error)}.{where} Leave it out, for example by a"
        " __getstate__ that drops what belongs to this process (locks, connections, open files, generators)."
    )


def _culprits(thing: object, path: str, depth: int) -> Iterator[str]:
    """Yield the deepest parts that cannot be pickled by themselves; only ever run after a failure."""
    for name, part in _parts(thing, path):
        if not _picklable(part):
            deeper = next(_culprits(part, name, depth + 1), None) if depth < _DEPTH else None
            yield deeper or f"{name} ({type_name(part)})"


def _parts(thing: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(thing, dict):
        yield from ((f"{path}[{str(k)[:40]!r}]", v) for k, v in list(thing.items())[:1000])
    elif isinstance(thing, list | tuple):
        yield from ((f"{path}[{i}]", v) for i, v in enumerate(thing[:1000]))
    else:
        yield from ((f"{path}.{k}", v) for k, v in list(getattr(thing, "__dict__", {}).items()))


def _picklable(thing: object) -> bool:
    cloudpickle = library("cloudpickle", extra="all", purpose="Storing a model")
    try:
        with foreign("Pickling"):
            cloudpickle.dump(thing, _Nowhere(), protocol=_PROTOCOL)
    except RegistryError:
        return False
    return True


class _Nowhere:
    def write(self, data: object) -> None:
        """Take anything."""


class CloudpickleFlavor:
    """Anything that can be pickled."""

    name = "cloudpickle"
    formats = (FORMAT,)

    def matches(self, model: object) -> bool:
        """Anything will do."""
        return True

    def default(self, model: object) -> str:
        """There is one format."""
        return FORMAT.name

    def describe(self, model: object) -> str:
        """Return the type's dotted name, or a function's own."""
        return type_name(model)

    def params(self, model: object) -> Params:
        """Return what ``get_params`` says, where there is one."""
        return flattened(model)

    def is_fitted(self, model: object) -> bool | None:
        """Tell where scikit-learn's conventions tell."""
        return fitted(model)

    def predict(self, model: object, X: object) -> object:
        """Call ``predict`` or its kin, or the object itself."""
        return answer(model, X)

    def save(self, model: object, file: BinaryIO, format: str, *, example: object | None = None) -> None:
        """Pickle."""
        format_of(self, format)
        dump(model, file)

    def audit(self, file: BinaryIO, format: str) -> tuple[str, ...]:
        """List the globals that the pickle names; advice, never a verdict."""
        expect(self, file, format)
        return globals_in(file)

    def load(self, file: BinaryIO, format: str, *, estimator: str = "", trusted: Collection[str] = ()) -> object:
        """Unpickle."""
        expect(self, file, format)
        return restore(file, doing=f"Unpickling {estimator or 'the model'}")
