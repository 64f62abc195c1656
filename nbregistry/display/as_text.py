"""A view as plain text, aligned by what a terminal really draws and cut to its width, without escape sequences.

A table that is too wide first cuts its widest columns, those of free text before the others, then leaves out columns
from the right and names them: a row never wraps, since wrapped rows are no table any more.
"""

from __future__ import annotations

import shutil

from nbregistry.display import plotted, sparks
from nbregistry.display.blocks import (
    MOST_CODE,
    Banner,
    Block,
    Bullets,
    Chart,
    Code,
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
    Spark,
    Table,
    Thread,
    Tiles,
    Title,
    View,
    When,
)
from nbregistry.display.figures import stamp
from nbregistry.display.visible import MOST, clip, inline, pad, prose, width

_NARROWEST = 40  # below this nothing can be aligned; a terminal that says so is not one
_WIDEST = 160
_BAR = 24  # columns of the longest bar
_LEAST = 12  # columns of a cell that still say something
_GAP = "  "
_PROSE_LINES, _PROSE_LIMIT = 40, 4_096
_MARKS = {Look.GOOD: "✓", Look.WARN: "!", Look.BAD: "✗"}


def room() -> int:
    """Return how many columns there are to draw in; a notebook's kernel has no terminal and gets 100."""
    return min(max(shutil.get_terminal_size((100, 24)).columns, _NARROWEST), _WIDEST)


def render(view: View, space: int) -> str:
    """Return lines of at most ``space`` columns."""
    drawn: list[str] = []
    airy = False  # whether this block stands off from the one above; what follows its own heading does not
    for block in view.blocks:
        lines = _block(block, space)
        if drawn and lines and (airy or isinstance(block, Heading | Foot | Prose)):
            drawn.append("")
        drawn += lines
        airy = isinstance(block, Title | Table | Thread | Prose | Banner)
    return "\n".join(line.rstrip() for line in drawn)


def one_line(line: Line) -> str:
    """Return a line of spans as text."""
    return " ".join(filter(None, (_part(part) for part in line)))


def _block(block: Block, space: int) -> list[str]:
    match block:
        case Title(line, under):
            return _wrap(one_line(line), space) + (_wrap(one_line(under), space) if under else [])
        case Heading(words, line):
            return [clip(f"{inline(words)} {one_line(line)}", space)]
        case Banner(tone, line):
            return _hanging(f"{_MARKS.get(tone, '')} ", one_line(line), space)
        case Facts(rows):
            return _facts(rows, space)
        case Table():
            return _table(block, space)
        case Prose(markdown):
            return _prose(markdown, "  ", space)
        case Bullets(lines):
            return [part for line in lines for part in _hanging("  • ", one_line(line), space)]
        case Patch() | Code() | Source():
            return _lines(block, space)
        case Thread(notes):
            return [part for note in notes for part in _note(note, 0, space)]
        case GroupedBars() | Chart() | Tiles():
            return _drawing(block, space)
        case Foot(line):
            return _wrap(one_line(line), space)


