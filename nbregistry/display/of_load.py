"""What a server does now, as figures with their last minute."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nbregistry.display.blocks import GAP, Line, Look, Span, Spark, Tile, Tiles
from nbregistry.display.figures import size
from nbregistry.serving.rates import Rates

KEPT = 60
"""Looks that are kept: a minute of one a second."""

_FEW = 20
_PAST = "the last minute, oldest first"


def load(past: Sequence[Rates | None]) -> Tiles:
    """Return the latest rates with those before them; None stands for a look that was not answered.

    Parameters
    ----------
    past : sequence of Rates or None
        Oldest first.
    """
    now = past[-1] if past else None
    return Tiles(
        (
            _tile("Requests each second", past, lambda rates: rates.requests, text=_pace, bars=True),
            _tile("Refused or failed", past, lambda rates: rates.errors, text=_pace, bars=True, alarm=True),
            _tile("Latency, median", past, lambda rates: rates.p50, unit="ms", text=_time),
            _tile("Latency, 99 %", past, lambda rates: rates.p99, unit="ms", text=_time),
            _tile("Rows in one run", past, lambda rates: rates.batch, text=_time),
            Tile("Rows that wait", (_plain(now, lambda rates: f"{rates.queued:,}"),)),
            Tile("Under way", (_plain(now, lambda rates: f"{rates.in_flight:,}"),)),
            Tile("Memory", (_plain(now, lambda rates: size(rates.memory) if rates.memory else "—"),)),
        )
    )


def _tile(
    name: str,
    past: Sequence[Rates | None],
    value: Callable[[Rates], float | None],
    *,
    text: Callable[[float], str],
    unit: str = "",
    bars: bool = False,
    alarm: bool = False,
) -> Tile:
    values = tuple(None if rates is None else value(rates) for rates in past[-KEPT:])
    found = values[-1] if values else None
    line: Line = (GAP,)
    if found is not None:
        line = (Span(text(found), Look.BAD if alarm and found > 0 else Look.NUMBER),)
        line += (Span(unit, Look.MUTED),) if unit else ()
    padded = (*(None for _ in range(_FEW - len(values))), *values)  # a few points do not fill the whole width
    return Tile(name, (*line, Spark(padded, bars=bars, told=_PAST)))


def _plain(now: Rates | None, text: Callable[[Rates], str]) -> Span:
    return GAP if now is None else Span(text(now), Look.NUMBER)


def _pace(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or not value else f"{value:.1f}"


def _time(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
