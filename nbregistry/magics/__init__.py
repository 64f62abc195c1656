"""The registry in the notebook: ``%load_ext nbregistry``.

Every magic comes from the table of verbs; this room adds what only a shell has: its variables, its cells, its TAB key
and its way of showing an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the magics, TAB completion, the formatters and the log of executed cells to a shell."""
    from nbregistry.magics.extension import RegistryMagics

    RegistryMagics.load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take everything away again that ``load_ipython_extension`` added."""
    from nbregistry.magics.extension import RegistryMagics

    RegistryMagics.unload(shell)
