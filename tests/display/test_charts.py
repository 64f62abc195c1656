"""Charts, grouped bars and tiles: true to their numbers, readable without eyes or colours, and safe."""

from __future__ import annotations

import math
import re

import pytest

from nbregistry.display import as_html, as_markdown, as_text, charts, plotted
from nbregistry.display.blocks import (
    Axis,
    Bar,
    Block,
    Chart,
    Group,
    GroupedBars,
    Look,
    Mark,
    Series,
    Span,
    Spark,
    Tile,
    Tiles,
    View,
)
from nbregistry.display.style import SHEET
from tests.display import corpus
from tests.display.hostile import faults
from tests.display.samples import NOW
from tests.display.seen import Seen


def curve(name: str = "churn/1", **more: object) -> Series:
    return Series(name, (0.0, 0.25, 0.5, 1.0), (0.0, 0.5, 0.75, 1.0), **more)  # type: ignore[arg-type]  # what a test gives


def chart(*series: Series, title: str = "ROC") -> Chart:
    return Chart(
        title, series or (curve(note="AUC 0.7"),), Axis("False", 0.0, 1.0), Axis("True", 0.0, 1.0), square=True
    )


def drawn(block: Block) -> str:
    return as_html.render(View((block,)), NOW)


def bars(name: str = "auc") -> GroupedBars:
    first = Bar(0.5, "0.50")
    return GroupedBars((name, "b"), (Group(name, (first, Bar(1.0, "1.00", (Span("better", Look.GOOD),)))),), more=name)


@pytest.mark.parametrize("text", corpus.EVERYTHING)
def test_hostile_text_is_a_label_and_nothing_else(text: str) -> None:
    """Names, titles, axes and notes are escaped text in every drawing."""
    block = Chart(text, (curve(text, note=text), curve(mark=Mark.POINTS)), Axis(text), Axis(text), note=(Span(text),))
    view = View((block, bars(text), Tiles((Tile(text, (Span(text),)),))))
    html = as_html.render(view, NOW)
    seen = Seen(html)
    assert [] == faults(html)
    assert [] == seen.faults
    assert seen.text.count(corpus.CANARY) >= 12
    assert "\x1b" not in as_text.render(view, 100)
    assert "<" not in as_markdown.render(view)


def test_points_stand_where_their_numbers_say() -> None:
    """A line runs through its points, scaled to the plane; nothing lies outside of it."""
    svg = charts.svg(chart(), str)
    path = re.search(r'<g class="nbr-first"><path d="M([^"]+)"', svg)
    assert path is not None
    points = [tuple(map(float, point.split())) for point in path[1].split("L")]
    (left, bottom), *_, (right, top) = points
    assert pytest.approx((left + (right - left) * 0.25, bottom + (top - bottom) * 0.5), abs=0.1) == points[1]
    assert 320 == pytest.approx(right - left) == pytest.approx(bottom - top)


def test_a_chart_is_read_without_eyes() -> None:
    """A drawing has a title and a description, and a table with its numbers folded below."""
    html = drawn(chart(curve(note="AUC 0.7"), Series("by chance", (0.0, 1.0), (0.0, 1.0), mark=Mark.GUIDE)))
    assert 'role="img"><title' not in html
    assert "<title>ROC</title><desc>True by False: churn/1, by chance</desc>" in html
    assert "<details><summary>The numbers</summary>" in html
    for text in (Seen(html).text, as_markdown.render(View((chart(),))), as_text.render(View((chart(),)), 100)):
        assert "0.75" in text
        assert "churn/1 (AUC 0.7)" in text


def test_series_differ_without_colour() -> None:
    """Each of five series has a mark of its own, and all but the first a dash of its own."""
    svg = charts.svg(chart(*(curve(f"churn/{n}") for n in range(5))), str)
    assert 5 == len(set(re.findall(r'class="nbr-(first|second|third|fourth|fifth)"', svg)))
    assert 4 == len(set(re.findall(r'stroke-dasharray="([^"]+)"', svg)))
    signs = {re.sub(r"M[\d.]+ [\d.]+", "", charts.swatch(n, Mark.POINTS).partition('d="')[2]) for n in range(5)}
    assert 5 == len(signs)
    assert all(f".nbr-{hue}" in SHEET for hue in (*charts.HUES, "guide"))


