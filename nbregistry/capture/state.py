"""What a model has learned, as one digest: equal models have equal ones, however each of them came to be.

``register`` stores a model's pickle under its SHA-256, and that cannot answer whether an object in the kernel still is
what was registered. The same model pickled twice need not give the same bytes: a pickle says what was *one* object in
memory (two equal strings, or the same one twice), how an array lay there, and what was in the gaps of a record, and
all of this is different after loading. So the digest here is made of what the pickle protocol says an object consists
of, its class and its state, and of arrays by their values. It is computed in memory and stored with a version as a
small fact; to compare later takes neither the stored file nor anything that runs it. Predictions on the captured
example were left aside as the judge: five equal answers do not make two models equal, and predicting runs longer.

What changes without anything having been learned is left out: caches and counters that predicting fills, the release
of the library, the process-wide random generator.
"""

from __future__ import annotations

import copyreg
import hashlib
import struct
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from nbregistry.capture.boundary import attempt

MOST_BYTES = 100_000_000
"""Bytes of arrays and texts beyond which comparing is not done in passing: it would take longer than a glance."""

_MOST_PARTS = 3_000_000
_PIECE = 4 << 20
_SCALARS = (bool, int, float, complex, str, bytes, bytearray, type(None), type(...), type(NotImplemented))
_DERIVED = frozenset({"_sklearn_version", "_stop_words_id", "_has_sorted_indices", "_has_canonical_format"})
"""Attributes that say nothing of what was learned: a release, an address in memory, what SciPy found out on the way."""

_COUNTED = frozenset({"KDTree", "KDTree32", "KDTree64", "BallTree", "BallTree32", "BallTree64"})
"""Trees of scikit-learn that count what they are asked in their state, at places 7 to 10."""

_ARCHIVE = b"PK\x03\x04"


class State(NamedTuple):
    """A digest, and how many bytes of arrays and texts it is made of; an empty digest where there can be none."""

    digest: str = ""
    size: int = 0


class _Cannot(Exception):
    """No digest would be sure."""


class _TooLarge(_Cannot):
    """Looking at all of it takes too long."""


def state_of(model: object, most: int = MOST_BYTES) -> State | None:
    """Return what a model has learned; None where it is larger than ``most`` bytes.

    The digest is empty where the object does not let itself be looked at, holds what is bound to this process, or
    writes itself as an archive, whose bytes tell the time of day.
    """
    walk = _Walk(most)
    unknown = State()

    def look() -> State | None:
        try:
            return State(walk.of(model).hex(), walk.size)
        except _TooLarge:
            return None
        except (_Cannot, RecursionError):
            return unknown

    # Whatever a class does to say what it consists of (__reduce__, __getstate__, a property) may raise anything.
    return attempt("", look, unknown)


def modules_of(model: object) -> frozenset[str] | None:
    """Return the topmost modules of everything a model consists of; None where not all of it can be looked at.

    Classes and functions count with where they were defined, and those of a notebook with what their code uses.
    """
    walk = _Modules(sys.maxsize)

    def look() -> frozenset[str] | None:
        try:
            walk.of(model)
        except (_Cannot, RecursionError):
            return None
        return frozenset(walk.found)

    return attempt("", look, None)


