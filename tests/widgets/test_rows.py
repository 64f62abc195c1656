"""The table of the panels: what it tells the browser, what it takes from it, and what a browser makes of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nbregistry.display import as_html, as_text
from nbregistry.display.blocks import Column, Look, Span, Spark, View, When
from nbregistry.errors import InvalidInput
from nbregistry.widgets.rows import Number, Row, Rows
from tests.browsing import windows
from tests.display.corpus import CANARY, EVERYTHING
from tests.widgets.conftest import send

STATIC = Path("nbregistry/widgets/static")
COLUMNS = (Column("Model"), Column("Stage"), Column("Metric", right=True), Column("Changed"), Column("Note", wide=True))
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def rows(count: int, *, note: str = "") -> list[Row]:
    """Return rows of models that were changed one hour apart; the metric falls and rises in turn."""
    return [
        Row(
            f"m-{i}",
            (
                (Span(f"m-{i}", Look.CODE),),
                (Span("Production", Look.BADGE_GOOD),) if i % 3 == 0 else (),
                (Number(0.5 + (i * 7919 % 1000) / 2500), Spark((0.1, None, 0.4, 0.2), told="4 versions")),
                (When(NOON - timedelta(hours=i)),),
                (Span(note or f"try {i}"),),
            ),
        )
        for i in range(count)
    ]


def told(table: Rows) -> dict[str, Any]:
    """Return what the browser is told."""
    found: dict[str, Any] = json.loads(table.table)
    return found


def test_cells_are_data() -> None:
    """Each part of a cell says what it is; numbers of a column are written with the same decimals, exact on hover."""
    cells = [((Number(0.5), Spark((1, 2))), (Number(2), Span("best", Look.BADGE_GOOD))), ((Number(0.4812345),), ())]
    table = Rows(
        [Column("auc", right=True), Column("n")],
        [Row(str(key), found) for key, found in enumerate(cells)],
        label="Versions",
    )
    assert [["auc", True, False], ["n", False, False]] == told(table)["columns"]
    assert [
        ["0", [[["n", "0.5000", 0.5, "0.5"], ["p", [0.0, 1.0], False, ""]],
               [["n", "2", 2.0, ""], ["s", "best", "badge-good", ""]]]],
        ["1", [[["n", "0.4812", 0.4812345, "0.4812345"]], []]],
    ] == told(table)["rows"]  # fmt: skip


def test_numbers_that_json_has_not() -> None:
    """Infinities are sorted where they belong, and what has no value is a gap."""
    values = (float("inf"), float("-inf"), float("nan"), None, 10**400)
    table = Rows([Column("x")], [Row(str(i), ((Number(v),),)) for i, v in enumerate(values)], label="Rows")
    found = [cells[0][0][1:3] for _, cells in told(table)["rows"]]
    most = 1.7976931348623157e308
    assert [["∞", most], ["-∞", -most], ["nan", None], ["—", None]] == found[:4]
    assert found[4][1] is None


def test_selecting() -> None:
    """A selection from the browser is observed; unknown keys are dropped, one row is the most unless told."""
    table = Rows(COLUMNS, rows(5), label="Models")
    seen: list[tuple[str, ...]] = []
    table.observe(lambda change: seen.append(change["new"]), "selected")
    send(table, selected=["m-3"])
    send(table, selected=["m-1", "m-4", "nobody", 7])
    assert [("m-3",), ("m-4",)] == seen
    several = Rows(COLUMNS, rows(5), label="Models", multiple=True)
    send(several, selected=["m-4", "m-1", "m-4", "nobody"])
    assert ("m-4", "m-1") == several.selected
    several.select()
    assert not several.selected


def test_replacing_rows() -> None:
    """Other rows take the place of those before; what was selected and is still there stays selected."""
    table = Rows(COLUMNS, rows(5), label="Models", multiple=True)
    table.select("m-4", "m-1")
    table.replace(rows(3))
    assert ("m-1",) == table.selected
    assert ["m-0", "m-1", "m-2"] == [key for key, _ in told(table)["rows"]]
    table.replace([Row("a", ((Span("x"),),))], [Column("Only")])
    assert [["Only", False, False]] == told(table)["columns"]


def test_rows_that_cannot_be_meant() -> None:
    """Keys that differ and a cell for each column are asked for."""
    with pytest.raises(InvalidInput, match="same key"):
        Rows(COLUMNS, [*rows(1), *rows(1)], label="Models")
    with pytest.raises(InvalidInput, match="1 cells under 5 columns"):
        Rows(COLUMNS, [Row("a", ((),))], label="Models")


def test_hostile_text_is_visible_text() -> None:
    """Whatever was typed is told as visible text, and nothing of it as a title."""
    for text in EVERYTHING:
        made = [Row("a", ((Span(text, Look.CODE, title=text), Spark((1, 2), told=text)),))]
        table = Rows([Column(text)], made, label=text, empty=text)
        found = told(table)
        assert "" == found["rows"][0][1][0][0][3] == found["rows"][0][1][0][1][3]
        seen = found["label"] + found["columns"][0][0] + found["rows"][0][1][0][0][1]
        assert CANARY[:3] in seen
        assert not any(char < " " or char in "\x7f\x85\u202e\u2066\u200b" for char in seen)


def test_a_picture_of_the_table() -> None:
    """What is left of it without a kernel is a table of ours, with small pictures and what is beyond it counted."""
    found = Rows(COLUMNS, rows(3), label="models").blocks(2)
    assert "1 more models are not in this picture." == found.more
    assert "m-1" in as_text.render(View((found,)), 120)
    assert "<polyline" in as_html.render(View((found,)), NOON)


PAGE = """
async ([module, css, state, dark]) => {
  document.body.style = dark ? "background: #111; color: #eee" : "";
  document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
  const heard = {};
  window.model = {
    get: (name) => state[name],
    set: (name, value) => { state[name] = value; },
    save_changes: () => { window.saved = (window.saved || 0) + 1; },
    on: (name, call) => { (heard[name] ||= []).push(call); },
    off: (name, call) => { heard[name] = (heard[name] || []).filter((other) => other !== call); },
    change: (name, value) => { state[name] = value; for (const call of heard[`change:${name}`] || []) call(); },
    left: () => Object.values(heard).flat().length,
  };
  const url = URL.createObjectURL(new Blob([module], { type: "text/javascript" }));
  const { default: widget } = await import(url);
  const el = document.body.appendChild(document.createElement("div"));
  const begin = performance.now();
  window.close = widget.render({ model: window.model, el });
  el.getBoundingClientRect();
  return performance.now() - begin;
}
"""
"""What stands in for a front end: a page without anything, and a model that holds the state."""


def drawn(page: Any, table: Rows, *, dark: bool = False) -> float:
    """Draw a table on a page of its own; return the milliseconds that it took."""
    page.goto("about:blank")
    state = {"table": table.table, "selected": list(table.selected)}
    files = [(STATIC / name).read_text("utf-8") for name in ("rows.js", "rows.css")]
    return float(page.evaluate(PAGE, [*files, state, dark]))


def first(page: Any, column: int = 0) -> list[str]:
    """Return the text of a column's cells."""
    found: list[str] = page.locator(f"tbody td:nth-child({column + 1})").all_inner_texts()
    return found


