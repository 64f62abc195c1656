"""A filter tells which keys of a document it looks at, so that a search need not hold the others in memory."""

from __future__ import annotations

from typing import Any

import pytest

from nbregistry.domain.search import parse

READS: dict[str, set[str] | None] = {
    "": set(),
    "metrics.auc > 0.9": {"metrics"},
    "metrics.auc > 0.9 AND NOT (tags.team = 'risk' OR params.C IS NULL)": {"metrics", "tags", "params"},
    "name = 'churn' AND version > 3 AND alias = 'best'": {"name", "number", "aliases"},
    "created > '7d' OR author LIKE 'a%'": {"created_at", "created_by"},
    "stage = Production AND text LIKE '%x%'": None,
    "packages.numpy = '2.0'": None,
    "python = '3.11'": None,
}


@pytest.mark.parametrize("text", READS)
def test_what_a_filter_reads(text: str) -> None:
    """The keys named are those that plain fields lie under; whatever is worked out may look at anything."""
    expected = READS[text]
    assert (None if expected is None else frozenset(expected)) == parse(text, details=lambda doc, file: {}).reads


@pytest.mark.parametrize("text", [text for text, reads in READS.items() if reads is not None])
def test_it_reads_nothing_else(text: str) -> None:
    """On a document cut down to those keys a filter says what it says on the whole one."""
    looked: set[str] = set()

    class Spy(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            looked.add(key)
            return super().get(key, default)

        def __getitem__(self, key: str) -> Any:
            looked.add(key)
            return super().__getitem__(key)

        def __contains__(self, key: object) -> bool:
            looked.add(str(key))
            return super().__contains__(key)

    whole = {
        "name": "churn", "number": 4, "aliases": ["best"], "metrics": {"auc": 0.95}, "tags": {"team": "x"},
        "params": {"C": 1}, "stage": "Production", "created_at": "2026-11-21T00:00:00.000000Z", "created_by": "ana",
    }  # fmt: skip
    wanted = parse(text)
    wanted(Spy(whole))
    assert wanted.reads is not None
    assert looked <= wanted.reads