class _Walk:
    """Follows an object to everything it consists of, once."""

    def __init__(self, most: int) -> None:
        self.size = 0
        self._most, self._parts = most, 0
        self._known: dict[int, bytes] = {}
        self._kept: list[Any] = []  # what has an entry by its address must live as long as the entry
        self._open: dict[int, int] = {}
        self._texts: dict[str, bytes] = {}

    def of(self, thing: Any) -> bytes:
        """Return the digest of an object."""
        if type(thing) is str:  # names of attributes and of types, most of them met again and again
            known = self._texts.get(thing)
            if known is None:
                known = self._texts[thing] = self._scalar(thing)
            return known
        if type(thing) in _SCALARS:
            return self._scalar(thing)
        address = id(thing)
        if (known := self._known.get(address)) is not None:
            return known
        if (depth := self._open.get(address)) is not None:
            return _digest(b"cycle", [str(len(self._open) - depth).encode()])
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise _TooLarge
        self._open[address] = len(self._open)
        try:
            found = self._composite(thing)
        finally:
            del self._open[address]
        self._known[address] = found
        self._kept.append(thing)
        return found

    def _scalar(self, thing: Any) -> bytes:
        if isinstance(thing, str):
            found = thing.encode("utf-8", "surrogatepass")
        elif isinstance(thing, bytes | bytearray):
            found = bytes(thing)
            if found.startswith(_ARCHIVE):
                raise _Cannot
        elif isinstance(thing, float):
            found = struct.pack("<d", thing) if thing == thing else b"nan"  # noqa: PLR0124 - NaN has many bit patterns
        else:
            found = repr(thing).encode()
        self._count(len(found))
        return _digest(type(thing).__name__.encode(), [found])

    def _count(self, size: int) -> None:
        self.size += size
        if self.size > self._most:
            raise _TooLarge

    def _composite(self, thing: Any) -> bytes:
        kind = type(thing)
        if kind in (tuple, list):
            return _digest(kind.__name__.encode(), [self.of(item) for item in thing])
        if kind is dict:
            return _digest(b"dict", [self.of(part) for item in thing.items() for part in item])
        if kind in (set, frozenset):
            return _digest(b"set", sorted(self.of(item) for item in thing))
        if isinstance(thing, type | types.FunctionType | types.BuiltinFunctionType | types.ModuleType):
            return self._named(thing)
        if isinstance(thing, types.CodeType):
            return self._code(thing)
        numpy = sys.modules.get("numpy")
        if numpy is not None:
            if isinstance(thing, numpy.ndarray):
                return self._array(thing, numpy)
            if isinstance(thing, numpy.dtype):
                return _digest(b"dtype", [repr(thing.descr if thing.names else thing.str).encode()])
            if thing is numpy.random.mtrand._rand:
                return _digest(b"random", [])
        if kind.__module__.partition(".")[0] == "torch" and callable(getattr(kind, "detach", None)):
            return self._array(thing.detach().cpu().numpy(), numpy)
        return self._reduced(thing)

    def _array(self, array: Any, numpy: Any) -> bytes:
        """Return an array by its values; how it lies in memory, and what is between its fields, is not of them."""
        kind = type(array)
        if kind in (numpy.ndarray, numpy.memmap) or kind.__module__.startswith("numpy.ma"):
            return self._values(array, numpy)
        # A class of arrays computes in its own way, and by what its arrays carry beside their values.
        carried = self._state(kind, getattr(array, "__dict__", {}))
        return _digest(b"subclass", [self.of(kind), carried, self._values(array, numpy)])

    def _values(self, array: Any, numpy: Any) -> bytes:
        head = [repr(array.dtype.descr if array.dtype.names else array.dtype.str).encode(), repr(array.shape).encode()]
        if type(array).__module__.startswith("numpy.ma"):
            return _digest(b"masked", [*head, self._array(array.filled(), numpy), self._array(array.mask, numpy)])
        array = array.view(numpy.ndarray)
        if array.dtype.names:
            return _digest(b"record", [*head, *(self._array(array[name], numpy) for name in array.dtype.names)])
        if array.dtype.hasobject:
            return _digest(b"objects", [*head, *(self.of(item) for item in array.ravel().tolist())])
        if array.dtype.kind == "T":
            return _digest(b"texts", [*head, *(self.of(str(item)) for item in array.ravel())])
        self._count(array.nbytes)
        found = hashlib.sha256()
        flat = array if array.ndim else array.reshape(1)
        rows = max(1, _PIECE // max(1, flat.nbytes // max(1, len(flat))))
        for start in range(0, len(flat), rows):  # a copy of a piece at a time, where one is needed at all
            found.update(numpy.ascontiguousarray(flat[start : start + rows]).view(numpy.uint8).data)
        return _digest(b"array", [*head, found.digest()])

    def _named(self, thing: Any) -> bytes:
        """Return what can be imported by its name, and what was written in a notebook by its code."""
        if isinstance(thing, types.ModuleType):
            return _digest(b"module", [thing.__name__.encode()])
        module, name = str(thing.__module__), str(thing.__qualname__)
        if module != "__main__" and _found(module, name) is thing:
            return _digest(b"name", [module.encode(), name.encode()])
        if isinstance(thing, types.FunctionType):
            cells = [cell.cell_contents for cell in thing.__closure__ or ()]
            used = {n: thing.__globals__[n] for n in _names(thing.__code__) if n in thing.__globals__}
            parts = (thing.__code__, thing.__defaults__, thing.__kwdefaults__, cells, sorted(used.items()))
            # What decorators leave for those who inspect a function (__wrapped__) says nothing of what it does.
            carried = sorted((str(k), v) for k, v in vars(thing).items() if not str(k).startswith("__"))
            return _digest(b"function", [self.of(part) for part in (*parts, *([carried] if carried else []))])
        if isinstance(thing, type):
            own = {k: v for k, v in vars(thing).items() if not k.startswith("__") or callable(v)}
            plain = [(k, v) for k, v in sorted(own.items()) if k not in ("__weakref__", "__dict__")]
            return _digest(b"class", [name.encode(), *(self.of(b) for b in thing.__bases__), self.of(plain)])
        raise _Cannot

    def _code(self, code: types.CodeType) -> bytes:
        named = (code.co_names, code.co_varnames, code.co_freevars, code.co_argcount, code.co_flags)
        return _digest(b"code", [self.of(part) for part in (code.co_code, code.co_consts, *named)])

    def _reduced(self, thing: Any) -> bytes:
        """Return what the pickle protocol says of an object: what makes it, of what, and the state it is then given."""
        kind = type(thing)
        reducer: Callable[[Any], Any] | None = copyreg.dispatch_table.get(kind)
        said = reducer(thing) if reducer is not None else thing.__reduce_ex__(4)
        if isinstance(said, str):
            return _digest(b"global", [kind.__module__.encode(), said.encode()])
        parts: list[Any] = [*said, *[None] * 5]
        make, given, state, items, pairs = parts[:5]
        found = [self.of(make), self.of(given), self._state(kind, state)]
        found.append(self.of(list(items)) if items is not None else b"")
        found.append(self.of([part for pair in pairs for part in pair]) if pairs is not None else b"")
        return _digest(b"object", found)

    def _state(self, kind: type, state: Any) -> bytes:
        if kind.__name__ in _COUNTED and kind.__module__.startswith("sklearn.") and isinstance(state, tuple):
            state = (*state[:7], *state[11:])
        if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], Mapping):
            return _digest(b"slots", [self._state(kind, part) for part in state])
        if type(state) is not dict:
            return self.of(state)
        self._kept.append(state)
        kept = sorted((str(k), v) for k, v in state.items() if k not in _DERIVED) if _sortable(state) else state.items()
        return _digest(b"state", [part for key, value in kept for part in (self.of(key), self.of(value))])


class _Modules(_Walk):
    """Follows an object for the modules it is made with; numbers and texts cost nothing here."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.found: set[str] = set()

    def _scalar(self, thing: Any) -> bytes:
        return b""

    def _values(self, array: Any, numpy: Any) -> bytes:
        return super()._values(array, numpy) if array.dtype.hasobject else b""

    def _named(self, thing: Any) -> bytes:
        module = thing.__name__ if isinstance(thing, types.ModuleType) else thing.__module__
        self.found.add(str(module).partition(".")[0])
        return super()._named(thing)


def _sortable(state: Mapping[Any, Any]) -> bool:
    return all(type(key) is str for key in state)


def _digest(kind: bytes, parts: Iterable[bytes]) -> bytes:
    found = hashlib.sha256(kind)
    for part in parts:
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.digest()


def _found(module: str, name: str) -> Any:
    """Return what a dotted name means now, without importing anything."""
    thing: Any = sys.modules.get(module)
    for part in name.split("."):
        thing = getattr(thing, part, None)
    return thing


def _names(code: types.CodeType) -> set[str]:
    inner = (const for const in code.co_consts if isinstance(const, types.CodeType))
    return set(code.co_names).union(*map(_names, inner))
