"""The README is run: its Python blocks, one behind the other, in an empty folder."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def test_python_blocks_run() -> None:
    """Every Python block of the quick tour runs, and its assertions hold."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert len(blocks) >= 4
    namespace: dict[str, object] = {"__name__": "__readme__"}
    for number, block in enumerate(blocks):
        exec(compile(block, f"README.md block {number}", "exec"), namespace)  # noqa: S102 - the README is ours


def test_commands_are_the_ones_that_ci_runs() -> None:
    """The test command of the README is the one that CI calls."""
    ci = (README.parent / ".ci" / "run").read_text("utf-8")
    assert "python3 tests/run.py" in README.read_text("utf-8")
    assert "tests/run.py" in ci
