"""Who acts: the person Jupyter knows, or the user of the settings where Jupyter knows nobody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.auth import User

_MADE_UP = re.compile(r"[0-9a-f]{32}")


def who(user: User | None) -> str:
    """Return the name under which a Jupyter user acts; empty when it names nobody.

    With a token or a password, which everybody shares, Jupyter Server makes a user up for each browser: a random
    ``username`` of 32 hexadecimal digits, called "Anonymous" and the name of a moon. A decision signed so would tell
    nobody who took it.
    """
    if user is None:
        return ""
    made_up = _MADE_UP.fullmatch(user.username) or user.username.casefold() in ("anonymous", "anon")
    return "" if made_up or (user.name or "").startswith("Anonymous ") else user.username
