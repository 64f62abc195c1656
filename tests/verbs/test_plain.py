"""Answers as JSON."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from nbregistry.domain.commits import Receipt
from nbregistry.domain.entities import Finding, GateResult, Report
from nbregistry.domain.lifecycle import Stage
from nbregistry.verbs.plain import dumps, plain


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (0.1, 0.1),
        (True, True),
        (Stage.PRODUCTION, "Production"),
        (datetime(2026, 11, 1, 12, tzinfo=UTC), "2026-11-01T12:00:00.000000Z"),
        (Receipt("s", 3, "0" * 64), f"nbr1:s:3:{'0' * 64}"),
        (MappingProxyType({1: (2, {3})}), {"1": [2, [3]]}),
        (b"\x00", "b'\\x00'"),
        (int, "<class 'int'>"),
    ],
)
def test_plain(value: object, expected: object) -> None:
    """What JSON lacks becomes text; the rest is itself."""
    assert expected == plain(value)
    json.loads(dumps(value), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_records_tell_what_follows_from_them() -> None:
    """Fields, and what a reader would otherwise compute; what is not shown is not told."""
    report = Report((Finding("journal seq 7", "odd"),), 8, 2, 100, 1, 0.5)
    found = plain(report)
    assert (False, [{"where": "journal seq 7", "what": "odd"}]) == (found["ok"], found["findings"])
    assert {"gate", "passed", "summary", "figures"} == set(plain(GateResult("auc", True, "fine")))


def test_lone_surrogates_are_escaped() -> None:
    """Text that no encoding can carry is still JSON."""
    assert "\ud800" == json.loads(dumps("\ud800"))
