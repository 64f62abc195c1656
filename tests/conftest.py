"""Every test runs in a folder, a user and a home of its own; nothing of the person who runs it leaks in."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.run import BROWSERS, IN_CI, find_browser

os.environ.setdefault("OMP_NUM_THREADS", "2")  # before numpy is first imported; more threads than cores only contend

settings.register_profile("default", max_examples=30, deadline=None, derandomize=True)
settings.register_profile(
    "nightly",
    max_examples=2_000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


ROWS = pytest.StashKey["list[tuple[str, dict[str, Any]]]"]()


@pytest.fixture(scope="session", autouse=True)
def _jupyter_dirs(tmp_path_factory: pytest.TempPathFactory):
    """Keep Jupyter's and IPython's settings, histories and running servers of this session apart."""
    base = tmp_path_factory.mktemp("jupyter")
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
            folder = base / variable.lower()
            folder.mkdir()
            patch.setenv(variable, str(folder))
        yield


@pytest.fixture(autouse=True)
def _own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give the test an empty working folder, a home and a user, whatever the machine's are."""
    monkeypatch.setenv("NBREGISTRY_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("NBREGISTRY_USER", "ana")
    for variable in ("NBREGISTRY_URI", "JUPYTERHUB_USER", "JPY_SESSION_NAME", "CI"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the browser's path; without one a browser test is skipped, in CI it fails."""
    if found := find_browser():
        return found
    missing = f"Chromium is missing: looked for {', '.join(BROWSERS)} on the PATH"
    if IN_CI:
        pytest.fail(f"{missing}; CI must run the browser tests.")
    pytest.skip(f"BROWSER TEST SKIPPED: {missing}")


@pytest.fixture
def figures(pytestconfig: pytest.Config) -> Callable[..., None]:
    """Call it as ``figures("F1 kill -9", rounds=60, lost=0)``: the row is shown at the end of the run."""
    rows = pytestconfig.stash.setdefault(ROWS, [])

    def note(row: str, /, **found: Any) -> None:
        rows.append((row, found))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows = config.stash.get(ROWS, [])
    if not rows:
        return
    terminalreporter.section("figures")
    width = max(len(row) for row, _ in rows)
    for row, found in rows:
        cells = "   ".join(f"{key.replace('_', ' ')} {told(value)}" for key, value in found.items())
        terminalreporter.line(f"{row:<{width}}   {cells}")


def told(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
