"""What the fault tests share: children forked from a warm process."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

import nbregistry
from tests.faults import invariants, worker

ROOT = str(Path(__file__).resolve().parents[2])


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
