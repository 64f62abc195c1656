"""A view as HTML: the one place where text becomes markup.

No id, no script, no form, no image, nothing from elsewhere. Class names are constants; every text is made visible and
escaped; an attribute holds only what matches a pattern of our own. Without the style sheet, as on GitHub, it still
reads: tables are tables and badges are words with spaces between them.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from html import escape

from nbregistry.display import as_prose, charts, plotted, sparks
from nbregistry.display.blocks import (
    MOST_CODE,
    Banner,
    Block,
    Bullets,
    Chart,
    Code,
    CodeLine,
    Column,
    Drawing,
    Facts,
    Foot,
    GroupedBars,
    Heading,
    Line,
    Lines,
    Look,
    Note,
    Part,
    Patch,
    Prose,
    Source,
    Span,
    Spark,
    Syntax,
    Table,
    Thread,
    Tile,
    Tiles,
    Title,
    View,
    When,
)  # fmt: skip
from nbregistry.display.figures import ago, stamp
from nbregistry.display.style import SHEET
from nbregistry.display.visible import MOST, inline, ours

_PAGE = re.compile(r"[?#][A-Za-z0-9=&%._~+-]{0,1000}\Z")  # of the page this stands in: no path, no host, no scheme
_LONG = 36  # characters from which a cell wraps whatever its column is
_CODE = 500  # characters of one line of code
_DEPTH = 6  # replies deeper than this stand under the sixth, not further to the right


def render(view: View, now: datetime) -> str:
    """Return one self-contained element: its style sheet, its blocks, and when it was drawn.

    Relative times in a saved notebook grow old; the last line says what they are relative to.
    """
    body = _sections(view.blocks, now)
    if "<time" in body:
        body += f'<div class="nbr-more">Times as of {stamp(now)} UTC.</div>'
    return _element(f"<style>{SHEET}</style>{body}", framed=view.framed)


def fragment(view: View, now: datetime) -> str:
    """Return the element for a page that has the style sheet already, and is drawn again when it grows old."""
    return _element(_sections(view.blocks, now), framed=view.framed)


def words(text: str) -> str:
    """Return text, escaped, for the frame of a page around such elements."""
    return _text(text)


def _element(body: str, *, framed: bool) -> str:
    frame = " nbr-card" if framed else ""
    # The last two classes tell MathJax, of either generation, to leave dollar signs alone.
    return f'<div class="nbr{frame} tex2jax_ignore mathjax_ignore">{body}</div>'


def _sections(blocks: tuple[Block, ...], now: datetime) -> str:
    """Draw blocks; a heading and what it is about stay together, side by side with others where they fit."""
    before: list[str] = []
    sections: list[list[str]] = []
    after: list[str] = []
    for block in blocks:
        drawn = _block(block, now)
        if isinstance(block, Heading):
            sections.append([drawn])
        elif isinstance(block, Foot):
            after.append(drawn)
        else:
            (sections[-1] if sections else before).append(drawn)
    drawn_sections = "".join(f'<div class="nbr-section">{"".join(section)}</div>' for section in sections)
    middle = f'<div class="nbr-sections">{drawn_sections}</div>' if sections else ""
    return "".join(before) + middle + "".join(after)


def _block(block: Block, now: datetime) -> str:
    match block:
        case Title(line, under):
            below = f'<div class="nbr-under">{_line(under, now)}</div>' if under else ""
            return f'<div class="nbr-title">{_line(line, now)}</div>{below}'
        case Heading(words, line):
            return f'<div class="nbr-head">{_text(words)} {_line(line, now)}</div>'
        case Banner(tone, line):
            return f'<div class="nbr-banner nbr-banner-{tone.value}">{_line(line, now)}</div>'
        case Facts(rows):
            pairs = (f"<tr>{_name(name)}<td>{_line(line, now)}</td></tr>" for name, line in rows)
            return f'<table class="nbr-facts"><tbody>{"".join(pairs)}</tbody></table>'
        case Table():
            return _table(block, now)
        case Prose(markdown):
            return _prose(markdown)
        case Bullets(lines):
            return f'<ul class="nbr-list">{"".join(f"<li>{_line(line, now)}</li>" for line in lines)}</ul>'
        case Patch() | Code() | Source():
            return _lines(block, now)
        case Thread(notes):
            return "".join(_note(note, now, 0) for note in notes)
        case GroupedBars() | Chart() | Tiles():
            return _drawing(block, now)
        case Foot(line):
            return f'<div class="nbr-foot">{_line(line, now)}</div>'


def _table(table: Table, now: datetime) -> str:
    heads = "".join(
        f'<th scope="col"{_place(c.right, wide=len(c.name) > _LONG)}>{_text(c.name)}</th>' for c in table.columns
    )
    rows = "".join(
        f"<tr>{''.join(_cell(column, line, now) for column, line in zip(table.columns, row, strict=True))}</tr>"
        for row in table.rows
    )
    shown = (
        f'<div class="nbr-box"><table class="nbr-table"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
    return shown + (f'<div class="nbr-more">{_text(table.more)}</div>' if table.more else "")


def _lines(block: Lines, now: datetime) -> str:
    """Draw lines of code."""
    match block:
        case Patch(label, lines):
            above = f'<div class="nbr-under">{_line(label, now)}</div>'
            drawn = "\n".join(_span(Span(code[:_CODE], look)) for look, code in lines)
            return f'{above}<pre class="nbr-patch">{drawn}</pre>'
        case Code(lines):
            drawn = "\n".join(escape(inline(code, MOST_CODE)) for code in lines)
            return f'<pre class="nbr-patch nbr-code">{drawn}</pre>'
        case Source(label, code):
            above = f'<div class="nbr-under">{_line(label, now)}</div>'
            drawn = "\n".join(map(_code, code))
            return f'{above}<pre class="nbr-patch nbr-source">{drawn}</pre>'


def _code(line: CodeLine) -> str:
    drawn = ((kind, escape(inline(text, MOST))) for kind, text in line)
    return "".join(
        text if kind is Syntax.PLAIN else f'<span class="nbr-s-{kind.value}">{text}</span>' for kind, text in drawn
    )


def _drawing(block: Drawing, now: datetime) -> str:
    match block:
        case GroupedBars():
            return _bars(block, now)
        case Chart():
            return _chart(block, now)
        case Tiles(tiles):
            return f'<div class="nbr-tiles">{"".join(map(partial(_tile, now), tiles))}</div>'


def _bars(found: GroupedBars, now: datetime) -> str:
    """Draw a row for each bar; the table around them says everything that the lengths do."""
    groups: list[str] = []
    for group in found.groups:
        rows: list[str] = []
        head = f'<th scope="row" rowspan="{len(group.bars)}">{_text(group.name)}</th>'
        for at, (name, bar, place) in enumerate(zip(found.names, group.bars, plotted.lengths(group), strict=True)):
            drawn = f'<i style="margin-left: {100 * place[0]:.2f}%; width: {100 * place[1]:.2f}%"></i>' if place else ""
            track = f'<div class="nbr-track nbr-{charts.HUES[at % 5]}">{drawn}</div>'
            rows.append(
                f"<tr>{head if at == 0 else ''}<td>{_text(name)}</td><td>{track}</td>"
                f'<td class="nbr-right">{_text(bar.text)}</td><td>{_line(bar.note, now)}</td></tr>'
            )
        groups.append(f"<tbody>{''.join(rows)}</tbody>")
    more = f'<div class="nbr-more">{_text(found.more)}</div>' if found.more else ""
    return f'<div class="nbr-box"><table class="nbr-table nbr-bars">{"".join(groups)}</table></div>{more}'


def _chart(chart: Chart, now: datetime) -> str:
    """Draw a chart, what its signs mean, and its numbers for those who cannot see it or want to know."""
    keys = "".join(
        f"<span>{charts.swatch(at, one.mark)}{_text(one.name)} {_span(Span(one.note, Look.MUTED))}</span>"
        for at, one in charts.placed(chart.series)
    )
    note = f'<div class="nbr-under">{_line(chart.note, now)}</div>' if chart.note else ""
    numbers = f"<details><summary>The numbers</summary>{_table(plotted.table(chart), now)}</details>"
    return (
        f'<div class="nbr-chart"><div class="nbr-strong">{_text(chart.title)}</div>{note}'
        f'<div class="nbr-legend">{keys}</div>{charts.svg(chart, _text)}{numbers}</div>'
    )


def _tile(now: datetime, tile: Tile) -> str:
    name = f'<div class="nbr-under">{_text(tile.name)}</div>'
    return f'<div class="nbr-tile">{name}<div class="nbr-figure">{_line(tile.line, now)}</div></div>'


def _name(name: str) -> str:
    return f'<th scope="row"{_place(False, wide=len(name) > _LONG)}>{_text(name)}</th>'


def _cell(column: Column, line: Line, now: datetime) -> str:
    wide = column.wide or any(isinstance(part, Span) and len(part.text) > _LONG for part in line)
    return f"<td{_place(column.right, wide=wide)}>{_line(line, now)}</td>"


def _place(right: bool, *, wide: bool) -> str:
    """Return the class of a cell: what is wide may wrap, the rest keeps to one line."""
    names = [name for name, meant in (("nbr-right", right), ("nbr-wide", wide)) if meant]
    return f' class="{" ".join(names)}"' if names else ""


def _note(note: Note, now: datetime, depth: int) -> str:
    earlier = "".join(f"<div>{_line(line, now)}</div>{_prose(text)}" for line, text in note.earlier)
    count = f"{len(note.earlier)} earlier text{'s' if len(note.earlier) > 1 else ''}"
    edits = f"<details><summary>{count}</summary>{earlier}</details>" if note.earlier else ""
    replies = "".join(_note(reply, now, depth + 1) for reply in note.replies)
    if replies and depth < _DEPTH:
        replies = f'<div class="nbr-replies">{replies}</div>'
    return f'<div class="nbr-note"><div>{_line(note.head, now)}</div>{_prose(note.markdown)}{edits}</div>{replies}'


def _prose(markdown: str) -> str:
    return f'<div class="nbr-prose">{as_prose.to_html(markdown)}</div>' if markdown.strip() else ""


def _line(line: Line, now: datetime) -> str:
    return " ".join(_part(part, now) for part in line)


def _part(part: Part, now: datetime) -> str:
    if isinstance(part, When):
        return _when(part, now)
    return sparks.svg(part) if isinstance(part, Spark) else _span(part)


def _when(when: When, now: datetime) -> str:
    exact = stamp(when.moment, seconds=True)
    return f'<time datetime="{exact.replace(" ", "T")}Z" title="{exact} UTC">{ago(when.moment, now)}</time>'


def _span(span: Span) -> str:
    if span.look is Look.LINK:
        return _link(span)
    title = f' title="{escape(span.title)}"' if ours(span.title) else ""
    look = span.look.value
    classes = f"nbr-badge nbr-{look}" if look.startswith("badge-") else f"nbr-{look}"
    element = "code" if span.look is Look.CODE else "span"
    # What a user typed may read from right to left: isolated, it cannot pull its neighbours along.
    text = f"<bdi>{_text(span.text)}</bdi>" if not span.text.isascii() else _text(span.text)
    if span.look is Look.PLAIN and not title:
        return text
    return f'<{element} class="{classes}"{title}>{text}</{element}>'


def _link(span: Span) -> str:
    text = f"<bdi>{_text(span.text)}</bdi>"
    return f'<a class="nbr-link" href="{escape(span.title)}">{text}</a>' if _PAGE.match(span.title) else text


def _text(text: str) -> str:
    return escape(inline(text, MOST), quote=True)