@pytest.mark.browser
def test_in_a_browser(chromium: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Search, sorting, pages, keyboard and selection work; text stays text; a thousand rows are drawn in no time."""
    monkeypatch.chdir(Path(__file__).resolve().parents[2])
    with windows(chromium, width=900, height=1000) as opened:
        window = opened()
        page = window.page
        took = min(drawn(page, Rows(COLUMNS, rows(1000), label="Models")) for _ in range(5))
        assert took < 100
        # JupyterLab listens to keys before anybody in the page does; this keeps it off.
        assert page.get_by_role("grid").get_attribute("data-lm-suppress-shortcuts")
        assert 25 == page.locator("tbody tr").count()
        assert "1001" == page.get_by_role("grid", name="Models").get_attribute("aria-rowcount")
        _pages(page)
        _sorting(page)
        _searching(page)
        _keyboard(page)
        page.evaluate("close()")
        assert 0 == page.evaluate("model.left()")
        _hostile(page)
        drawn(page, Rows(COLUMNS, rows(40), label="Models", multiple=True), dark=True)
        page.locator("tbody tr").nth(2).click()
        page.locator("tbody tr").nth(4).click()
        assert ["m-2", "m-4"] == page.evaluate("model.get('selected')")
        page.locator("tbody tr").nth(2).click()
        assert ["m-4"] == page.evaluate("model.get('selected')")
        window.keep("rows-dark")
        assert [[], [], []] == [window.errors, window.spoken, window.outside]


def _pages(page: Any) -> None:
    """Turn pages: there and back, not beyond either end."""
    assert page.get_by_text("1 to 25 of 1,000").is_visible()
    assert page.get_by_role("button", name="Previous").is_disabled()
    page.get_by_role("button", name="Next").click()
    assert "m-25" == first(page)[0]
    page.get_by_role("button", name="Previous").click()
    assert "m-0" == first(page)[0]


def _sorting(page: Any) -> None:
    """Sort by number (the highest first), by name as people count, and back to how it was."""
    page.get_by_role("button", name="Metric").click()
    values = [float(text) for text in first(page, 2)]
    assert sorted(values, reverse=True) == values
    assert 0.8996 == max(values)
    assert "descending" == page.get_by_role("columnheader", name="Metric").get_attribute("aria-sort")
    page.get_by_role("button", name="Model").click()
    assert ["m-0", "m-1", "m-2"] == first(page)[:3]
    page.get_by_role("button", name="Model").click()
    assert ["m-999", "m-998", "m-997"] == first(page)[:3]
    page.get_by_role("button", name="Stage").click()
    assert "Production" == first(page, 1)[0]
    for _ in range(2):
        page.get_by_role("button", name="Stage").click()
    assert ["m-0", "m-1", "m-2"] == first(page)[:3]
    assert "none" == page.get_by_role("columnheader", name="Stage").get_attribute("aria-sort")


def _searching(page: Any) -> None:
    """All words are looked for over all columns, and what was found is counted."""
    box = page.get_by_label("Search models")
    box.fill("PRODUCTION m-99")
    assert ["m-99", "m-990", "m-993", "m-996", "m-999"] == first(page)
    assert "5 of 1,000" == page.get_by_role("status").inner_text()
    box.fill("nothing like it")
    assert page.get_by_text("Nothing matches this search.").is_visible()
    box.fill("")
    assert "1,000 in all" == page.get_by_role("status").inner_text()


def _keyboard(page: Any) -> None:
    """Tab reaches one row, arrows move on over the end of the page, Enter and the space bar select."""
    held = "document.activeElement.cells[0].innerText"
    page.get_by_role("button", name="Note").focus()
    page.keyboard.press("Tab")
    assert "m-0" == page.evaluate(held)
    for _ in range(25):
        page.keyboard.press("ArrowDown")
    assert "m-25" == page.evaluate(held)
    page.keyboard.press("Enter")
    assert ["m-25"] == page.evaluate("model.get('selected')")
    assert "true" == page.locator("tbody tr").nth(0).get_attribute("aria-selected")
    page.keyboard.press("ArrowUp")
    page.keyboard.press(" ")
    assert ["m-24"] == page.evaluate("model.get('selected')")
    page.keyboard.press("End")
    assert "m-999" == page.evaluate(held)
    page.keyboard.press("Home")
    assert "m-0" == page.evaluate(held)
    page.evaluate("model.change('selected', ['m-7'])")
    assert "m-7" == page.locator("tr[aria-selected=true] td").first.inner_text()


def _hostile(page: Any) -> None:
    """Every hostile text, in every place that takes one, becomes text and nothing else."""
    made = [
        Row(f"{i} {text}", tuple((Span(text, Look.BADGE_BAD, title=text),) for _ in COLUMNS))
        for i, text in enumerate(EVERYTHING)
    ]
    table = Rows([Column(text) for text in EVERYTHING[: len(COLUMNS)]], made, label=EVERYTHING[0], page=len(made))
    drawn(page, table)
    allowed = {"DIV", "LABEL", "SPAN", "INPUT", "TABLE", "THEAD", "TBODY", "TR", "TH", "TD", "BUTTON", "BDI"}
    found = page.evaluate("[...document.querySelectorAll('body *')].map((e) => e.tagName)")
    assert allowed >= set(found)
    assert len(made) == sum("can" in text for text in first(page))
    assert page.evaluate("[...document.querySelectorAll('body *')].every((e) => [...e.attributes].every("
                         f"(a) => !a.value.includes('{CANARY}') || a.name === 'aria-label'))")  # fmt: skip
