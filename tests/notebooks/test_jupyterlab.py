"""What a user of JupyterLab meets, in a browser: the quickstart from first cell to last, TAB, panels in use."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from sklearn.linear_model import LogisticRegression

from nbregistry.registry import Registry
from tests.browsing import Lab, Window, cells, lab_of, open_notebook, run_all, wait_until_run, windows
from tests.display import corpus
from tests.display.hostile import CANARY, hostile_registry

pytest.importorskip("playwright.sync_api")
pytest.importorskip("jupyterlab")

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "01_quickstart.ipynb"
REASON = "better by far, and neither dd nor b nor a is taken for a command of the notebook's"
NO_BREAK = "\N{NO-BREAK SPACE}"

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Run one JupyterLab for all that is looked at here."""
    folder = tmp_path_factory.mktemp("jupyterlab") / "lab"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBREGISTRY_HOME", str(folder.parent / "home"))
        patch.setenv("NBREGISTRY_USER", "ana")
        with lab_of(folder) as server:
            yield server


@pytest.fixture(scope="module")
def opened(chromium: str) -> Iterator[Callable[..., Window]]:
    """Run one browser."""
    with windows(chromium) as found:
        yield found


def write_below(page: Any, text: str) -> Any:
    """Add a cell at the end and write into it; return its text as the page has it."""
    last = page.locator(".jp-Notebook .jp-CodeCell").last
    last.locator(".jp-InputArea-editor").click()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    page.keyboard.type(text)
    return page.locator(".jp-Notebook .jp-mod-active .cm-content")


def offered(page: Any) -> dict[str, str]:
    """Press TAB; return what is offered and what is shown beside each."""
    page.keyboard.press("Tab")
    page.wait_for_selector(".jp-Completer-item")
    read = """items => items.map(item => ['.jp-Completer-match', '.jp-Completer-typeExtended'].map(
        part => item.querySelector(part).innerText))"""
    found = page.locator(".jp-Completer-item").evaluate_all(read)
    return {name: beside.replace(NO_BREAK, " ") for name, beside in found}


def one_line_each(page: Any) -> bool:
    """Whether no text in the list of TAB is broken into lines, which would run over the rows below."""
    read = """items => items.every(item => [...item.querySelectorAll('code')].every(part => {
        const range = document.createRange();
        range.selectNodeContents(part);
        return new Set([...range.getClientRects()].map(line => Math.round(line.top))).size <= 1;
    }))"""
    return bool(page.locator(".jp-Completer-item").evaluate_all(read))


def test_quickstart_runs_in_jupyterlab(lab: Lab, opened: Callable[..., Window]) -> None:
    """Run All Cells runs every cell, shows rich output, TAB tells stage and metric, and nothing outside is asked."""
    shutil.copy(NOTEBOOK, lab.folder)
    window = opened()
    page = window.page
    open_notebook(window, lab, NOTEBOOK.name)
    run_all(page)
    wait_until_run(page, lab.folder / NOTEBOOK.name, seconds=150)
    window.keep("quickstart")
    outputs = [output for cell in cells(lab.folder / NOTEBOOK.name) for output in cell["outputs"]]
    assert [] == [output for output in outputs if output["output_type"] == "error"]
    assert page.locator(".jp-OutputArea .jp-RenderedHTMLCommon table").count() > 0

    line = write_below(page, "%show tumours/")
    found = offered(page)
    window.keep("quickstart-tab")
    assert "production · auc 0.9873" == found["tumours/1"]  # JupyterLab writes what stands beside in small letters
    assert "archived · auc 0.9965" == found["tumours/2"]
    assert "no stage · auc 0.9838" == found["tumours/3"]
    assert one_line_each(page)
    page.keyboard.type("2")
    page.wait_for_function("document.querySelectorAll('.jp-Completer-item').length === 1")
    page.keyboard.press("Enter")
    page.wait_for_selector(".jp-Completer", state="hidden")
    assert "%show tumours/2" == line.inner_text().strip()
    assert [] == window.outside
    assert [] == window.spoken


