"""What does not fit, collected until it can be said at once."""

from __future__ import annotations

import math
from typing import Any

from nbregistry.capture.values import text_of
from nbregistry.errors import BadRows, Fault

MOST = 20
"""Faults told of one request; a column stops looking after as many of its own."""

LONGEST = 3_500
"""Bytes of the message."""


class Misfit(ValueError):
    """A value that does not fit.

    Parameters
    ----------
    came : str
        What was found.
    """

    def __init__(self, came: str) -> None:
        self.came = came
        super().__init__(came)


class Faults:
    """The faults of one request."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, row: int, column: str, expected: str, found: str) -> None:
        """Note a value that does not fit; row -1 stands for all of them."""
        self.found.append(Fault(row, text_of(column, 60), expected[:120], found[:120]))

    def refuse(self) -> None:
        """Raise BadRows when there are any, the first rows first."""
        if self.found:
            raise self.refusal()

    def refusal(self) -> BadRows:
        """Return the error that says all of it."""
        # each column is named once before any is named again: a bad one must not hide the others
        first: dict[str, Fault] = {}
        for fault in self.found:
            first.setdefault(fault.column, fault)
        told = sorted(self.found, key=lambda fault: (fault is not first[fault.column], fault.row))[:MOST]
        told.sort(key=lambda fault: fault.row)
        return BadRows(_sentence(told, len(self.found)), told)


def _sentence(told: list[Fault], count: int) -> str:
    lines = ["The rows do not fit the model's signature:"]
    room = LONGEST
    for fault in told:
        row = [f"row {fault.row}"] if fault.row >= 0 else []
        column = [repr(fault.column)] if fault.column else []
        line = f"{', '.join(row + column) or 'input'}: expected {fault.expected}, got {fault.found}."
        room -= len(line.encode("utf-8", "replace")) + 3
        if room < 0:
            break
        lines.append(line)
    if more := count - len(lines) + 1:
        lines.append(f"... and {more:,} more")
    return "\n  ".join(lines)


def came(value: Any) -> str:
    """Return what a value of a request is, for people."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "a missing value"
    if isinstance(value, bool):
        return f"the boolean {'true' if value else 'false'}"
    if isinstance(value, str):
        return f"the text {text_of(value, 40)!r}"
    if isinstance(value, (int, float)):
        return f"the number {text_of(value, 40)}"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "an object" if isinstance(value, dict) else f"a {type(value).__name__}"


def plural(count: int, word: str) -> str:
    """Return ``1 value``, ``2 values``."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"
