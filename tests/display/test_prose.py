"""Markdown by users: rendered, sanitised, bounded."""

from __future__ import annotations

import time

import nh3
import pytest

from nbregistry.display import as_prose
from nbregistry.display.as_prose import LIMIT, to_html
from tests.display import corpus
from tests.display.seen import Seen

ELEMENTS = {
    "p", "br", "strong", "em", "s", "code", "pre", "ul", "ol", "li", "blockquote", "hr", "a", "table", "thead", "tbody",
    "tr", "th", "td",
}  # fmt: skip


@pytest.mark.parametrize("text", corpus.EVERYTHING, ids=range(len(corpus.EVERYTHING)))
def test_only_harmless_elements(text: str) -> None:
    """No hostile text makes an element outside the list or an attribute besides those of a link that leaves."""
    for wrapped in (text, f"# {text}", f"> {text}", f"- {text}", f"| {text} |\n|---|\n| {text} |", f"[{text}]({text})"):
        seen = Seen(to_html(wrapped))
        assert [] == seen.faults
        assert set() == {element for element, _ in seen.elements} - ELEMENTS
        for element, attributes in seen.elements:
            assert set() == set(attributes) - ({"href", "target", "rel"} if element == "a" else set())
            assert element != "a" or attributes["href"].lower().startswith(("http://", "https://", "mailto:"))


class AsTyped:
    """A renderer that lets everything through, as one with a hole would."""

    def render(self, markdown: str) -> str:
        return markdown


@pytest.mark.parametrize("text", corpus.MARKUP, ids=range(len(corpus.MARKUP)))
def test_the_sanitiser_holds_alone(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the renderer to let HTML through, the second wall would still stand."""
    monkeypatch.setattr(as_prose, "_renderer", AsTyped)
    seen = Seen(to_html(f"{text}<a href='javascript:x' title=t lang=en>x</a><a href='/lab'>y</a><img src=z>"))
    assert set() == {element for element, _ in seen.elements} - ELEMENTS
    assert set() == {name for _, attributes in seen.elements for name in attributes} - {"target", "rel"}


@pytest.mark.parametrize("text", corpus.EVERYTHING, ids=range(len(corpus.EVERYTHING)))
def test_the_renderer_holds_alone(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the sanitiser to let everything through, the first wall would still stand."""
    monkeypatch.setattr(nh3, "clean", lambda html, **_: html)
    seen = Seen(to_html(text))
    assert set() == {element for element, _ in seen.elements} - ELEMENTS
    assert [] == [a for _, a in seen.elements if not a.get("href", "https://").startswith(("http", "mailto:"))]


def test_honest_markdown_is_rendered() -> None:
    """Emphasis, lists, tables, code, quotations and links arrive."""
    html = to_html("**b** *i* ~~s~~ `c`\n\n- x\n\n> q\n\n|a|\n|-|\n|1|\n\n```python\nd\n```\n")
    for part in (
        "<strong>b</strong>",
        "<em>i</em>",
        "<s>s</s>",
        "<code>c</code>",
        "<li>x</li>",
        "<blockquote>",
        "<td>1</td>",
    ):
        assert part in html
    assert "<pre><code>d\n</code></pre>" in html


def test_headings_become_bold_lines() -> None:
    """A heading would enter the notebook's table of contents."""
    assert "<p><strong>Churn</strong></p>\n" == to_html("# Churn")


def test_images_become_links_at_most() -> None:
    """A remote image would tell its server who reads."""
    html = to_html("![x](https://evil.example/pixel.png)")
    assert "<img" not in html
    assert 'href="https://evil.example/pixel.png"' in html


def test_length_is_bounded() -> None:
    """Beyond 64 KiB the rest is counted."""
    html = to_html("a " * LIMIT)
    assert f"… {LIMIT:,} more characters are not shown." in html
    assert len(html) < LIMIT + 200


@pytest.mark.parametrize(
    "unit", ["[", "![", "*a_ ", "**a ", "> ", "`a", "[a](", "&", "<a ", "~~a", "|", "- ", "[a][", "(" * 3, "\\"]
)
def test_no_text_takes_long(unit: str) -> None:
    """64 KiB of what makes parsers slow take seconds at most, however nested."""
    started = time.process_time()
    Seen(to_html(unit * (LIMIT // len(unit))))
    assert time.process_time() - started < 3
