"""The skops format: a zip of plain data and the names of types; nothing in it is run, and unknown types are refused.

skops audits the whole tree of types before it builds one object. Its library builds the archive in memory before it is
written, so saving needs the model's size once more; where that hurts, cloudpickle streams.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, BinaryIO

from nbregistry.errors import InvalidInput, Untrusted
from nbregistry.flavors.boundary import foreign, library, summary
from nbregistry.flavors.estimator import type_name
from nbregistry.flavors.protocol import Format

FORMAT = Format("skops", safe=True, magic=b"PK\x03\x04", suffix=".skops", members=("schema.json",))


def _skops(purpose: str) -> Any:
    return library("skops.io", extra="skops", purpose=purpose)


def save(model: object, file: BinaryIO) -> None:
    """Write the archive.

    Raises
    ------
    InvalidInput
        The model holds something that skops cannot name, such as a class or function of the notebook.
    """
    skops = _skops("Storing a model as skops")

    def told(error: Exception) -> InvalidInput:
        return InvalidInput(
            f"{type_name(model)} cannot be stored as skops ({summary(error)}): use format='cloudpickle'."
        )

    with foreign("Storing", told=told):
        archive = skops.dumps(model)
    # skops keeps names and looks them up again, so what only this notebook defines would not be found anywhere else.
    if local := [n for n in skops.get_untrusted_types(data=archive) if n.startswith("__main__.") or "<" in n]:
        raise InvalidInput(
            f"skops stores the names of types and functions, not their code, and {', '.join(local[:5])} is defined in"
            " this notebook: use format='cloudpickle', or move it into a module."
        )
    file.write(archive)


def unknown_types(file: BinaryIO) -> tuple[str, ...]:
    """List the types that skops does not know to be harmless; builds nothing."""
    file.seek(0)
    with foreign("Auditing the skops archive"):
        found = _skops("Loading a model stored as skops").get_untrusted_types(file=file)
    file.seek(0)
    return tuple(found)


def load(file: BinaryIO, *, trusted: Collection[str]) -> object:
    """Build the model if it holds no type but known ones and those given.

    Raises
    ------
    Untrusted
        It does; names them.
    """
    if missing := [name for name in unknown_types(file) if name not in trusted]:
        raise Untrusted(
            f"The skops archive uses types that are not allowed: {', '.join(missing[:10])}. Nothing was loaded."
        )
    with foreign("Loading the skops archive"):
        return _skops("Loading a model stored as skops").load(file, trusted=sorted(trusted))
