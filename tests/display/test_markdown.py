"""Markdown: what a user typed is text for every renderer, also for those that read more into it."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from nbregistry import display
from nbregistry.display.as_markdown import escaped
from nbregistry.domain.results import Versions
from tests.display import corpus, samples

KINDS = sorted(samples.everything())
OURS = {"p", "strong", "em", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "blockquote", "code", "br"}


def rendered(markdown: str) -> str:
    """Render as the most permissive front end would: raw HTML on, tables on, links checked by nobody."""
    permissive = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    permissive.validateLink = lambda url: True  # type: ignore[method-assign]  # the documented hook
    return str(permissive.render(markdown))


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_text_stays_text(kind: str) -> None:
    """Rendered without any sanitiser, hostile text makes no link, no image, no code and no element."""
    obj = samples.everything()[kind]
    for text in corpus.EVERYTHING:
        html = rendered(display.markdown(samples.poisoned(obj, text)))
        assert set() == set(re.findall(r"<([a-z0-9]+)", html)) - OURS, text[:80]
        assert set() == set(re.findall(r"<[a-z0-9]+ ([^>]*)>", html)) - {"/", 'style="text-align:right"'}, text[:80]


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_keeps_its_columns(kind: str) -> None:
    """Hostile cells do not move the cells beside them: every row has as many bars as its head."""
    obj = samples.everything()[kind]
    for text in corpus.EVERYTHING:
        lines = display.markdown(samples.poisoned(obj, text)).split("\n")
        for block in "\n".join(line if line.startswith("|") else "" for line in lines).split("\n\n"):
            bars = {line.count("|") for line in block.strip().split("\n")}
            assert len(bars) == 1, text[:80]


@pytest.mark.parametrize("text", [*corpus.MARKUP, *corpus.MARKDOWN])
def test_nothing_that_any_renderer_acts_on_remains(text: str) -> None:
    """Escaped text has no active character, no bare address, and neither dollar nor backslash even after rendering."""
    shown = escaped(text)
    assert not re.search(r"[<>`|\[\]{}*_~^#@$\\]", re.sub(r"&#\d+;", "", shown))
    assert not re.search(r"://|www\.|mailto:", shown)
    assert not re.search(r"[$\\]", rendered(shown).replace("\\U", ""))


def test_escaping_keeps_what_was_said() -> None:
    """Rendered again, escaped text reads as typed."""
    said = 'a_b * 2 <c> [d] "e" & f #1 `g` x@y.z 1. h'
    shown = rendered(escaped(said)).removeprefix("<p>").removesuffix("</p>\n")
    assert "a_b * 2 &lt;c&gt; [d] &quot;e&quot; &amp; f #1 `g` x@y.z 1. h" == shown


@pytest.mark.parametrize("opening", ["- a", "+ a", "1. a", "2) a", "===", "---", "# a", "> a", "* a"])
def test_a_line_opens_no_block(opening: str) -> None:
    """Text at the beginning of a line makes no list, heading, rule or quotation."""
    assert ["p"] == re.findall(r"<([a-z0-9]+)", rendered(escaped(opening)))
    assert {"p", "blockquote", "strong", "ul", "li", "br"} >= set(
        re.findall(r"<([a-z0-9]+)", _description(f"x\n{opening}"))
    )


def _description(text: str) -> str:
    return rendered(display.markdown(samples.model(description=text)))


def test_descriptions_are_quoted_as_source() -> None:
    """A description is shown as typed, line by line, within a quotation."""
    html = _description("# Churn\n\nWho *leaves*")
    assert "<blockquote>\n<p># Churn" in html
    assert "Who *leaves*" in html


def test_numbers_stay_plain() -> None:
    """Numbers are not escaped into noise, columns of numbers are to the right, times say that they are UTC."""
    lines = display.markdown(Versions([samples.version(1, metrics={"auc": 0.5, "loss": -0.25})])).split("\n")
    head, rule, row = (line.strip("| ").split(" | ") for line in lines[-3:])
    assert ["Version", "Stage", "auc", "loss", "Created", "By", "Tags"] == head
    assert ["---", "---", "---:", "---:", "---", "---", "---"] == rule
    assert ["churn/1", "**&#91;None&#93;**", "0.5", "-0.25", "2026-11-21 10:00 UTC", "ana", "team=risk"] == row
