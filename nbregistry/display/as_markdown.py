"""A view as Markdown, for exports that want text: tables, bold words and nothing that a renderer could take as more.

There are many Markdown renderers and each reads other things into text: links without brackets, footnotes, citations,
mathematics, raw HTML. So nothing a user typed keeps a character that any of them acts on. Most become numeric entities,
which every renderer shows as the character and none takes as syntax. The dollar and the backslash start mathematics
*after* rendering, in the page: they become their full-width twins.
"""

from __future__ import annotations

import re

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
    Span,
    Spark,
    Table,
    Thread,
    Tiles,
    Title,
    View,
    When,
)  # fmt: skip
from nbregistry.display.figures import stamp
from nbregistry.display.visible import MOST, inline, prose

_TWINS = str.maketrans({"$": "\uff04", "\\": "\uff3c"})
_ACTIVE = re.compile(r"[&<>`|\[\]{}*_~^#@]|:(?=//)|(?<=mailto):|(?<=xmpp):|(?<=www)\.", re.IGNORECASE)
_OPENING = re.compile(r"^(\s*)([-+=]+(?=\s|$)|\d+(?=[.)](?:\s|$)))")
_PROSE_LIMIT = 16_384


def render(view: View) -> str:
    """Return the view as Markdown that ends without a newline."""
    return "\n\n".join(filter(None, (_block(block) for block in view.blocks)))


def escaped(text: str, limit: int = MOST) -> str:
    """Return text on one line that every renderer shows as it is."""
    return _inert(inline(text, limit))


def _inert(text: str) -> str:
    """Neutralise what is active anywhere, then what is active where a line begins."""
    coded = _ACTIVE.sub(lambda found: f"&#{ord(found[0])};", text.translate(_TWINS))
    return _OPENING.sub(lambda found: found[1] + "".join(f"&#{ord(char)};" for char in found[2]), coded)


def _block(block: Block) -> str:
    match block:
        case Title(line, under):
            return _line(line) + (f"\n\n{_line(under)}" if under else "")
        case Heading(words, line):
            return f"**{escaped(words)}** {_line(line)}".rstrip()
        case Banner(tone, line):
            return f"> **{'Note' if tone is Look.GOOD else 'Warning'}** {_line(line)}"
        case Facts(rows):
            return "\n".join(f"- {escaped(name)}: {_line(line)}" for name, line in rows)
        case Table():
            return _table(block)
        case Prose(markdown):
            return _quoted(markdown, "> ")
        case Bullets(lines):
            return "\n".join(f"- {_line(line)}" for line in lines)
        case Patch() | Code() | Source():
            return _lines(block)
        case Thread(notes):
            return "\n".join(_note(note, 0) for note in notes)
        case GroupedBars() | Chart() | Tiles():
            return _drawing(block)
        case Foot(line):
            return _line(line)


def _table(table: Table) -> str:
    rows = [[escaped(column.name) for column in table.columns]]
    rows.append(["---:" if column.right else "---" for column in table.columns])
    rows.extend([_line(line) for line in row] for row in table.rows)
    shown = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return shown + (f"\n\n{escaped(table.more)}" if table.more else "")


def _lines(block: Lines) -> str:
    match block:
        case Patch(label, lines):
            code = "  \n".join(f"> {escaped(text, 500)}" for _, text in lines)
            return f"{_line(label)}\n\n{code}"
        case Code(lines):
            return "\n".join(f"    {inline(code, MOST_CODE)}" for code in lines)
        case Source(label, code):
            read = ["".join(text for _, text in line) for line in code]
            deep = [len(text) - len(text.lstrip(" ")) for text in read]
            quoted = (f"> {'&nbsp;' * n}{escaped(text[n:])}" for n, text in zip(deep, read, strict=True))
            return "\n\n".join(filter(None, (_line(label), "  \n".join(quoted))))


def _drawing(block: Drawing) -> str:
    match block:
        case GroupedBars():
            return _bars(block)
        case Chart(title, note=note):
            return "\n\n".join(filter(None, (f"**{escaped(title)}**", _line(note), _table(plotted.table(block)))))
        case Tiles(tiles):
            return "\n".join(f"- {escaped(tile.name)}: {_line(tile.line)}" for tile in tiles)


def _bars(found: GroupedBars) -> str:
    heads = (Column(""), *(Column(name, right=True) for name in found.names))
    rows = tuple(
        ((Span(group.name),), *((Span(bar.text, Look.NUMBER), *bar.note) for bar in group.bars))
        for group in found.groups
    )
    return _table(Table(heads, rows, total=len(rows), more=found.more))


def _note(note: Note, depth: int) -> str:
    indent = "  " * min(depth, 6)
    parts = [f"{indent}- {_line(note.head)}", _quoted(note.markdown, f"{indent}  > ")]
    for line, text in note.earlier:
        parts += [f"{indent}  - {_line(line)}", _quoted(text, f"{indent}    > ")]
    parts += [_note(reply, depth + 1) for reply in note.replies]
    return "\n".join(filter(None, parts))


def _quoted(markdown: str, lead: str) -> str:
    """Quote what a user typed, as source: rendered again elsewhere, by who knows what, it must stay text."""
    lines = prose(markdown[:_PROSE_LIMIT]).strip().split("\n")
    if len(markdown) > _PROSE_LIMIT:
        lines.append(f"… {len(markdown) - _PROSE_LIMIT:,} more characters are not shown.")
    quoted = [_inert(line.strip().replace("\t", " ")) for line in lines]
    # Two spaces at the end keep the author's line breaks.
    return "  \n".join(f"{lead}{line}" for line in quoted) if any(quoted) else ""


def _line(line: Line) -> str:
    return " ".join(filter(None, (_part(part) for part in line)))


def _part(part: Part) -> str:
    if isinstance(part, Spark):
        return sparks.characters(part).strip()
    if isinstance(part, When):
        return f"{stamp(part.moment)} UTC"
    text = escaped(part.text)
    if not text.strip():
        return ""
    if part.look is Look.STRONG:
        return f"**{text.strip()}**"
    if part.look.value.startswith("badge"):
        return f"**&#91;{text.strip()}&#93;**"
    return f"&#64;{text}" if part.look is Look.ALIAS else text