def test_what_is_no_number_breaks_the_line() -> None:
    """Missing and infinite values are left out, and a chart of nothing else is an empty plane."""
    broken = Series("a", (0.0, 0.2, 0.4, 0.6), (0.1, math.nan, 0.3, 0.4))
    path = re.search(r'<g class="nbr-first"><path d="([^"]+)"', charts.svg(chart(broken), str))
    assert path is not None
    assert [1, 2] == [len(run.split("L")) for run in path[1].split("M")[1:]]
    for values in ((), (math.nan,), (math.inf, -math.inf), (1e308, -1e308), (5.0,), (0.0, 1e-320)):
        odd = Series("a", tuple(range(len(values))), values)
        html = drawn(Chart("x", (odd,), Axis("x"), Axis("y")))
        assert [] == faults(html)
        assert not re.search(r'"[^"]*(nan|inf)[^"]*"', html.partition("</style>")[2])


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.0, 1.0, ("0.0", "0.2", "0.4", "0.6", "0.8", "1.0")),
        (-38.0, 31.0, ("-40", "-20", "0", "20", "40")),
        (1234.0, 5678.0, ("1,000", "2,000", "3,000", "4,000", "5,000", "6,000")),
        (7.0, 7.0, ("2", "4", "6", "8", "10", "12")),
    ],
)
def test_ticks_are_round(low: float, high: float, labels: tuple[str, ...]) -> None:
    """Ticks stand at round numbers around the values, all written with the same decimals."""
    assert labels == plotted.scale(Axis("x"), (low, high)).labels


def test_curves_of_many_points_are_read_off_at_a_few() -> None:
    """The table of a long curve has eleven rows, each on the line; at a step it tells the upper end."""
    many = Series("a", tuple(n / 1000 for n in range(1001)), tuple((n / 1000) ** 2 for n in range(1001)))
    step = Series("b", (0.0, 0.0, 0.5, 0.5, 1.0), (0.0, 0.4, 0.4, 0.9, 1.0))
    table = plotted.table(chart(many, step))
    told = [[part.text for line in row for part in line if isinstance(part, Span)] for row in table.rows]
    assert 11 == len(told)
    assert ["0.5", "0.25", "0.90"] == told[5]
    assert ["0.0", "0.00", "0.40"] == told[0]
    assert "True at 11 places of False." == table.more


def test_clouds_are_listed_in_part() -> None:
    """The table of many points has some of all series and says of how many."""
    cloud = Series("a", tuple(map(float, range(300))), tuple(map(float, range(300))), mark=Mark.POINTS)
    table = plotted.table(chart(cloud))
    assert len(table.rows) <= 40
    assert f"{len(table.rows)} of 300 points." == table.more


def test_bars_begin_at_zero() -> None:
    """Lengths are in proportion to the largest of their group; negative ones go to the left of zero."""
    group = Group("x", (Bar(1.0, ""), Bar(3.0, ""), Bar(-1.0, ""), Bar(None, ""), Bar(math.nan, "")))
    assert [(0.25, 0.25), (0.25, 0.75), (0.0, 0.25), None, None] == plotted.lengths(group)
    assert [(0.0, 0.0)] == plotted.lengths(Group("x", (Bar(0.0, ""),)))
    html = drawn(bars())
    assert 'style="margin-left: 0.00%; width: 50.00%"' in html
    assert '<span class="nbr-good">better</span>' in html
    lines = as_text.render(View((bars(),)), 80).splitlines()
    assert [12, 24] == [line.count("█") for line in lines[1:3]]
    assert "better" in lines[2]
    assert "| auc | 0.50 | 1.00 better |" in as_markdown.render(View((bars(),)))


def test_tiles_have_a_name_a_figure_and_their_past() -> None:
    """Each representation has all three."""
    tiles = Tiles((Tile("Requests/s", (Span("12.3"), Spark((1.0, None, 3.0), bars=True, told="last minute"))),))
    assert "nbr-spark" in drawn(tiles)
    for text in (as_text.render(View((tiles,)), 80), as_markdown.render(View((tiles,)))):
        assert "12.3" in text
        assert "█" in text
