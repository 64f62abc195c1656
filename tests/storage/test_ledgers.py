"""What every ledger must do, held against each implementation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nbregistry.domain.commits import GENESIS_HASH, Commit, Head, timestamp
from nbregistry.domain.ports import Ledger
from nbregistry.errors import Conflict, InvalidInput
from nbregistry.storage.journal import Journal
from nbregistry.storage.memory import MemoryLedger
from tests.storage.making import ANA

AnyLedger = Journal | MemoryLedger


@pytest.fixture(params=["journal", "memory"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyLedger]:
    found: AnyLedger = Journal(tmp_path / "store") if request.param == "journal" else MemoryLedger()
    yield found
    if isinstance(found, Journal):
        found.close()


def add(ledger: AnyLedger, action: str = "note", **fields: object) -> Commit:
    with ledger.writing():
        ledger.begin(ANA)
        return ledger.append(
            Commit(action, "churn", ANA, timestamp(), **fields),  # type: ignore[arg-type]  # whatever the test says
            expect=ledger.head().seq,
        )


def test_is_a_ledger(ledger: AnyLedger) -> None:
    """It has the port's verbs."""
    port: Ledger = ledger
    assert Head(-1, GENESIS_HASH) == port.head()


def test_begins_with_its_identity(ledger: AnyLedger) -> None:
    """The first record names the store, and beginning again changes nothing."""
    assert "" == ledger.store
    add(ledger)
    name = ledger.store
    with ledger.writing():
        ledger.begin(ANA)
    assert 32 == len(name)
    assert (name, 1) == (ledger.store, ledger.head().seq)


def test_commits_are_chained(ledger: AnyLedger) -> None:
    """Each commit has the next number and names the hash of the one before."""
    first, second = add(ledger), add(ledger)
    assert [1, 2] == [first.seq, second.seq]
    assert first.hash == second.prev
    assert Head(2, second.hash) == ledger.head()


def test_since_gives_the_rest_in_order(ledger: AnyLedger) -> None:
    """What is appended comes out as it went in, after the number asked for."""
    done = [add(ledger, action=f"act-{n}", put={"models": {n + 1: {"name": "x"}}}) for n in range(4)]
    assert done[1:] == list(ledger.since(done[0].seq))
    assert [] == list(ledger.since(done[-1].seq))


def test_append_fails_when_the_head_moved(ledger: AnyLedger) -> None:
    """Who expects an older head gets a Conflict, and nothing is written."""
    add(ledger)
    with ledger.writing(), pytest.raises(Conflict, match="moved on"):
        ledger.append(Commit("late", "churn", ANA, timestamp()), expect=0)
    assert 1 == ledger.head().seq


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", b"bytes", {1, 2}])
def test_refuses_what_json_cannot_carry(ledger: AnyLedger, value: object) -> None:
    """A commit that could not be read back is refused before a byte is written."""
    add(ledger)
    with pytest.raises(InvalidInput, match="cannot be stored"):
        add(ledger, after={"value": value})
    assert 1 == ledger.head().seq
    assert "note" == add(ledger).action


def test_returns_what_a_reader_will_find(ledger: AnyLedger) -> None:
    """The sealed commit holds what JSON makes of it (lists, text keys), so that writer and readers see the same."""
    done = add(ledger, after={"pair": (1, 2), "nested": {3: "three"}})
    assert {"pair": [1, 2], "nested": {"3": "three"}} == done.after
    assert [done] == list(ledger.since(0))


def test_text_of_any_kind_comes_back(ledger: AnyLedger) -> None:
    """Newlines, NUL, markup and emoji survive; one record stays one record."""
    text = "a\nb\r\n\0\x1b[2J<script>\u2028 😀 \\n"
    add(ledger, reason=text)
    add(ledger)
    assert [text, ""] == [commit.reason for commit in ledger.since(0)]
