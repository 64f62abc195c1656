"""The journal's lines: whatever happens to the file, what is read is a prefix of what was written."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry.domain.commits import Commit, Head
from nbregistry.errors import NewerFormat
from nbregistry.storage import records
from nbregistry.storage.records import ORIGIN, Position, Scan
from tests.storage.making import ANA

SAMPLE = Path(__file__).parent / "samples" / "journal-1"


def lines(count: int = 6) -> list[bytes]:
    """Records as they lie in a journal."""
    head, found = ORIGIN.head, []
    for n in range(count):
        commit = Commit("init" if n == 0 else "note", f"t{n}", ANA, f"2026-01-01T00:00:{n:02d}.000000Z", reason="x" * n)
        done, line = records.sealed(commit, head)
        head = Head(done.seq, done.hash)
        found.append(line)
    return found


def framed(payload: bytes) -> bytes:
    """A line that is right, whatever it holds."""
    return b"%08x %s %s\n" % (len(payload), hashlib.sha256(payload).hexdigest().encode(), payload)


LINES = lines()
WHOLE = b"".join(LINES)


def scanned(path: Path, content: bytes) -> tuple[list[int], Scan]:
    path.write_bytes(content)
    scan = Scan(path)
    return [commit.seq for commit, _ in scan], scan


def test_whole_file_is_read(tmp_path: Path) -> None:
    """Every record, its place, and a clean tail."""
    (tmp_path / "j").write_bytes(WHOLE)
    scan = Scan(tmp_path / "j")
    places = [place for _, place in scan]
    assert [WHOLE[p.start : p.end] for p in places] == LINES
    assert ("clean", []) == (scan.tail.state, scan.loose)


def test_no_file_is_an_empty_journal(tmp_path: Path) -> None:
    """Nothing there is nothing read."""
    scan = Scan(tmp_path / "none")
    assert ([], "clean") == (list(scan), scan.tail.state)


def test_small_reads_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that lie across the boundary of two reads are read whole, whatever the boundary."""
    for chunk in range(1, 400, 7):
        monkeypatch.setattr(records, "_CHUNK", chunk)
        assert list(range(6)) == scanned(tmp_path / "j", WHOLE)[0]


