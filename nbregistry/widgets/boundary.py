"""Where what a callback raises is caught: ipywidgets would write it to a log that nobody looks at."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

from nbregistry.verbs.telling import fault_text

_LOG = logging.getLogger("nbregistry.widgets")
_FRAMES = 6  # of a traceback, the innermost


def guarded(call: Callable[[], object], tell: Callable[[str, str], None]) -> bool:
    """Run ``call``; what it raises is told, and the panel stays as usable as it was.

    Parameters
    ----------
    tell : callable
        Called with what happened in a sentence and, for a fault that nobody raised on purpose, where (a traceback).

    Returns
    -------
    bool
        Whether it went through.
    """
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever a callback raises would vanish otherwise
        told = fault_text(error)
        if told is None:
            _LOG.exception("a panel's callback failed")
            where = "".join(traceback.format_exception(error, limit=-_FRAMES))
            tell(f"{type(error).__name__}: {error}", where)
        else:
            tell(told, "")
        return False
    return True
