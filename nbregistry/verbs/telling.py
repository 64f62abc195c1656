"""An error in words: one line, safe to show, whatever hostile text it quotes."""

from __future__ import annotations

from nbregistry.display.visible import inline, prose
from nbregistry.errors import InvalidFilter, RegistryError, Untrusted

_LONGEST = 2_000


def fault_text(error: BaseException) -> str | None:
    """Return what to tell of an error, or None for one that nobody raised on purpose.

    Only two take more than a line: a search text's points at the column, and a refusal to load has lines to be pasted,
    which are made of nothing that its author could bend (``flavors.refusals``).
    """
    if isinstance(error, (InvalidFilter, Untrusted)):
        return prose(str(error)[:_LONGEST])
    if isinstance(error, RegistryError):
        return inline(" ".join(str(error).split()), _LONGEST) or type(error).__name__
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return inline(f"{error.strerror or error}{where}", _LONGEST)
    return None
