"""What the fault tests share: figures told at the end of the run, and children forked from a warm process."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

import nbregistry
from tests.faults import invariants, worker

ROOT = str(Path(__file__).resolve().parents[2])

ROWS = pytest.StashKey["list[tuple[str, dict[str, Any]]]"]()


@pytest.fixture
def figures(pytestconfig: pytest.Config) -> Callable[..., None]:
    """Call it as ``figures("F1 kill -9", rounds=60, lost=0)``: the row is shown at the end of the run."""
    rows = pytestconfig.stash.setdefault(ROWS, [])

    def note(row: str, /, **found: Any) -> None:
        rows.append((row, found))

    return note


@pytest.fixture
def check_all() -> Callable[..., None]:
    """What must hold in any registry."""
    return invariants.check_all


@pytest.fixture(scope="session")
def forks() -> ForkServerContext:
    """Start processes that have everything imported within milliseconds: each is the fork of a warm one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", "tests.faults.warm"])
    with pytest.MonkeyPatch.context() as patch:
        # The server looks for modules where a fresh interpreter does; an installed copy of ours must not come first.
        patch.setenv("PYTHONPATH", os.pathsep.join([ROOT, *filter(None, [os.environ.get("PYTHONPATH")])]))
        forkserver.ensure_running()
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=worker.introduce, args=(theirs,))
    child.start()
    assert (nbregistry.__file__, True) == ours.recv(), "the children run other code, or had to import it"
    child.join()
    ours.close()
    theirs.close()
    return context


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows = config.stash.get(ROWS, [])
    if not rows:
        return
    terminalreporter.section("fault figures")
    width = max(len(row) for row, _ in rows)
    for row, found in rows:
        cells = "   ".join(f"{key.replace('_', ' ')} {told(value)}" for key, value in found.items())
        terminalreporter.line(f"{row:<{width}}   {cells}")


def told(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