@given(cut=st.integers(0, len(WHOLE)))
def test_truncation_gives_the_prefix(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """A file cut anywhere gives every record that is whole in it, and tells a torn tail from a clean end."""
    seqs, scan = scanned(tmp_path_factory.getbasetemp() / "cut", WHOLE[:cut])
    ends = [sum(map(len, LINES[: n + 1])) for n in range(len(LINES))]
    assert [n for n, end in enumerate(ends) if cut >= end - 1] == seqs
    expected = "clean" if cut in (0, *ends) else "bare" if cut + 1 in ends else "torn"
    assert expected == scan.tail.state


@given(nth=st.integers(0, len(WHOLE) - 1), bit=st.integers(0, 7), cut=st.integers(0, len(WHOLE)))
def test_flip_and_cut_give_a_prefix(tmp_path_factory: pytest.TempPathFactory, nth: int, bit: int, cut: int) -> None:
    """A flipped bit and a cut together never give anything but the first records, unchanged."""
    damaged = bytearray(WHOLE)
    damaged[nth] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / "flip"
    path.write_bytes(bytes(damaged[:cut]))
    found = [commit for commit, _ in Scan(path)]
    path.write_bytes(WHOLE)
    assert [commit for commit, _ in Scan(path)][: len(found)] == found


@given(rest=st.binary(min_size=1, max_size=200))
def test_garbage_behind_is_never_a_record(tmp_path_factory: pytest.TempPathFactory, rest: bytes) -> None:
    """Bytes behind the last record change nothing of what is read, and are told."""
    seqs, scan = scanned(tmp_path_factory.getbasetemp() / "rest", WHOLE + rest)
    assert list(range(6)) == seqs
    assert ("damaged" if rest.endswith(b"\n") else "torn", len(rest)) == (scan.tail.state, scan.tail.size)


@pytest.mark.parametrize("order", [(0, 2, 1), (0, 1, 1), (1, 0, 2), (0, 1, 3)])
def test_order_is_part_of_the_chain(tmp_path: Path, order: tuple[int, ...]) -> None:
    """Records swapped, repeated or left out, each whole by itself, end what is read."""
    seqs, scan = scanned(tmp_path / "j", b"".join(LINES[n] for n in order))
    good = next(n for n in range(4) if order[n : n + 1] != (n,))
    assert list(range(good)) == seqs
    assert "damaged" == scan.tail.state
    assert "does not follow" in scan.tail.why


def test_a_damaged_length_reads_no_further(tmp_path: Path) -> None:
    """A length that points behind the end of the file is told at once."""
    seqs, scan = scanned(tmp_path / "j", b"ffffffff" + WHOLE[8:] + b"x" * 10_000_000)
    assert ([], "torn") == (seqs, scan.tail.state)


def test_lost_newline_inside_keeps_the_records(tmp_path: Path) -> None:
    """A record whose newline was overwritten is whole; it is reported by number."""
    first = len(LINES[0]) + len(LINES[1])
    seqs, scan = scanned(tmp_path / "j", WHOLE[: first - 1] + b"x" + WHOLE[first:])
    assert (list(range(6)), [1]) == (seqs, scan.loose)


def test_at_finds_that_very_commit(tmp_path: Path) -> None:
    """A place names one commit: another hash, number or place is not it."""
    (tmp_path / "j").write_bytes(WHOLE)
    places = [place for _, place in Scan(tmp_path / "j")]
    good = places[3]
    assert LINES[3] == records.at(tmp_path / "j", good)
    wrong = [
        good._replace(seq=2),
        good._replace(hash="0" * 64),
        places[2]._replace(seq=3),
        Position(3, good.hash, -1, 5),
    ]
    wrong += [
        good._replace(end=good.end + 1),
        good._replace(start=good.end, end=good.start),
        good._replace(end=1 << 62),
    ]
    assert [b""] * 7 == [records.at(tmp_path / "j", place) for place in wrong]
    assert b"" == records.at(tmp_path / "none", good)


def test_newer_format_is_refused(tmp_path: Path) -> None:
    """A record of a newer format is told as such, not as damage."""
    payload = b'{"v":2,"seq":0}'
    (tmp_path / "j").write_bytes(framed(payload))
    with pytest.raises(NewerFormat, match=r"format 2.*reads up to 1.*Upgrade"):
        list(Scan(tmp_path / "j"))


@pytest.mark.parametrize(
    "payload", [b"[]", b"{}", b"null", b'{"v":"x"}', b'{"v":1}', b'{"v":1,"put":[],"action":1}', b"{" * 5000, b"\xff"]
)
def test_any_valid_frame_is_survived(tmp_path: Path, payload: bytes) -> None:
    """A frame that is right around something that is no commit is damage, whatever it is."""
    seqs, scan = scanned(tmp_path / "j", framed(payload))
    assert ([], "damaged") == (seqs, scan.tail.state)
    assert "not a commit" in scan.tail.why


def test_format_1_is_read() -> None:
    """A journal as the first release wrote it opens: its commits, actions and documents."""
    scan = Scan(SAMPLE)
    found = [commit for commit, _ in scan]
    assert "clean" == scan.tail.state
    assert ["init", "register", "register", "promote"] == [commit.action for commit in found]
    assert "b" * 64 != found[1].hash
    assert "Production" == found[3].put["versions"][1]["stage"]
    assert ("ana", "nb.ipynb", "c1") == (found[1].actor.user, found[1].actor.notebook, found[1].actor.cell)


def test_format_1_is_still_what_we_write() -> None:
    """Sealing the sample's commits again gives the same bytes, so that old receipts stay good."""
    head, again = ORIGIN.head, b""
    for commit, _ in Scan(SAMPLE):
        done, line = records.sealed(commit, head)
        head, again = Head(done.seq, done.hash), again + line
    assert SAMPLE.read_bytes() == again