# -- a panel in use


@pytest.fixture
def registry(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """Return a registry of three versions, the first in production, as another process than the kernel has it."""
    monkeypatch.setenv("NBREGISTRY_HOME", str(lab.folder.parent / "home"))
    monkeypatch.setenv("NBREGISTRY_USER", "ben")
    folder = lab.folder / "churn"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with Registry(folder / ".nbregistry") as found:
        for number in range(1, 4):
            model = LogisticRegression(C=number).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
            found.register(model, "churn", X=[[0.0], [1.0]], metrics={"auc": 0.9 + number / 100}, note=f"try {number}")
        found.promote("churn/1", "Production", because="to begin with")
        yield found


def open_panel(window: Window, lab: Lab, name: str, line: str) -> Any:
    """Write a notebook that opens a panel, run it in JupyterLab, and return the panel."""
    code = [nbformat.v4.new_code_cell(text) for text in ("%load_ext nbregistry", line)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=code, metadata={"kernelspec": kernel}), lab.folder / name)
    open_notebook(window, lab, name, workspace=Path(name).stem)
    run_all(window.page)
    panel = window.page.locator(".nbr-panel").first
    panel.wait_for()
    return panel


def troubles(window: Window) -> list[str]:
    """Return what nobody caught in the page; anywidget gives up after 2 s, which a busy machine takes at times."""
    return [error for error in window.errors if "Failed to initialize model" not in error]


def focused(page: Any) -> str:
    """Return what the focus is on: the text of a button, the label of a control."""
    told: str = page.evaluate("""() => {
        const at = document.activeElement;
        return (at.labels && at.labels.length ? at.labels[0] : at).innerText.trim();
    }""")
    return told


def wait_for_focus(page: Any, what: str) -> None:
    """Wait until the focus is on a button or on a control with that label."""
    page.wait_for_function(
        """what => {
            const at = document.activeElement;
            return (at.labels && at.labels.length ? at.labels[0] : at).innerText.trim() === what;
        }""",
        arg=what,
    )


def tab_to(page: Any, what: str) -> None:
    """Press TAB until the focus is on a button or on a control with that label."""
    for _ in range(12):
        page.keyboard.press("Tab")
        if focused(page) == what:
            return
    raise AssertionError(f"TAB does not lead to {what!r}; last it was on {focused(page)!r}")


def promote(panel: Any, ref: str, because: str) -> None:
    """Give a reason and choose to promote; the box that asks once more is open then."""
    panel.get_by_label("Reason").press_sequentially(because)
    panel.get_by_role("button", name=f"Promote {ref} to Production …").click()
    panel.get_by_role("button", name="Cancel").wait_for()


def test_a_version_is_promoted_with_the_mouse_with_the_keyboard_and_not_in_a_race(
    lab: Lab, opened: Callable[..., Window], registry: Registry
) -> None:
    """A panel promotes what it asked about; where somebody was quicker it says who, and promotes nothing."""
    window = opened()
    page = window.page
    panel = open_panel(window, lab, "churn/promote.ipynb", "%promote churn/2 production --panel")
    promote(panel, "churn/2", "better on the hold-out")
    window.keep("panel-promote-asks")
    panel.get_by_role("button", name="Promote churn/2 to Production", exact=True).click()
    panel.get_by_text("churn/2 is in Production now.").wait_for()
    assert "churn/2" == registry.version("churn/production").ref

    wait_for_focus(page, "Promote another")
    page.keyboard.press("Enter")
    wait_for_focus(page, "Model")
    tab_to(page, "Version")
    page.keyboard.press("3")
    tab_to(page, "Reason")
    page.keyboard.type(REASON)  # faster than any kernel: what is typed last is not to be lost
    panel.get_by_role("button", name="Promote churn/3 to Production …").wait_for()
    tab_to(page, "Promote churn/3 to Production …")
    page.keyboard.press("Enter")
    wait_for_focus(page, "Cancel")
    page.keyboard.press("Shift+Tab")
    assert "Promote churn/3 to Production" == focused(page)
    page.keyboard.press("Enter")
    panel.get_by_text("churn/3 is in Production now.").wait_for()
    last = registry.audit("churn")[-1]
    assert ("ana", REASON) == (last.user, last.reason)
    assert 2 == page.locator(".jp-Notebook .jp-Cell").count()

    panel.get_by_role("button", name="Promote another").click()
    wait_for_focus(page, "Model")
    settle(page)
    panel.get_by_label("Version").select_option(label="1 · in Archived · auc 0.91")
    promote(panel, "churn/1", "as it was")
    registry.promote("churn/2", "Production", because="quicker")
    panel.get_by_role("button", name="Promote churn/1 to Production", exact=True).click()
    told = panel.get_by_role("alert")
    told.wait_for()
    window.keep("panel-promote-race")
    assert "ben" in told.inner_text()
    assert "churn/2" == registry.version("churn/production").ref
    assert ([], [], []) == (window.outside, window.spoken, troubles(window))


