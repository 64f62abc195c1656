"""Markdown by users, made safe: rendered without raw HTML, then sanitised against an allow-list of our own.

Two independent walls, since each has had holes: the renderer never lets HTML or images through, and the sanitiser
keeps only the elements below, of all attributes ``href``, and of all links those that leave by http, https or mailto.
Headings become bold lines: a heading element would enter the notebook's table of contents and be given an ``id`` there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from nbregistry.display.visible import prose

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

LIMIT = 64 * 1024
"""Characters of one text that are rendered."""

_NESTING = 20  # levels of lists and quotes; what lies deeper is left out by the parser
_ELEMENTS = {
    "p", "br", "strong", "em", "s", "code", "pre", "ul", "ol", "li", "blockquote", "hr", "a",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_LINK = re.compile(r"(https?://|mailto:)[^\s<>\"'`]+\Z", re.IGNORECASE)


def to_html(markdown: str) -> str:
    """Return sanitised HTML of at most ``LIMIT`` characters of Markdown."""
    import nh3

    clean = nh3.clean(
        _renderer().render(prose(markdown[:LIMIT])),
        tags=_ELEMENTS,
        attributes={"a": {"href"}},
        attribute_filter=_href,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    beyond = len(markdown) - LIMIT
    return f"{clean}<p>… {beyond:,} more characters are not shown.</p>" if beyond > 0 else clean


def _href(_element: str, attribute: str, value: str) -> str | None:
    # Besides what is asked for, the sanitiser keeps title and lang; rel and target are those that it sets itself.
    if attribute in ("rel", "target"):
        return value
    # Relative links would name files of the reader's own server.
    return value if attribute == "href" and _LINK.match(value) else None


@cache
def _renderer() -> MarkdownIt:
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": False, "maxNesting": _NESTING})
    made.enable(["table", "strikethrough"]).disable("image")
    made.validateLink = lambda url: _LINK.match(url) is not None  # type: ignore[method-assign]  # the documented hook
    made.add_render_rule("heading_open", _bold_open)
    made.add_render_rule("heading_close", _bold_close)
    return made


def _bold_open(_self: RendererHTML, _tokens: Sequence[Token], _at: int, _options: OptionsDict, _env: EnvType) -> str:
    return "<p><strong>"


def _bold_close(_self: RendererHTML, _tokens: Sequence[Token], _at: int, _options: OptionsDict, _env: EnvType) -> str:
    return "</strong></p>\n"
