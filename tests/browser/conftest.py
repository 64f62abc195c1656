"""Servers that the tests of the browser share: to start one takes longer than most tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.serving_pages import SECRET, Pages, browsing, stocked


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A home for the servers."""
    return str(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def proxy(tmp_path_factory: pytest.TempPathFactory, home: str) -> Iterator[Pages]:
    """A server behind a proxy, with ana as its approver."""
    folder = tmp_path_factory.mktemp("proxy")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBREGISTRY_HOME", home)
        store = stocked(folder)
    options = ("--auth", "proxy", "--token", SECRET, "--approver", "ana", "--approver", "Bo Li")
    with browsing(store, folder, *options, NBREGISTRY_HOME=home) as pages:
        yield pages


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory, home: str) -> Iterator[Pages]:
    """A server for everybody on this machine."""
    folder = tmp_path_factory.mktemp("opened")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBREGISTRY_HOME", home)
        store = stocked(folder)
    with browsing(store, folder, NBREGISTRY_HOME=home) as pages:
        yield pages