def test_a_picture_of_the_panel_is_left_without_a_kernel(
    lab: Lab, opened: Callable[..., Window], registry: Registry
) -> None:
    """Re-opened after its kernel is gone, the notebook shows what the panel showed, and nothing of a broken widget."""
    window = opened()
    page = window.page
    panel = open_panel(window, lab, "churn/picture.ipynb", "%promote churn/3 production --panel")
    promote(panel, "churn/3", "for the picture")
    panel.get_by_role("button", name="Promote churn/3 to Production", exact=True).click()
    panel.get_by_text("churn/3 is in Production now.").wait_for()
    choose_theme(page, "JupyterLab Dark")
    assert [] == faint(panel)
    window.keep("panel-dark")
    assert [] == [one for one in page.locator(".jp-OutputArea .nbr").all() if one.is_visible() and not inside(one)]
    wait_until_run(page, lab.folder / "churn/picture.ipynb")
    stop_kernels(lab)
    page.goto("about:blank")

    open_notebook(window, lab, "churn/picture.ipynb", workspace="later")
    picture = page.locator(".jp-OutputArea .nbr").first
    picture.wait_for()
    window.keep("panel-picture")
    assert "for the picture" in picture.inner_text()
    assert [] == faint(picture)  # the theme that was chosen is kept
    choose_theme(page, "JupyterLab Light")
    assert [] == faint(picture)
    seen = page.locator(".jp-Notebook").inner_text()
    assert "Error displaying widget" not in seen
    assert "Loading widget" not in seen
    assert 0 == page.locator(".nbr-panel").count()
    assert ([], [], []) == (window.outside, window.spoken, troubles(window))


def choose_theme(page: Any, name: str) -> None:
    """Choose a theme in the menu, and wait until the page has it."""
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.locator(".lm-Menu-item", has_text="Theme").first.hover()
    page.get_by_role("menuitem", name=name, exact=True).click()
    page.wait_for_selector(f"body[data-jp-theme-name='{name}']", state="attached")
    page.wait_for_function(CALM)


CALM = """() => document.getAnimations().every(
    one => one.playState !== 'running' || one.effect.getTiming().iterations > 99)"""
CONTRAST = """panel => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const rgba = colour => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
    const ground = element => {
        if (!element) return [255, 255, 255];
        const own = rgba(getComputedStyle(element).backgroundColor);
        return own[3] === 1 ? own.slice(0, 3) : over(own, ground(element.parentElement));
    };
    const light = rgb => rgb.map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const faint = [];
    for (const element of panel.querySelectorAll('*')) {
        const words = [...element.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join('');
        if (!words || !element.checkVisibility() || element.closest(':disabled')) continue;
        const under = ground(element);
        const [a, b] = [light(over(rgba(getComputedStyle(element).color), under)), light(under)];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) faint.push(`${words.slice(0, 40)}: ${ratio.toFixed(1)}`);
    }
    return faint;
}"""


