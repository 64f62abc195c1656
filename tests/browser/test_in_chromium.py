"""The registry browser as people see it, in a browser: as a reader, as an approver, and when pages come and go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nbregistry import Registry
from tests.browser.serving_pages import Pages, browsing, proxied, stocked
from tests.browsing import SCREENS, Window, windows

pytestmark = pytest.mark.browser
ALIVE = "[data-alive=yes]"
POOL = 1


@pytest.fixture(scope="module")
def opened_windows(chromium: str) -> Iterator[Any]:
    """A browser for the module."""
    with windows(chromium, width=1280, height=1000) as open_window:
        yield open_window


@contextmanager
def quiet(window: Window) -> Iterator[Any]:
    """Yield a window's page; afterwards nothing has left this machine, spoken or failed."""
    yield window.page
    assert ([], [], []) == (window.outside, window.spoken, window.errors)
    window.page.context.close()


def test_a_reader_finds_the_way(opened: Pages, opened_windows: Any) -> None:
    """List, model, version, comparison and audit follow each other without a reload, by links that can be shared."""
    window = opened_windows(color_scheme="dark")
    with quiet(window) as page:
        page.goto(opened.address)
        page.wait_for_selector(ALIVE)
        page.evaluate("window.same = true")
        window.keep("browser-list-dark")
        page.click("main a:has-text('churn')")
        page.wait_for_selector("text=has been in Production since")
        window.keep("browser-model-dark")
        page.click("main a:has-text('churn/3')")
        page.wait_for_selector("nav a:has-text('Compare')")
        page.wait_for_selector("text=try 3")
        window.keep("browser-version-dark")
        page.click("nav a:has-text('Compare')")
        page.wait_for_selector("text=Compare with")
        window.keep("browser-compare-dark")
        page.click("nav a:has-text('Audit')")
        page.wait_for_selector("td:has-text('ready for a decision')")
        assert page.url == f"{opened.address}?model=churn&version=3&view=audit"
        window.keep("browser-audit-dark")
        page.go_back()
        page.wait_for_selector("text=Compare with")
        page.fill("#nbr-q", "metrics.auc > 0.925")
        page.press("#nbr-q", "Enter")
        page.wait_for_selector("main :text('churn/3')")
        assert page.url.endswith("?q=metrics.auc+%3E+0.925")
        assert page.evaluate("window.same") is True
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        assert 0 == page.locator("button:has-text('Approve'), textarea, a:has-text('Decide')").count()


def test_a_shared_link_in_either_theme(opened: Pages, opened_windows: Any) -> None:
    """A link opens what it names in the theme it names, painted before any widget lives; a token is never in it."""
    window = opened_windows(color_scheme="dark")
    with quiet(window) as page:
        page.goto(f"{opened.address}?model=churn&theme=light", wait_until="commit")
        page.wait_for_selector("text=has been in Production since")
        assert "light" == page.evaluate("document.documentElement.dataset.theme")
        page.wait_for_selector(ALIVE)
        page.click("nav a:has-text('Notes')")
        page.wait_for_url("**view=notes&theme=light")
        page.click("[data-nbr=theme]")
        assert page.url.endswith("theme=dark")
        window.keep("browser-notes-turned-dark")


def test_an_approver_decides(proxy: Pages, opened_windows: Any) -> None:
    """What waits is found in the inbox, approved with a reason, and the audit says who did it."""
    window = opened_windows(extra_http_headers=proxied("Bo Li"))
    with quiet(window) as page:
        page.goto(f"{proxy.address}?view=inbox")
        page.wait_for_selector(ALIVE)
        window.keep("browser-inbox")
        page.click("a:has-text('Decide')")
        page.wait_for_selector("button:has-text('Approve')")
        page.fill("textarea", "better on the holdout")
        window.keep("browser-decide")
        page.click("button:has-text('Approve')")
        page.wait_for_selector(".nbr-confirm button:has-text('Cancel'):focus")
        window.keep("browser-decide-confirm")
        page.keyboard.press("Escape")
        page.wait_for_selector(".nbr-confirm", state="hidden")
        page.click("button:has-text('Approve')")
        page.dblclick(".nbr-confirm button:has-text('Approve')")
        page.wait_for_selector("text=is in Production now")
        window.keep("browser-decided")
        page.click("nav a:has-text('Audit')")
        page.wait_for_selector("td:has-text('better on the holdout')")
        window.keep("browser-audit")
    with Registry(proxy.store, read_only=True) as registry:
        done = [(event.user, event.action) for event in registry.audit("churn/3")]
        assert [("Bo Li", "promote"), ("Bo Li", "annotate")] == done[-2:]
        assert "churn/3" == registry.version("churn/production").ref


