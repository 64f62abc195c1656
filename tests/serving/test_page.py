"""The documentation page: its files, its policy, and how a browser sees it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import nbregistry.serving
from nbregistry.serving.app import Application, application
from nbregistry.serving.options import Options, hash_of
from tests.serving.on_a_socket import running
from tests.serving.stand_ins import FRAME, Offered, Rewarded, StandIn, asked

SITE = Path(nbregistry.serving.__file__).parent / "site"
EVIL = '<img src=x onerror="document.title=1">'


def test_parts_are_sent_under_a_strict_policy() -> None:
    """Nothing from elsewhere, nothing inline, no frame; the types are what they are; no other file is reached."""
    app = application(Offered())
    for path, media in (("/docs", "text/html"), ("/docs/docs.css", "text/css"), ("/docs/docs.js", "text/javascript")):
        told = asked(app, "GET", path)
        assert (200, f"{media}; charset=utf-8") == (told.status, told.headers["content-type"])
        policy = told.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
        assert "nosniff" == told.headers["x-content-type-options"]
    for name in ("page.py", "../app.py", "..", "index.htm", "%2e%2e"):
        assert asked(app, "GET", f"/docs/{name}").status in (400, 404)
    told = asked(app, "GET", "/")
    assert (307, "/docs") == (told.status, told.headers["location"])


def test_the_page_names_nothing_from_elsewhere() -> None:
    """No address of another server, no inline script or style, and no way to turn text into markup."""
    for file in SITE.iterdir():
        text = file.read_text("utf-8")
        assert not re.findall(r"https?://|//cdn|@import|url\(", text), file.name
        assert not re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(", text), file.name
    page = (SITE / "index.html").read_text("utf-8")
    assert not re.findall(r"<style|style=|<script(?! src=)|\son\w+=", page)


@pytest.fixture
def browser(chromium: str):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()


class Hostile(StandIn):
    """One whose every text is markup."""

    def metadata(self) -> dict[str, Any]:
        return {**super().metadata(), "estimator": EVIL, "stage": EVIL, "aliases": [EVIL], "trouble": EVIL}


@pytest.mark.browser
def test_the_page_works_in_a_browser(browser: Any) -> None:
    """It lists models, sends a request, shows the answer, in light and dark, and asks nobody else; text stays text."""
    frames = Hostile("frames", FRAME)
    frames.trouble = EVIL

    def made(port: int) -> Application:
        return application(Offered(frames, Rewarded("numbers")), options=Options(port=port))

    with running(made) as (port, _):
        for scheme in ("light", "dark"):
            page = browser.new_page(color_scheme=scheme)
            faults: list[str] = []
            asked_for: list[str] = []
            page.on("pageerror", lambda fault, faults=faults: faults.append(str(fault)))
            page.on("console", lambda m, faults=faults: faults.append(m.text) if m.type == "error" else None)
            page.on("request", lambda request, asked_for=asked_for: asked_for.append(request.url))
            page.goto(f"http://127.0.0.1:{port}/docs")
            page.click("button.main")
            page.wait_for_selector(".badge.good >> text=200")
            assert "predictions" in page.inner_text(".answer")
            page.select_option("select[aria-label=Protocol]", label="Open Inference v2")
            page.click("button.main")
            # By a selector: a function given as text is evaluated in the page, whose policy forbids just that.
            page.wait_for_selector(".answer:has-text('model_name')")
            assert EVIL in page.inner_text("main")
            assert 0 == page.locator("main img").count()
            page.click("nav >> text=Operations")
            page.wait_for_selector("main >> text=/metrics")
            assert ([], []) == (
                faults,
                [u for u in asked_for if not u.startswith((f"http://127.0.0.1:{port}/", "data:"))],
            )
            page.close()


@pytest.mark.browser
def test_the_page_asks_for_a_token(browser: Any) -> None:
    """Where tokens are needed the page says so, and works once one is typed in, which it keeps nowhere."""
    options = {hash_of("t" * 32): frozenset({"predict"})}
    with running(lambda port: application(Offered(), options=Options(port=port, tokens=options))) as (port, _):
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/docs")
        page.wait_for_selector("main >> text=token")
        page.fill("#token", "t" * 32)
        page.press("#token", "Enter")
        page.click("button.main")
        page.wait_for_selector(".badge.good >> text=200")
        assert 0 == page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length")
        page.close()