def faint(drawn: Any) -> list[str]:
    """Return the texts whose contrast with what is behind them is below 4.5 to 1, as WCAG 2.2 has it (1.4.3)."""
    found: list[str] = drawn.evaluate(CONTRAST)
    return found


def inside(drawn: Any) -> bool:
    return bool(drawn.evaluate("e => e.closest('.nbr-panel') !== null"))


def stop_kernels(lab: Lab) -> None:
    """End every kernel and session of the server."""
    headers = {"Authorization": f"token {lab.token}"}
    url = f"{lab.address()}/api/sessions"
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:
        sessions = json.load(answer)
    for session in sessions:
        gone = urllib.request.Request(f"{url}/{session['id']}", headers=headers, method="DELETE")
        urllib.request.urlopen(gone, timeout=20).close()


# -- a hostile registry


PREPARED = """
import pandas as pd
from nbregistry import Registry
from sklearn.tree import DecisionTreeClassifier

texts = [note.text for note in Registry().annotations("churn")]
X = pd.DataFrame({text[:60]: [0.0, 1.0] for text in texts})
scores = {text[:60]: 0.5 for text in texts if text.isprintable()}
clf = DecisionTreeClassifier().fit(X, [0, 1])
"""
CELLS = (
    "%load_ext nbregistry",
    PREPARED,
    "%models --panel",
    "%show churn/4 --panel",
    "%compare churn/3 churn/4 churn/5 --panel",
    "%promote churn/3 production --panel",
    "%rollback churn production --panel",
    "%annotate churn/5 --panel",
    "%register churn clf --data X --panel",
    "%serve --panel",
)


def test_hostile_text_does_nothing_in_any_panel(
    lab: Lab, opened: Callable[..., Window], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever users typed into a registry is text in every view of every panel: nothing runs, nothing is fetched."""
    folder = lab.folder / "hostile"
    folder.mkdir()
    monkeypatch.setenv("NBREGISTRY_HOME", str(lab.folder.parent / "home"))
    hostile_registry(folder / ".nbregistry", (*corpus.MARKUP[:7], *corpus.MARKDOWN[:2], corpus.MARKDOWN[3])).close()
    code = [nbformat.v4.new_code_cell(text) for text in CELLS]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=code, metadata={"kernelspec": kernel}), folder / "hostile.ipynb")
    window = opened()
    page = window.page
    page.add_init_script(f"window.ran = []; window.{CANARY} = () => window.ran.push('{CANARY}');")
    open_notebook(window, lab, "hostile/hostile.ipynb", workspace="hostile")
    run_all(page)
    wait_until_run(page, folder / "hostile.ipynb")
    outputs = [output for cell in cells(folder / "hostile.ipynb") for output in cell["outputs"]]
    assert [] == [output for output in outputs if output["output_type"] == "error"]
    panels = page.locator(".jp-OutputArea-output > .nbr-panel, .jp-OutputArea-output > * > .nbr-panel")
    assert len(CELLS) - 2 == panels.count()
    for place in range(panels.count()):
        panel = panels.nth(place)
        panel.scroll_into_view_if_needed()
        views = panel.locator(".nbr-views button")
        for view in range(views.count()):
            views.nth(view).click()
            settle(page)
        window.keep(f"hostile-{place}")
        assert CANARY in panel.inner_text() or "register" in CELLS[place + 2] or "serve" in CELLS[place + 2]
        told = panel.locator(".nbr-strip [role]").all_inner_texts()
        assert [] == [text for text in told if "another version is picked below" not in text]
    assert [] == page.evaluate("window.ran")
    assert ([], []) == (window.outside, window.spoken)


def settle(page: Any) -> None:
    """Wait until the kernel has answered what was pressed."""
    page.wait_for_timeout(150)  # a press is on its way before the kernel is seen to be busy
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]")
