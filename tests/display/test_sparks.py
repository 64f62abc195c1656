"""Small pictures and code in colours, in each of the representations."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest

from nbregistry.display import as_html, as_markdown, as_text, sparks, syntax
from nbregistry.display.blocks import Column, Source, Span, Spark, Syntax, Table, View
from tests.display.corpus import CANARY, EVERYTHING
from tests.display.hostile import faults
from tests.display.seen import Seen

NOW = datetime(2026, 3, 3, tzinfo=UTC)


def view(*found: Spark) -> View:
    """Return small pictures in a table."""
    return View((Table((Column("Course"),), tuple((line,) for line in [(one,) for one in found])),))


def test_heights() -> None:
    """A line spans its lowest to its highest, bars begin at nothing; what is no number is a gap."""
    assert [0.0, 1.0, 0.5] == sparks.heights(Spark((0.5, 0.7, 0.6)))
    assert [0.5, 1.0, None] == sparks.heights(Spark((5, 10, None), bars=True))
    assert [0.5, 0.5] == sparks.heights(Spark((3, 3)))
    assert [0.0, 0.0] == sparks.heights(Spark((0, 0), bars=True))
    assert [None, 0.0, 1.0, None] == sparks.heights(Spark((float("nan"), -1e308, 1e308, float("inf"))))
    assert [] == sparks.heights(Spark(()))
    assert sparks.MOST == len(sparks.heights(Spark(tuple(range(500)))))


def test_drawn_from_numbers() -> None:
    """SVG where there is HTML, block characters elsewhere; a gap is a gap in both."""
    course = Spark((1, 2, None, 3, 2), told="5 versions, from 1 to 2")
    html = as_html.render(view(course), NOW)
    assert 2 == html.count("<polyline")
    assert 1 == html.count("<circle")
    assert 'role="img" aria-label="5 versions, from 1 to 2"' in html
    assert "▁▅ █▅" in as_text.render(view(course), 80)
    assert "▁▅ █▅" in as_markdown.render(view(course))
    bars = Spark((0, 5, 10), bars=True)
    assert 2 == as_html.render(view(bars), NOW).count("<rect")
    assert 'aria-hidden="true"' in as_html.render(view(bars), NOW)
    assert "▁▅█" in as_text.render(view(bars), 80)


def test_what_a_picture_tells_is_ours() -> None:
    """Text that somebody typed does not get into an attribute, by whatever way it came there."""
    for text in EVERYTHING:
        html = as_html.render(view(Spark((1, 2), told=text)), NOW)
        assert [] == faults(html)
        assert CANARY not in html


CELL = '''%matplotlib inline
@cached
def fit(X):
    """Fit
    it."""
    return model.fit(X, n=3)  # well'''


def test_code_in_pieces() -> None:
    """Words, names, texts, numbers, remarks and magics are told apart; a text of two lines stays one."""
    found = syntax.pieces(CELL)
    assert ((Syntax.MAGIC, "%matplotlib inline"),) == found[0]
    assert (Syntax.NAME, "@cached") == found[1][0]
    assert {"def", "return"} == {text for line in found for kind, text in line if kind is Syntax.KEYWORD}
    assert (Syntax.TEXT, 'it."""') in [(kind, text.strip()) for kind, text in found[4]]
    assert [(Syntax.FIGURE, "3"), (Syntax.COMMENT, "# well")] == [
        piece for piece in found[5] if piece[0] in (Syntax.FIGURE, Syntax.COMMENT)
    ]
    assert CELL == "\n".join("".join(text for _, text in line) for line in found)
    confused = syntax.pieces('!echo """\nreturn 1')
    assert (Syntax.KEYWORD, "return") == confused[1][0]
    assert [Syntax.MAGIC, Syntax.PLAIN] == [line[0][0] for line in syntax.pieces("%%bash\ndef x")]


def test_code_without_pygments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can tell the pieces apart, the code is all there."""
    monkeypatch.setitem(sys.modules, "pygments.lexers.python", None)
    assert (((Syntax.PLAIN, "def f():"),), ((Syntax.PLAIN, "    return 1"),)) == syntax.pieces("def f():\n    return 1")


def test_code_in_each_representation() -> None:
    """Code keeps its lines and its indentation; only pages have colours."""
    source = View((Source((Span("In [3]"),), syntax.pieces(CELL)),))
    html = as_html.render(source, NOW)
    assert '<span class="nbr-s-keyword">def</span>' in html
    assert CELL in Seen(html).text
    assert "    return model.fit(X, n=3)" in as_text.render(source, 80)
    assert "> &nbsp;&nbsp;&nbsp;&nbsp;return model.fit(X, n=3)" in as_markdown.render(source)


def test_hostile_code_is_text() -> None:
    """Whatever stands in a cell is shown and is nothing but text, in a page and in Markdown."""
    for text in EVERYTHING:
        source = View((Source((Span(text),), syntax.pieces(text)),))
        html = as_html.render(source, NOW)
        assert [] == faults(html)
        assert CANARY[:3] in Seen(html).text
        markdown = as_markdown.render(source)
        assert not set("<>[]`$\\*") & set(markdown.replace("> ", ""))
        assert not any(char < " " and char != "\n" for char in as_text.render(source, 80))


def test_endless_code_is_cut() -> None:
    """Of more lines than anybody reads, the rest is counted; a huge cell is not taken apart."""
    found = syntax.pieces("x = 1\n" * 5_000)
    assert ((Syntax.COMMENT, "… 3,000 more lines"),) == found[-1]
    assert {Syntax.PLAIN} == {kind for line in syntax.pieces(("y = " + "1" * 400 + "\n") * 400) for kind, _ in line}
