"""The command line: the same words as in the notebook, answers as text or JSON, and an exit status.

0 is done, 1 refused or failed, 2 wrong use. Answers go to standard output, everything else to standard error.
"""

from __future__ import annotations

from nbregistry.cli.main import main

__all__ = ["main"]
