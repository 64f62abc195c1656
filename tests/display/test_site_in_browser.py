"""The exported page in a browser: from a file, with and without its script, light, dark and printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nbregistry import Registry
from nbregistry.display import site
from nbregistry.display.site_contents import Wish
from tests.browsing import PATIENCE, QUIET, SCREENS
from tests.display import corpus
from tests.display.hostile import hostile_registry

pytestmark = pytest.mark.browser


@pytest.fixture
def browser(chromium: str) -> Iterator[Any]:
    """A browser that was just started."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        made = started.chromium.launch(executable_path=chromium, args=QUIET.split())
        yield made
        made.close()


def watched(browser: Any, **options: Any) -> tuple[Any, list[str]]:
    """Return a page, and what it did that it should not: messages, questions, requests beyond the file."""
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(PATIENCE)
    seen: list[str] = []

    def asked(dialog: Any) -> None:
        seen.append(dialog.message)
        dialog.dismiss()

    page.on("console", lambda message: seen.append(message.text))
    page.on("dialog", asked)
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("request", lambda request: seen.extend([request.url][: not request.url.startswith("file:")]))
    return page, seen


def shown(page: Any) -> list[str]:
    """Return which parts of the page are seen."""
    return list(page.locator("main > section").evaluate_all("all => all.filter(x => x.offsetParent).map(x => x.id)"))


def test_the_page_in_a_browser(browser: Any, tmp_path: Path) -> None:
    """One part at a time with the script, everything without; hostile text does nothing."""
    target = tmp_path / "page.html"
    with hostile_registry(tmp_path / "store", corpus.MARKUP) as registry:
        for number in range(9):
            registry.register(print, f"model-{number}")
        site.export(registry, target, Wish(title="Models of a bank"))
    page, seen = watched(browser, color_scheme="dark", viewport={"width": 1280, "height": 900})
    page.goto(target.as_uri())
    assert ["production"] == shown(page)
    assert "rgb(20, 23, 28)" == page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("link", name="churn", exact=False).first.click()
    page.wait_for_url("**#*churn*")
    assert ["m-churn"] == shown(page)
    page.goto(f"{target.as_uri()}#v-churn-13")
    assert ["m-churn"] == shown(page)
    field = page.get_by_label("Find a model")
    field.fill("MODEL-3")
    assert 1 == page.locator(".site-list a:visible").count()
    SCREENS.mkdir(exist_ok=True)
    page.screenshot(path=str(SCREENS / "site-model-dark.png"))
    page.get_by_role("button", name="All on one page").click()
    assert page.locator("main > section").count() == len(shown(page)) > 10
    assert [] == seen

    plain, seen = watched(browser, java_script_enabled=False, viewport={"width": 1280, "height": 900})
    plain.goto(target.as_uri())
    assert plain.locator("main > section:visible").count() == plain.locator("main > section").count() > 10
    assert 0 == plain.locator("input").count()
    plain.screenshot(path=str(SCREENS / "site-production-light.png"))
    assert [] == seen


def test_the_page_printed(browser: Any, tmp_path: Path) -> None:
    """Dark on the screen, it is dark on white on paper, without what is only to be clicked, and nothing is cut off."""
    with Registry(tmp_path / "store") as registry:
        registry.register(print, "churn", metrics={"auc": 0.93}, stage="Production")
        registry.promote("churn/1", "Staging", because="a reason of some length " * 8)
        site.export(registry, tmp_path / "page.html", Wish())
    page, seen = watched(browser, color_scheme="dark", viewport={"width": 700, "height": 900})
    page.goto((tmp_path / "page.html").as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    assert ("rgb(255, 255, 255)", "rgb(17, 17, 17)") == tuple(
        page.evaluate(f"getComputedStyle(document.body).{name}") for name in ("backgroundColor", "color")
    )
    assert not page.locator(".site-side").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.pdf(path=str(tmp_path / "page.pdf")).startswith(b"%PDF")
    assert [] == seen
