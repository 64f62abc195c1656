"""The edge to foreign code: importing a library on first use, and telling in one way what it, or a model, raised."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nbregistry.errors import Conflict, Damaged, MissingDependency, RegistryError

_BROKEN = frozenset({"UnpicklingError", "BadZipFile", "EOFError", "JSONDecodeError", "DecodeError"})
"""Names of what the parsers raise on bytes that are cut or altered; by name, so that no library is imported for it."""


@contextmanager
def foreign(
    doing: str,
    *,
    passing: tuple[type[Exception], ...] = (),
    told: Callable[[Exception], RegistryError] | None = None,
) -> Iterator[None]:
    """Turn what a library, or a model's own code, raises into an error that says what was being done.

    Parameters
    ----------
    doing : str
        How the sentence begins: "Loading churn/3".
    passing : tuple of exception types
        What goes through as it is: OSError while writing, which is about the disk and not about the model.
    told : callable
        Makes the error, where the usual one does not say enough.
    """
    try:
        yield
    except (RegistryError, MemoryError):
        raise
    # The one such place of this room: unpickling, converting and predicting run arbitrary code of models and libraries,
    # so there is no list of what they may raise.
    except Exception as error:
        if isinstance(error, passing):
            raise
        raise (told(error) if told else _told(doing, error)) from error


def _told(doing: str, error: Exception) -> RegistryError:
    what = summary(error)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return Conflict(
            f"{doing} needs the module {error.name!r}, which is not installed here. The version's environment says"
            " which package and version it was registered with."
        )
    if type(error).__name__ in _BROKEN:
        return Damaged(f"{doing} failed, the bytes are cut or broken ({what}).")
    return Conflict(f"{doing} failed: {what}")


def summary(error: Exception) -> str:
    """Return an error's type and message on one line."""
    # The traceback module survives an error whose own __str__ raises; str(error) would not.
    return " ".join("".join(traceback.format_exception_only(error)).split())[:300]


def library(module: str, *, extra: str, purpose: str) -> Any:
    """Import an optional library on first use.

    Raises
    ------
    MissingDependency
        Not installed; names the extra that brings it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        root = module.partition(".")[0]
        if (error.name or "").partition(".")[0] != root:
            raise
        raise MissingDependency(root, extra, purpose) from error
