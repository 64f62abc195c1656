"""Where our errors leave for the notebook: one calm line instead of a traceback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from IPython.core.error import UsageError

from nbregistry.verbs.telling import fault_text

T = TypeVar("T")


@contextmanager
def boundary() -> Iterator[None]:
    """Turn an error that nbregistry raised on purpose, or the system's refusal of a file, into a UsageError.

    Anything else is a fault in code, ours or the model's: its traceback is what one needs to see.
    """
    try:
        yield
    except Exception as error:
        told = fault_text(error)
        if told is None:
            raise
        raise UsageError(told) from None


def quietly(call: Callable[[], T], default: T) -> T:
    """Return ``call()``, or ``default`` when it raises.

    For what must never print a traceback into somebody's cell: the TAB key, and the filling in of a line's braces,
    which IPython leaves as typed when they cannot be filled in.
    """
    try:
        return call()
    except Exception:  # noqa: BLE001 - the user's expressions, and whatever is in their namespace, raise anything
        return default
