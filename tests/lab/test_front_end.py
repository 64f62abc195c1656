"""The sidebar in JupyterLab as somebody meets it: models, live changes, a card, a line in the notebook, the browser."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from nbregistry.registry import Registry
from tests.browsing import Lab, Window, lab_of, windows

pytest.importorskip("playwright.sync_api")
pytest.importorskip("jupyterlab")

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
BUILT = Path(sys.prefix, "share", "jupyter", "labextensions", "nbregistry-labext", "package.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a notebook and a registry."""
    place = tmp_path / "project"
    place.mkdir()
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("1 + 1")],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, place / "work.ipynb")
    registry = Registry(place / ".nbregistry")
    model = functools.partial(pow, 2)
    for number in (1, 2, 3):
        registry.register(model, "churn", metrics={"auc": 0.9 + number / 100}, note=f"try {number} {HOSTILE}")
    registry.register(model, "ltv", metrics={HOSTILE: 1.5}, tags={"team": HOSTILE})
    registry.describe("ltv", HOSTILE)
    registry.alias("churn/3", "champion")
    registry.promote("churn/1", "Production", because="the first")
    registry.close()
    return place


@pytest.fixture
def lab(folder: Path) -> Iterator[Lab]:
    if not BUILT.is_file():
        pytest.skip("BROWSER TEST SKIPPED: the JupyterLab front end is not installed, since Node.js was missing")
    with lab_of(folder) as server:
        yield server


def opened(window: Window, lab: Lab) -> Any:
    """Open the notebook, and the sidebar beside it."""
    page = window.page
    page.goto(f"{lab.address()}/lab/workspaces/test/tree/work.ipynb?token={lab.token}")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.locator('.jp-SideBar [data-id="nbregistry-sidebar"]').click()
    page.wait_for_selector(".nbr-lab-row")
    return page


def sources(page: Any) -> list[str]:
    """Return what stands in the cells of the notebook."""
    found: list[str] = page.locator(".jp-Notebook .jp-CodeCell .cm-content").all_inner_texts()
    return found


def test_sidebar_card_insert_and_browser(lab: Lab, folder: Path, chromium: str) -> None:
    """Models are shown and kept up to date; keys lead to a card; a line is inserted, not run; no script of others."""
    with windows(chromium, height=1000) as open_window:
        window = open_window()
        page = opened(window, lab)
        churn, ltv = (page.locator(".nbr-lab-model", has_text=name) for name in ("churn", "ltv"))
        assert ["churn", "auc 0.93", "Production 1", "@champion 3", "3 versions"] == [
            " ".join(churn.locator(at).inner_text().split())
            for at in (".nbr-lab-name", ".nbr-lab-metric", ".nbr-lab-good", ".nbr-lab-alias", ".nbr-lab-rest")
        ]
        assert HOSTILE in ltv.locator(".nbr-lab-metric").get_attribute("title")

        with Registry(folder / ".nbregistry", user="ben") as elsewhere:
            elsewhere.promote("churn/2", "Production", because="better", expect="churn/1")
        churn.locator(".nbr-lab-good", has_text="Production 2").wait_for()

        page.locator(".nbr-lab-search").fill("chu")
        ltv.wait_for(state="detached")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
        page.locator(".nbr-lab-version").nth(2).wait_for()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        frame = page.locator('iframe[title="Card of churn/3"]')
        card = page.frame_locator('iframe[title="Card of churn/3"]')
        card.locator(".nbr-title", has_text="churn/3").wait_for()
        assert "allow-scripts" not in frame.get_attribute("sandbox")
        assert HOSTILE in card.locator("body").inner_text()
        window.keep("lab-card")

        before = sources(page)
        page.locator(".nbr-lab-toolbar").get_by_text("Insert %load_model churn/3").click()
        page.wait_for_function("document.body.innerText.includes('%load_model churn/3')")
        page.locator(".jp-Notebook .jp-CodeCell").nth(1).wait_for()
        assert [*before, "%load_ext nbregistry\n%load_model churn/3"] == sources(page)
        assert ["[ ]:", "[ ]:"] == page.locator(".jp-Notebook .jp-InputPrompt").all_inner_texts()

        page.locator(".nbr-lab-version").nth(1).click(button="right")
        page.get_by_text("Open Registry Browser").click()
        pages = page.frame_locator('iframe[title="Registry browser"]')
        pages.locator(".nbr-title", has_text="churn/2").wait_for()
        pages.get_by_role("link", name="Model registry").click()
        pages.get_by_role("link", name="Models", exact=True).click()
        pages.get_by_role("link", name="ltv", exact=True).click()
        pages.get_by_text(HOSTILE).first.wait_for()

        page.locator(".nbr-lab-search").fill("metrics.auc >= 0.92 AND stage = 'Production'")
        page.locator(".nbr-lab-version .nbr-lab-name", has_text="churn/2").wait_for()
        assert 1 == page.locator(".nbr-lab-row").count()
        window.keep("lab-sidebar")
        assert ([], [], []) == (window.outside, window.spoken, window.errors)
