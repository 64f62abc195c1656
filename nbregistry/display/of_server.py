"""A running server: where it is, what it serves, and lines that ask it and work as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from nbregistry.display.blocks import (
    GAP,
    Banner,
    Block,
    Code,
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
    spaced,
)
from nbregistry.serving.process import Server, Servers
from nbregistry.serving.trying import Lines, lines_of

_STATES = {
    "ready": Look.BADGE_GOOD,
    "starting": Look.BADGE_INFO,
    "stopping": Look.BADGE_WARN,
    "ended": Look.BADGE_QUIET,
    "failed": Look.BADGE_BAD,
}


def server(found: Server) -> View:
    """Tell a server, with a line for the shell and one for Python."""
    state, served, why = found.state, found.served(), found.why()
    blocks: list[Block] = [_title(found, state)]
    if why:
        blocks.append(Banner(Look.BAD if state == "failed" else Look.WARN, (Span(why),)))
    stop: tuple[str, Line] = ("Stop", (Span(f"%serve --stop {found.id}", Look.CODE), *_ends(found)))
    blocks.append(_facts(found, served, stop))
    if state in ("ready", "starting"):
        blocks += _asking(lines_of(found))
    return View(tuple(blocks), framed=True)


def known(found: Server, served: Sequence[dict[str, Any]]) -> tuple[Block, ...]:
    """Return what is known of a server without asking it; ``served`` is what it last said it serves."""
    return _title(found, found.state), _facts(found, served, ("Lifetime", _ends(found)))


def _title(found: Server, state: str) -> Title:
    return Title((Span(", ".join(found.refs), Look.STRONG), _badge(state)))


def _facts(found: Server, served: Sequence[dict[str, Any]], last: tuple[str, Line]) -> Facts:
    facts: list[tuple[str, Line]] = [("Address", (Span(found.url, Look.CODE),))]
    if found.grpc_port:
        facts.append(("gRPC", (Span(f"{found.spec.host}:{found.grpc_port}", Look.CODE),)))
    if served:
        facts.append(("Serves", spaced(_answers(m) for m in served)))
    count = len(found.workers)
    facts += [
        ("Processes", (Span(f"{count}"), *_restarts(found.workers))),
        ("Started", (When(datetime.fromtimestamp(float(found.run.state().get("started", 0)), UTC)),)),
        ("Token", (Span("needed: it is not kept here" if found.spec.tokens else "none needed on this machine"),)),
    ]
    return Facts((*facts, last))


def servers(found: Servers) -> View:
    """Tell the servers that run."""
    if not found:
        return View((Title((Span("No server runs.", Look.MUTED),)),))
    heads = (
        Column("Id", firm=True),
        Column("Serves", wide=True),
        Column("Address", firm=True),
        Column("State", firm=True),
        Column("Processes", right=True),
        Column("Ends", wide=True),
    )
    rows = tuple(
        (
            (Span(one.id, Look.CODE),),
            (Span(", ".join(one.refs)),),
            (Span(one.url, Look.CODE),),
            (_badge(one.state),),
            (Span(str(len(one.workers)), Look.NUMBER),),
            _ends(one),
        )
        for one in found
    )
    return View((Table(heads, rows, total=len(found)),))


def brief(found: Server) -> str:
    """Return a server in one line; never its token."""
    return f"<Server {', '.join(found.refs)} at {found.url or '?'}, {found.state}>"


def _badge(state: str) -> Span:
    return Span(state, _STATES.get(state, Look.BADGE))


def _answers(model: dict[str, Any]) -> Line:
    if not model.get("serves"):
        return (Span(str(model["ref"])), Span("not yet", Look.WARN))
    if model["ref"] == model["serves"]:
        return (Span(str(model["serves"])),)
    return (Span(f"{model['ref']}:"), Span(str(model["serves"]), Look.STRONG))


def _restarts(workers: Sequence[dict[str, Any]]) -> Line:
    count = sum(int(w.get("restarts", 0)) for w in workers)
    return (Span(f"({count} started again)", Look.WARN),) if count else ()


def _ends(found: Server) -> Line:
    if found.state not in ("ready", "starting"):
        return (GAP,)
    return (Span("runs until stopped" if found.spec.detach else "ends with the process that started it", Look.MUTED),)


def _asking(lines: Lines) -> list[Block]:
    blocks: list[Block] = []
    for name, line in (("Shell", lines.shell), ("Python", lines.python)):
        if line:
            blocks += [Heading(name), Code((line,))]
    return blocks
