"""Where the user is as seen from the kernel: the notebook and the cell that is running now."""

from __future__ import annotations

import sys
from typing import Any

from nbregistry.config import session


def shell() -> Any:
    """Return the running IPython shell, or None; never imports IPython."""
    module = sys.modules.get("IPython")
    get = getattr(module, "get_ipython", None)
    return get() if get is not None else None


def where() -> tuple[str | None, str | None]:
    """Return the notebook's path and the running cell's id; None for what is not known (a script, a terminal)."""
    notebook, _ = session()
    running = shell()
    if running is None:
        return notebook, None
    parent = getattr(running, "get_parent", None)
    message = parent() if parent is not None else None
    cell = (message or {}).get("metadata", {}).get("cellId")
    return notebook, str(cell) if cell else None
