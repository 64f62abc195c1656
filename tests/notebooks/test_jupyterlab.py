"""The quickstart as its reader meets it: opened in JupyterLab, in a browser, run from first cell to last."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest

playwright = pytest.importorskip("playwright.sync_api")
pytest.importorskip("jupyterlab")

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "01_quickstart.ipynb"
QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync"

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


class Lab:
    """A JupyterLab server on a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = secrets.token_hex(16)
        self.log = folder.parent / "lab.log"
        options = {
            "ServerApp.ip": "127.0.0.1", "ServerApp.port": 0, "ServerApp.open_browser": False,
            "ServerApp.root_dir": folder, "ServerApp.allow_root": True, "IdentityProvider.token": self.token,
            "LabApp.news_url": "", "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        }  # fmt: skip
        command = [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)

    def address(self) -> str:
        """Return where it listens, once it answers."""
        runtime = Path(os.environ["JUPYTER_RUNTIME_DIR"])
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            told = runtime / f"jpserver-{self.process.pid}.json"
            if told.is_file() and (text := told.read_text("utf-8")).endswith("}"):
                url = str(json.loads(text)["url"]).rstrip("/")
                try:
                    with urllib.request.urlopen(f"{url}/api?token={self.token}", timeout=5):
                        return url
                except URLError:
                    pass
            time.sleep(0.1)
        raise AssertionError(f"JupyterLab did not start:\n{self.log.read_text('utf-8')[-3000:]}")

    def stop(self) -> None:
        """End the server and its kernels."""
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    folder = tmp_path / "lab"
    folder.mkdir()
    shutil.copy(NOTEBOOK, folder)
    server = Lab(folder)
    yield server
    server.stop()


def cells(file: Path) -> list[dict]:
    return [cell for cell in json.loads(file.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]


def run_all(page) -> None:
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def wait_until_run(page, file: Path, *, seconds: float) -> None:
    """Save until the file on disk shows every code cell executed; begin again where nothing came of it."""
    deadline, again = time.monotonic() + seconds, time.monotonic() + 20
    while time.monotonic() < deadline:
        # Asked at times when the cells are run before the kernel that was started is known to the notebook.
        if (ask := page.locator(".jp-Dialog .jp-mod-accept")).count():
            ask.first.click()
            page.wait_for_timeout(2000)
            again = time.monotonic()
        done = [bool(cell["execution_count"]) for cell in cells(file) if "".join(cell["source"]).strip()]
        if not any(done) and time.monotonic() >= again:
            run_all(page)
            again = time.monotonic() + 20
        page.keyboard.press("Control+s")
        page.wait_for_timeout(1000)
        if all(cell["execution_count"] for cell in cells(file) if "".join(cell["source"]).strip()):
            return
    late = ["".join(cell["source"])[:80] for cell in cells(file) if not cell["execution_count"]]
    page.screenshot(path=file.with_suffix(".late.png"))
    raise AssertionError(f"Not run after {seconds:.0f} s: {late}")


def test_quickstart_runs_in_jupyterlab(lab: Lab, chromium: str, tmp_path: Path) -> None:
    """Run All Cells runs every cell without an error, shows rich output, and asks nothing of the outside."""
    url, outside = lab.address(), []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, headless=True, args=QUIET.split())
        page = browser.new_page(viewport={"width": 1400, "height": 1600})
        page.on("request", lambda r: outside.append(r.url) if r.url.startswith("http") and url not in r.url else None)
        page.goto(f"{url}/lab/workspaces/test/tree/{NOTEBOOK.name}?token={lab.token}")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=60_000)
        page.wait_for_timeout(1500)  # the kernel is idle before the notebook has heard of it
        run_all(page)
        wait_until_run(page, lab.folder / NOTEBOOK.name, seconds=150)
        page.screenshot(path=tmp_path / "quickstart.png")
        rich = page.locator(".jp-OutputArea .jp-RenderedHTMLCommon table").count()
        browser.close()
    outputs = [output for cell in cells(lab.folder / NOTEBOOK.name) for output in cell["outputs"]]
    assert [] == [output for output in outputs if output["output_type"] == "error"]
    assert rich > 0
    assert [] == outside
