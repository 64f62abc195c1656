"""What is so: a verification, a signature, where the registry is, a receipt."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from nbregistry.config import Settings
from nbregistry.display.blocks import (
    GAP,
    MOST_ROWS,
    Banner,
    Block,
    Bullets,
    Column,
    Facts,
    Heading,
    Line,
    Look,
    Span,
    Table,
    Title,
    View,
    When,
)
from nbregistry.display.figures import figure, size, together
from nbregistry.display.visible import inline
from nbregistry.domain import signature as schema
from nbregistry.domain.commits import Receipt
from nbregistry.domain.entities import Report
from nbregistry.domain.results import Overview


def report(found: Report) -> View:
    """Tell what was verified and every fault that was found."""
    count = len(found.findings)
    if found.ok:
        banner = Banner(Look.GOOD, (Span("Verified:", Look.GOOD), Span("no fault was found.")))
    else:
        said = f"{count:,} fault{'' if count == 1 else 's'} found."
        banner = Banner(Look.BAD, (Span(said, Look.BAD),))
    blocks: list[Block] = [Title((Span("Verification", Look.STRONG),)), banner]
    if count:
        # A list and not a table: what was found is read to its end, however narrow the terminal.
        lines: list[Line] = [(Span(f.where, Look.CODE), Span(f"— {f.what}")) for f in found.findings[:MOST_ROWS]]
        if count > MOST_ROWS:
            lines.append((Span(f"{count - MOST_ROWS:,} more: see .findings.", Look.MUTED),))
        blocks += [Heading("Findings"), Bullets(tuple(lines))]
    looked = (
        ("Commits", f"{found.commits:,}"),
        ("Blobs", f"{found.blobs:,} ({size(found.bytes)})"),
        ("Signed seals", f"{found.seals:,}"),
        ("Took", f"{found.seconds:.2f} s"),
    )
    blocks += [Heading("Looked at"), Facts(tuple((name, (Span(text, Look.NUMBER),)) for name, text in looked))]
    if found.notes:
        blocks += [Heading("Notes"), Bullets(tuple((Span(note),) for note in found.notes[:MOST_ROWS]))]
    return View(tuple(blocks), framed=True)


def signature(found: schema.Signature) -> View:
    """Tell what a model takes and gives, column by column."""
    source = "inferred from data" if found.source == "data" else "told by the estimator"
    blocks: list[Block] = [
        Title((Span("Signature", Look.STRONG),), (Span(found.container), Span("·", Look.MUTED), Span(source)))
    ]
    for name, columns in (("Inputs", found.inputs), ("Outputs", found.outputs)):
        if columns:
            blocks += [Heading(f"{name} ({len(columns):,})"), _schema(columns)]
        else:
            blocks += [Heading(name, (Span("not known", Look.MUTED),))]
    return View(tuple(blocks), framed=True)


def _schema(columns: tuple[schema.Column, ...]) -> Table:
    rows: list[tuple[Line, ...]] = [
        (
            (Span(inline(c.name, 120)) if c.name else Span("unnamed", Look.MUTED),),
            (Span(inline(c.dtype, 80), Look.CODE),),
            (Span("yes"),) if c.nullable else (),
            _detail(c),
        )
        for c in columns[:MOST_ROWS]
    ]
    heads = (Column("Column"), Column("Type"), Column("May be missing"), Column("Detail", wide=True))
    told = [place for place in range(len(heads)) if any(row[place] for row in rows)]
    cells = tuple(tuple(row[place] for place in told) for row in rows)
    beyond = len(columns) - MOST_ROWS
    more = f"{beyond:,} more: see .inputs." if beyond > 0 else ""
    return Table(tuple(heads[place] for place in told), cells, total=len(columns), more=more)


def _detail(c: schema.Column) -> Line:
    words: list[str] = []
    if c.shape is not None:
        words.append(f"shape ({', '.join('n' if n == -1 else str(n) for n in c.shape)})")
    if c.categories is not None:
        order = " < " if c.ordered else ", "
        shown = order.join(inline(str(x), 24) for x in c.categories[:6])
        words.append(f"{len(c.categories):,} categories: {shown}{order + '…' if len(c.categories) > 6 else ''}")
    if c.extra:
        words.append(together((f"{k}={v}" for k, v in c.extra.items()), 4))
    return (Span("; ".join(words), Look.MUTED),) if words else ()


def overview(found: Overview) -> View:
    """Tell facts under a title."""
    facts = Facts(tuple((name, _value(value)) for name, value in found.facts))
    banners = [Banner(Look.WARN, (Span(notice),)) for notice in found.notices]
    return View((Title((Span(found.title, Look.STRONG),)), *banners, facts), framed=True)


def settings(found: Settings) -> View:
    """Tell where the registry is, what decided so, and who acts."""
    rows = (("Registry", found.uri), ("Decided by", found.origin), ("Acting as", found.user), ("Keys", str(found.home)))
    facts = Facts(tuple((name, (Span(text, Look.CODE),)) for name, text in rows))
    return View((Title((Span("Settings", Look.STRONG),)), facts), framed=True)


def receipt(found: Receipt) -> View:
    """Tell a receipt in full: it is made to be copied and kept."""
    return View((Facts((("Receipt", (Span(str(found), Look.CODE),)),)),))


def _value(value: Any) -> Line:
    if isinstance(value, datetime):
        return (When(value),)
    if isinstance(value, tuple):
        return tuple(span for part in value for span in _value(part)) or (GAP,)
    if value is None or value == "":
        return (GAP,)
    if isinstance(value, bool):
        return (Span(json.dumps(value), Look.CODE),)
    if isinstance(value, int | float):
        return (Span(figure(value), Look.NUMBER),)
    return (Span(str(value)),)
