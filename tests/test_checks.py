"""The static checks, as tests: one green line at the end means all of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(sys.executable).parent
CHECKS = {
    "ruff check": [sys.executable, "-m", "ruff", "check", "."],
    "ruff format": [sys.executable, "-m", "ruff", "format", "--check", "."],
    "mypy": [sys.executable, "-m", "mypy"],
    "import-linter": [str(SCRIPTS / "lint-imports")],
}


@pytest.mark.timeout(600)  # mypy without its cache reads every stub there is
@pytest.mark.parametrize("name", CHECKS)
def test_static_check(name: str) -> None:
    """The tree passes the check as it is configured in pyproject.toml."""
    done = subprocess.run(CHECKS[name], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{name}:\n{done.stdout[-20_000:]}{done.stderr[-5_000:]}"
