"""Where foreign code may fail without failing the registration.

Capturing calls into objects of any library and of the user (a property, ``__str__``, an event hook), and these can
raise anything. This module holds the room's one ``except Exception``; all others name what they expect.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
D = TypeVar("D")


def attempt(what: str, call: Callable[[], T], default: D, warnings: list[str] | None = None) -> T | D:
    """Return ``call()``, or ``default`` when it raises, noting ``what`` was not captured and why.

    Parameters
    ----------
    what : str
        Name of the capture as the user knows it: ``environment``, ``data profile`` ...
    warnings : list of str, optional
        Receives one line per failure.
    """
    try:
        return call()
    except Exception as caught:  # noqa: BLE001 - foreign code raises anything, and a capture is never worth a model
        fault = caught
        if warnings is not None:
            said = attempt("", lambda: plain(" ".join(str(fault).split())), "")
            warnings.append(f"{what}: not captured, {type(fault).__name__}{': ' if said else ''}{said[:200]}")
        return default


def plain(text: str) -> str:
    """Return text that UTF-8 can carry: lone surrogates become visible escapes."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
