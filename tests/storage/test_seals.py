"""Seals and what a user has seen: written in time, never backwards, never in the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbregistry.storage import seals as module
from nbregistry.storage.records import Position
from nbregistry.storage.seals import Seal, Seals
from tests.storage.keys import ToyKey


def at(seq: int) -> Position:
    return Position(seq, f"{seq:064d}", seq * 100, seq * 100 + 100)


@pytest.fixture
def seals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seals:
    monkeypatch.setattr(module, "EVERY", 0.0)
    (tmp_path / "store").mkdir()
    return Seals(tmp_path / "store", tmp_path / "home")


def test_signed_and_read_back(seals: Seals) -> None:
    """A seal names the commit and its place, and its signature is the key's."""
    seals.note("s", at(5), ToyKey)
    seal = seals.read()
    assert isinstance(seal, Seal)
    assert ("s", at(5), "ana-key") == (seal.store, seal.position, seal.public_key)
    assert ToyKey().verify(seal.public_key, seal.message(), seal.signature)
    seen = seals.seen()
    assert seen is not None
    assert ("s", at(5)) == (seen.last, seen.stores["s"])


def test_any_change_breaks_the_signature(seals: Seals) -> None:
    """Every field of a seal is covered by its signature."""
    seals.note("s", at(5), ToyKey)
    told = json.loads(seals.path.read_bytes())
    for name, value in told.items():
        if name != "signature":
            seals.path.write_text(json.dumps({**told, name: value + 1 if isinstance(value, int) else f"{value}x"}))
            seal = seals.read()
            assert isinstance(seal, Seal)
            assert not ToyKey(told["public_key"]).verify(told["public_key"], seal.message(), seal.signature)


def test_busy_writers_seal_now_and_then(seals: Seals, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a second one seal is written; the last commit's comes with ``flush``."""
    monkeypatch.setattr(module, "EVERY", 60.0)
    for seq in range(1, 6):
        seals.note("s", at(seq), lambda: None)
    first = seals.read()
    seals.flush()
    last = seals.read()
    assert isinstance(first, Seal) and isinstance(last, Seal)
    assert (1, 5) == (first.seq, last.seq)


def test_never_backwards(seals: Seals) -> None:
    """A process that seals late does not replace the newer seal of another, nor what the user has seen."""
    late = Seals(seals.path.parent, seals.record.parent.parent)
    seals.note("s", at(9), lambda: None)
    late.note("s", at(3), lambda: None)
    seal, seen = seals.read(), seals.seen()
    assert isinstance(seal, Seal) and seen is not None
    assert (9, 9) == (seal.seq, seen.stores["s"].seq)


def test_a_key_that_fails_leaves_an_unsigned_seal(seals: Seals) -> None:
    """Whatever a signer raises, the acknowledged commit stays acknowledged."""

    class Broken(ToyKey):
        def sign(self, message: bytes) -> str:
            raise RuntimeError("no entropy")

    def missing() -> ToyKey:
        raise RuntimeError("no home")

    for seq, signer in ((1, Broken), (2, missing)):
        seals.note("s", at(seq), signer)
        seal = seals.read()
        assert isinstance(seal, Seal)
        assert (seq, "") == (seal.seq, seal.signature)


def test_no_place_for_a_seal_is_no_failure(tmp_path: Path) -> None:
    """A folder and a home that take nothing are no reason to fail."""
    (tmp_path / "file").write_text("")
    Seals(tmp_path / "absent", tmp_path / "file").note("s", at(1), lambda: None)
    assert ["file"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"store":"s"}', '{"store":"s","seq":"1","hash":"","start":0,"end":1,"time":""}', "\ud800"],
)
def test_unreadable_is_told(seals: Seals, text: str) -> None:
    """A seal or a record that is anything else is told, or passed over; it is never believed and never raises."""
    seals.path.write_bytes(text.encode("utf-8", "surrogatepass"))
    seals.record.parent.mkdir(parents=True)
    seals.record.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert "cannot be read" in str(seals.read())
    assert seals.seen() is None
    assert [] == seals.doubts("s", lambda place: False)


def test_doubts(seals: Seals) -> None:
    """What is sealed or seen and not held is doubted; another store's seal too."""
    assert [] == seals.doubts("s", lambda place: False)
    seals.note("s", at(5), lambda: None)
    assert [] == seals.doubts("s", lambda place: place == at(5))
    assert ["seal", "your own record"] == [where for where, _ in seals.doubts("s", lambda place: False)]
    assert ["seal"] == [where for where, _ in seals.doubts("other", lambda place: True)]


def test_places_are_told_apart(tmp_path: Path) -> None:
    """What was seen in one folder says nothing about another, also when the path leads through a link."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to("a")
    records = [Seals(tmp_path / name, tmp_path).record for name in ("a", "b", "link")]
    assert records[0] == records[2] != records[1]
