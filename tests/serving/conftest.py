"""A registry with models that a worker loads quickly, and servers that do not outlive their test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nbregistry import Registry
from nbregistry.serving.process import Server, running
from tests.serving.obedient import Obedient

ROWS = np.array([[1.0, 2.0], [3.0, 4.0]])


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a home and a store that has sum/1, sum/2 and other/1; each test has a copy of both."""
    folder = tmp_path_factory.mktemp("stocked")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBREGISTRY_HOME", str(folder / "home"))
        patch.setenv("NBREGISTRY_USER", "ana")
        with Registry(folder / "store") as registry:
            for factor in (1.0, 10.0):
                registry.register(Obedient(factor), "sum", X=ROWS)
            registry.register(Obedient(100.0), "other", X=ROWS)
    return folder


@pytest.fixture
def stock(stocked: Path) -> Iterator[Registry]:
    """Yield a registry with sum/1 and sum/2, whose answers differ by a factor of ten, and another model."""
    shutil.copytree(stocked / "home", os.environ["NBREGISTRY_HOME"], dirs_exist_ok=True)
    shutil.copytree(stocked / "store", "store")
    with Registry("store") as registry:
        yield registry


@pytest.fixture(scope="module")
def house(stocked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Yield a registry that the tests of a module share, with what ``stock`` has."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copytree(stocked, folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBREGISTRY_HOME", str(folder / "home"))
        patch.setenv("NBREGISTRY_USER", "ana")
        with Registry(folder / "store") as registry:
            yield registry


@pytest.fixture(scope="module")
def pair(house: Registry) -> Iterator[Server]:
    """Yield a server of sum and other with two workers, which the tests of a module share."""
    with house.serve("sum", "other", workers=2, compile=False) as server:
        yield server.wait_ready()


@pytest.fixture(scope="module")
def closed(house: Registry) -> Iterator[Server]:
    """Yield a server of sum/1 that answers those who know its token, which the tests of a module share."""
    with house.serve("sum/1", token="auto", compile=False) as server:
        yield server.wait_ready()


@pytest.fixture
def serve(stock: Registry) -> Iterator[Callable[..., Server]]:
    """Yield ``Registry.serve`` that waits until the server is ready; what runs at the end is stopped."""

    def started(*refs: Any, **options: Any) -> Server:
        # Nothing here has a twin: each server would find that out in a process of its own, beside the test.
        found: Server = stock.serve(*refs, **{"compile": False, **options})
        return found.wait_ready()

    yield started
    for server in running(stock.settings.home):
        server.stop()