def come_and_go(pages: Pages, open_window: Any, rounds: int) -> None:
    """Open and close pages in every way people do."""
    for turn in range(rounds):
        window = open_window()
        page = window.page
        way = turn % 4
        page.goto(pages.address, wait_until="commit" if way == 0 else "load")
        if way in (1, 2):
            page.wait_for_selector(ALIVE)
        if way == 2:
            page.reload()
            page.wait_for_selector(ALIVE)
        if way == 3:
            page.goto("about:blank")
        page.close(run_before_unload=way == 1)
        window.page.context.close()


def test_pages_leave_no_kernels(opened: Pages, opened_windows: Any) -> None:
    """However pages come and go, soon no more kernels live than the pool has."""
    come_and_go(opened, opened_windows, 4)
    opened.settled(POOL)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_fifty_rounds_leave_no_kernels(tmp_path: Path, chromium: str) -> None:
    """Fifty rounds of coming and going leave at most the pool, and the server no larger than it was."""
    import psutil

    with browsing(stocked(tmp_path), tmp_path, "--visitors", "60") as pages, windows(chromium) as open_window:
        come_and_go(pages, open_window, 8)
        pages.settled(POOL)
        server = psutil.Process(pages.process.pid)
        before, began = server.memory_info().rss, time.monotonic()
        come_and_go(pages, open_window, 50)
        took, most = time.monotonic() - began, len(pages.kernels())
        pages.settled(POOL)
        after = server.memory_info().rss
        told = (
            f"50 rounds in {took:.0f} s; {most} kernels at the end, {POOL} when settled; server {before >> 20} to"
            f" {after >> 20} MiB, {server.num_fds()} files"
        )
        (SCREENS / "browser-fifty-rounds.txt").write_text(told)
        assert after - before < 60 * 2**20, told


def test_a_page_whose_kernel_is_gone(opened: Pages, opened_windows: Any) -> None:
    """It stays readable, and its links go on with a new one."""
    window = opened_windows()
    with quiet(window) as page:
        page.goto(f"{opened.address}?model=churn")
        page.wait_for_selector(ALIVE)
        kernel = "JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"
        page.evaluate(f"fetch('/voila/api/shutdown/' + {kernel}, {{method: 'POST'}})")
        opened.settled(POOL)
        assert page.is_visible("text=has been in Production since")
        window.keep("browser-without-kernel")
        page.wait_for_selector(".nbr-rests:has-text('This page has rested.')")
        page.click("main a:has-text('churn/1')")
        page.wait_for_selector("text=try 1")
        assert page.url == f"{opened.address}?model=churn&version=1"


def test_what_was_typed_outlives_the_kernel(proxy: Pages, opened_windows: Any) -> None:
    """A page whose kernel has gone says so, lets nothing be pressed, keeps what was typed, and opens again."""
    window = opened_windows(extra_http_headers=proxied("ana"))
    with quiet(window) as page:
        page.goto(f"{proxy.address}?model=churn&version=3&view=notes")
        page.fill(".nbr-panel textarea", "better on the holdout")
        page.wait_for_selector(ALIVE)
        assert 0 == page.locator(".nbr-rests").count()
        kernel = "JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"
        page.evaluate(f"fetch('/voila/api/shutdown/' + {kernel}, {{method: 'POST'}})")
        page.wait_for_selector(".nbr-rests:has-text('What you typed can still be copied.')")
        window.keep("browser-rests")
        assert 0 == page.locator(".nbr-panel button:enabled").count()
        assert "better on the holdout" == page.input_value(".nbr-panel textarea")
        page.focus(".nbr-panel textarea")
        page.keyboard.press("Control+A")
        assert "better on the holdout" == page.evaluate("getSelection().toString()")
        page.click(".nbr-rests a")
        page.wait_for_selector(".nbr-rests", state="detached")
        page.wait_for_selector(".nbr-panel button:enabled")
