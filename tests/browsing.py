"""A JupyterLab of one's own and a browser to look at it: for the tests that see what a user sees.

Screenshots are kept in ``.screenshots/`` of the checkout, which git ignores, so that one can look at the last run.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

SCREENS = Path(__file__).resolve().parent.parent / ".screenshots"
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync "
    "--disable-component-update"
)
PATIENCE = 60_000
"""Milliseconds that a page is waited for: a busy machine takes ten times as long as a quiet one."""


class Lab:
    """A JupyterLab server on a port of its own, in a folder of its own.

    Parameters
    ----------
    folder : Path
        What it serves; its log is written beside it.
    dark : bool
        Whether it begins in the dark theme.
    """

    def __init__(self, folder: Path, *, dark: bool = False, **more: Any) -> None:
        self.folder = folder
        self.token = secrets.token_hex(16)
        self.log = folder.parent / f"{folder.name}.log"
        options = {
            "ServerApp.ip": "127.0.0.1", "ServerApp.port": 0, "ServerApp.open_browser": False,
            "ServerApp.root_dir": folder, "ServerApp.allow_root": True, "IdentityProvider.token": self.token,
            "LabApp.news_url": "", "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
            "LabApp.user_settings_dir": self._settings(dark), **more,
        }  # fmt: skip
        command = [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)

    def _settings(self, dark: bool) -> Path:
        """Write the settings of a user who wants no news and, perhaps, the dark theme."""
        place = self.folder.parent / f"{self.folder.name}-settings" / "@jupyterlab" / "apputils-extension"
        place.mkdir(parents=True)
        (place / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
        theme = "JupyterLab Dark" if dark else "JupyterLab Light"
        (place / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))
        return place.parent.parent

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
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextlib.contextmanager
def lab_of(folder: Path, *, dark: bool = False, **more: Any) -> Iterator[Lab]:
    """Run a JupyterLab for a block."""
    server = Lab(folder, dark=dark, **more)
    try:
        yield server
    finally:
        server.stop()


class Window:
    """A page in a browser, and what it asked of the outside.

    Attributes
    ----------
    page : playwright.sync_api.Page
    outside : list of str
        Addresses beyond this machine that were asked for.
    spoken : list of str
        What dialogs said: a page of ours opens none, so one of them means that text was run as a script.
    errors : list of str
        Exceptions that nobody caught in the page.
    """

    def __init__(self, page: Any) -> None:
        self.page = page
        self.outside: list[str] = []
        self.spoken: list[str] = []
        self.errors: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: self._asked(request.url))
        page.on("dialog", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _asked(self, url: str) -> None:
        if url.startswith(("http:", "https:", "ws:", "wss:")) and "//127.0.0.1:" not in url:
            self.outside.append(url)

    def _said(self, dialog: Any) -> None:
        if dialog.type != "beforeunload":
            self.spoken.append(dialog.message)
        dialog.accept()

    def keep(self, name: str) -> Path:
        """Keep a screenshot."""
        SCREENS.mkdir(exist_ok=True)
        file = SCREENS / f"{name}.png"
        self.page.screenshot(path=file)
        return file


@contextlib.contextmanager
def windows(chromium: str, *, width: int = 1400, height: int = 1600) -> Iterator[Any]:
    """Run a browser for a block; yields a function that opens a window with cookies of its own.

    Its keyword arguments are those of Playwright's ``new_context``: ``color_scheme="dark"``, ``extra_http_headers``.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, headless=True, args=QUIET.split())

        def opened(**more: Any) -> Window:
            context = browser.new_context(viewport={"width": width, "height": height}, **more)
            return Window(context.new_page())

        try:
            yield opened
        finally:
            browser.close()


def cells(file: Path) -> list[dict[str, Any]]:
    """Return the code cells of a notebook on disk that have code."""
    deadline = time.monotonic() + 10
    while not (text := file.read_text("utf-8")).rstrip().endswith("}") and time.monotonic() < deadline:
        time.sleep(0.02)  # it is being saved
    found = json.loads(text)["cells"]
    return [cell for cell in found if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]


def open_notebook(window: Window, lab: Lab, name: str, *, workspace: str = "test") -> None:
    """Open a notebook in JupyterLab and wait until its kernel can be asked."""
    page = window.page
    page.goto(f"{lab.address()}/lab/workspaces/{workspace}/tree/{name}?token={lab.token}")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=PATIENCE)
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=PATIENCE)
    page.wait_for_timeout(1500)  # the kernel is idle before the notebook has heard of it


def run_all(page: Any) -> None:
    """Choose "Run All Cells"."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def wait_until_run(page: Any, file: Path, *, seconds: float = 120) -> None:
    """Save until the file on disk shows every code cell executed; begin again where nothing came of it."""
    deadline, again = time.monotonic() + seconds, time.monotonic() + 20
    while time.monotonic() < deadline:
        # Asked at times when the cells are run before the kernel that was started is known to the notebook.
        if (ask := page.locator(".jp-Dialog .jp-mod-accept")).count():
            ask.first.click()
            page.wait_for_timeout(2000)
            again = time.monotonic()
        if not any(cell["execution_count"] for cell in cells(file)) and time.monotonic() >= again:
            run_all(page)
            again = time.monotonic() + 20
        page.keyboard.press("Control+s")
        page.wait_for_timeout(1000)
        if all(cell["execution_count"] for cell in cells(file)):
            return
    late = ["".join(cell["source"])[:80] for cell in cells(file) if not cell["execution_count"]]
    page.screenshot(path=file.with_suffix(".late.png"))
    raise AssertionError(f"Not run after {seconds:.0f} s: {late}")
