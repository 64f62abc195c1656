"""The edge of a request: what nobody foresaw goes to the log under the request's id; a client learns only the id."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import TypeVar

from nbregistry.errors import RegistryError

T = TypeVar("T")

log = logging.getLogger("nbregistry.serving")


class Unforeseen(RegistryError):
    """A fault of ours, or of a library below: the client learns the request's id and nothing else."""

    status = 500


async def guarded(doing: object, call: Callable[[], Awaitable[T]]) -> T:
    """Return what ``call`` gives; errors of ours pass, any other is logged and becomes ``Unforeseen``.

    Parameters
    ----------
    doing : str or object with such a str()
        What was being done, with the request's id; goes to the log.
    """
    try:
        return await call()
    except (RegistryError, MemoryError):
        raise
    # Requests run codecs, models' code and custom nodes, so there is no list of what they may raise.
    except Exception as error:
        raise unforeseen(doing, error) from error


def attempted(doing: str, call: Callable[[], T], default: T) -> T:
    """Return what ``call`` gives, or ``default`` when it raises: for what must not end a thread or a loop."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - a background thread lives on, whatever one line or pass of it did
        unforeseen(doing, error)
        return default


def unforeseen(doing: object, error: BaseException) -> Unforeseen:
    """Log an error with where it happened, and return what the client is told.

    Messages of errors may quote what was sent, so the log gets the type and the places in the code only.
    """
    places = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s: %s\n%s", doing, type(error).__name__, places)
    return Unforeseen("The server failed to answer; its log says more under this id.")