def _facts(rows: tuple[tuple[str, Line], ...], space: int) -> list[str]:
    names = [clip(inline(name), space // 3) for name, _ in rows]
    deep = max(map(width, names), default=0)
    return [
        part
        for name, (_, line) in zip(names, rows, strict=True)
        for part in _hanging(f"  {pad(name, deep)}{_GAP}", one_line(line), space)
    ]


def _table(table: Table, space: int) -> list[str]:
    rows = [[_cell(line) for line in row] for row in table.rows]
    heads = [inline(column.name) for column in table.columns]
    for at, cells in enumerate(zip(*table.rows, strict=True)):
        if any(isinstance(part, When) for line in cells for part in line):
            heads[at] += " (UTC)"
    full = [max(map(width, cells)) for cells in zip(heads, *rows, strict=True)]
    fitted = _fit(table.columns, full, space - len(_GAP))
    shown = len(fitted)

    def draw(cells: list[str]) -> str:
        return _GAP + _GAP.join(
            pad(clip(cell, room), room, right=column.right)
            for cell, room, column in zip(cells[:shown], fitted, table.columns, strict=False)
        )

    lines = [draw(heads), _GAP + _GAP.join("─" * room for room in fitted), *map(draw, rows)]
    if shown < len(heads):
        lines += _hanging("  ", f"Columns left out for width: {', '.join(heads[shown:])}.", space)
    return lines + (_hanging("  ", inline(table.more, MOST), space) if table.more else [])


def _lines(block: Lines, space: int) -> list[str]:
    match block:
        case Patch(label, lines):
            code = (f"    {inline(text, 500)}" for _, text in lines)
            return [clip(line, space) for line in (f"  {one_line(label)}", *code)]
        case Code(lines):
            return [f"    {inline(code, MOST_CODE)}" for code in lines]  # cut or wrapped, it could not be copied
        case Source(label, pieces):
            read = (f"    {inline(''.join(text for _, text in line), MOST)}" for line in pieces)
            return [clip(line, space) for line in (f"  {one_line(label)}", *read)]


def _drawing(block: Drawing, space: int) -> list[str]:
    match block:
        case GroupedBars():
            return _bars(block, space)
        case Chart(title, note=note):
            head = [clip(part, space) for part in (inline(title), one_line(note)) if part]
            return [*head, *_table(plotted.table(block), space)]
        case Tiles(tiles):
            return _facts(tuple((tile.name, tile.line) for tile in tiles), space)


def _bars(found: GroupedBars, space: int) -> list[str]:
    names = [clip(inline(name), space // 4) for name in found.names]
    deep = max(map(width, names), default=0)
    lines: list[str] = []
    for group in found.groups:
        lines.append(clip(f"  {inline(group.name, MOST)}", space))
        texts = [inline(bar.text) for bar in group.bars]
        far = max(map(width, texts), default=0)
        for name, bar, text, place in zip(names, group.bars, texts, plotted.lengths(group), strict=True):
            drawn = _bar(*place) if place else ""
            told = f"    {pad(name, deep)}{_GAP}{pad(drawn, _BAR)}{_GAP}{pad(text, far, right=True)}{_GAP}"
            lines.append(clip(told + one_line(bar.note), space))
    return lines + (_hanging("  ", inline(found.more, MOST), space) if found.more else [])


def _bar(begins: float, length: float) -> str:
    return " " * round(_BAR * begins) + "█" * (max(1, round(_BAR * length)) if length else 0)


def _cell(line: Line) -> str:
    """Return a line without the time zone, which the head of the column tells."""
    return " ".join(stamp(part.moment) if isinstance(part, When) else _part(part) for part in line)


def _fit(columns: tuple[Column, ...], full: list[int], space: int) -> list[int]:
    """Return the widths of the columns that are shown, the leftmost first."""
    fitted = list(full)
    wide = [at for at, column in enumerate(columns) if column.wide]
    cuttable = [at for at, column in enumerate(columns) if not (column.right or column.firm)]
    for candidates in (wide, cuttable):
        while sum(fitted) + len(_GAP) * (len(fitted) - 1) > space:
            widest = max(candidates, key=lambda at: fitted[at], default=-1)
            if widest < 0 or fitted[widest] <= _LEAST:
                break
            fitted[widest] -= 1
    if sum(fitted) + len(_GAP) * (len(fitted) - 1) <= space:
        return fitted
    # Columns have to go: start again without the last, so that the others need not be cut to the bone for it.
    if len(full) > 1:
        return _fit(columns[:-1], full[:-1], space)
    return [min(fitted[0], space)]


def _note(note: Note, depth: int, space: int) -> list[str]:
    indent = "  " * (min(depth, 6) + 1)
    lines = [clip(f"{indent}{one_line(note.head)}", space), *_prose(note.markdown, f"{indent}  ", space)]
    for line, text in note.earlier:
        lines += [clip(f"{indent}  ~ {one_line(line)}", space), *_prose(text, f"{indent}    ", space)]
    return lines + [part for reply in note.replies for part in _note(reply, depth + 1, space)]


def _prose(markdown: str, indent: str, space: int) -> list[str]:
    source = prose(markdown[:_PROSE_LIMIT]).expandtabs(4).strip("\n").split("\n")
    lines = [indent + part for line in source for part in _wrap(line, space - len(indent))]
    if len(lines) > _PROSE_LINES or len(markdown) > _PROSE_LIMIT:
        lines = [*lines[:_PROSE_LINES], f"{indent}… ({len(markdown):,} characters in all)"]
    return lines if markdown.strip() else []


def _hanging(lead: str, text: str, space: int) -> list[str]:
    first, *rest = _wrap(text, space - width(lead)) or [""]
    return [lead + first, *(" " * width(lead) + part for part in rest)]


def _wrap(text: str, space: int) -> list[str]:
    """Break at spaces, and inside a word only when it is longer than a line; counts columns, not characters."""
    lines, line = [], ""
    for word in text.split(" "):
        if line and width(line) + 1 + width(word) > space:
            lines.append(line)
            line = ""
        line = f"{line} {word}" if line else word
        while width(line) > space:
            head = clip(line, space + 1).removesuffix("…") or line[:1]
            lines.append(head)
            line = line[len(head) :]
    return [*lines, line]


def _part(part: Part) -> str:
    if isinstance(part, Spark):
        return sparks.characters(part)
    if isinstance(part, When):
        return f"{stamp(part.moment)} UTC"
    text = inline(part.text, MOST)
    if part.look.value.startswith("badge") and text:
        return f"[{text}]"
    return f"@{text}" if part.look is Look.ALIAS else text
