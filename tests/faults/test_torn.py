"""F4 and F5: files cut at every byte, every bit flipped, pages zeroed, swapped and doubled."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nbregistry.errors import Damaged, StoreReadOnly
from nbregistry.storage import shelf
from nbregistry.storage.blobs import FolderBlobs
from nbregistry.storage.records import ORIGIN, Position, Scan
from nbregistry.storage.replay import differences
from nbregistry.storage.store import Store
from nbregistry.storage.tiny import View
from nbregistry.storage.verify import verify
from tests.storage.making import ANA, changes, promotes, registers

Figures = Callable[..., None]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of nineteen commits behind the first: versions, promotions, an alias; with a checkpoint, sealed."""
    folder = tmp_path_factory.mktemp("made") / "store"
    store = Store(folder, folder.parent / "home")
    for number in range(1, 12):
        store.commit(ANA, registers("churn", digest=store.blobs.put(f"model {number}".encode() * 20)))
        if number % 2:
            store.commit(ANA, promotes(f"churn/{number}"))
    store.commit(ANA, changes("churn/3", aliases=["best"]))
    store.save()
    store.commit(ANA, changes("churn/4", aliases=["next"]))
    store.close()
    assert 20 == len(list(store.history()))
    return folder


def places(folder: Path) -> list[Position]:
    return [position for _, position in Scan(folder / "journal")]


def fold(path: Path, upto: int) -> View:
    view = View()
    for commit, _ in Scan(path):
        if commit.seq <= upto:
            view.apply(commit)
    return view


def bare_copy(folder: Path, to: Path, journal: bytes) -> Path:
    """A store of nothing but a journal: as a crash of the machine leaves one that was never sealed."""
    shutil.copytree(folder / "blobs", to / "blobs")
    (to / "journal").write_bytes(journal)
    return to


def test_journal_cut_at_every_byte(made: Path, tmp_path: Path, figures: Figures) -> None:
    """Whatever is left of the journal, reading gives every commit that is whole in it, and not one more."""
    whole, known = (made / "journal").read_bytes(), places(made)
    path, wrong = tmp_path / "journal", []
    path.write_bytes(whole)
    with path.open("r+b") as file:
        for cut in range(len(whole), -1, -1):
            file.truncate(cut)
            before = max((p for p in known if p.end < cut - 5000), default=ORIGIN)
            scan = Scan(path, before)
            found = before.seq
            for commit, _ in scan:
                found = commit.seq
            expected = max((p.seq for p in known if p.end - 1 <= cut), default=-1)
            clean = cut in {0, *(p.end for p in known)}
            if found != expected or (scan.tail.state == "clean") != clean or scan.tail.state == "damaged":
                wrong.append((cut, found, expected, scan.tail))
    figures("F4 cut journal, read", offsets=len(whole) + 1, wrong=len(wrong))
    assert [] == wrong


def test_journal_cut_then_written(made: Path, tmp_path: Path, figures: Figures) -> None:
    """At any cut the next writer goes on behind the last whole commit, and what was cut off half is kept aside."""
    whole, known = (made / "journal").read_bytes(), places(made)
    edges = {p.end + step for p in known for step in (-2, -1, 0, 1, 73) if p.end + step <= len(whole)}
    offsets = sorted(cut for cut in {*range(0, len(whole), 61), *edges} if cut >= known[0].end - 1)
    kept = 0
    for cut in offsets:
        folder = bare_copy(made, tmp_path / str(cut), whole[:cut])
        expected = max(p.seq for p in known if p.end - 1 <= cut)
        store = Store(folder, tmp_path / "home")
        done = store.commit(ANA, registers("other"))
        assert expected + 1 == done.seq
        assert [] == differences(store.view(), fold(folder / "journal", done.seq))
        aside = list((folder / "quarantine").iterdir()) if (folder / "quarantine").exists() else []
        torn = cut - max(p.end for p in known if p.end - 1 <= cut)
        assert [whole[cut - torn : cut]] * (torn > 0) == [path.read_bytes() for path in aside]
        assert len(aside) == len(store.notices)
        assert () == verify(store).findings
        kept += bool(aside)
        store.close()
        shutil.rmtree(folder)
    figures("F4 cut journal, write", offsets=len(offsets), put_aside=kept, wrong=0)


def test_sealed_journal_cut(made: Path, tmp_path: Path, figures: Figures) -> None:
    """Where the seal is still there, a cut that loses an acknowledged commit refuses writing and is named."""
    whole, known = (made / "journal").read_bytes(), places(made)
    for lost in (1, 2, 7, 18):
        folder = tmp_path / str(lost)
        shutil.copytree(made, folder)
        os.truncate(folder / "journal", known[-1 - lost].end)
        store = Store(folder, tmp_path / "home")
        with pytest.raises(StoreReadOnly, match=r"seal: commit 19"):
            store.commit(ANA, registers("other"))
        assert "seal" in [finding.where for finding in verify(store).findings]
        assert whole[: known[-1 - lost].end] == (folder / "journal").read_bytes()
        store.close()
    figures("F4 cut below the seal", cuts=4, noticed=4, written=0)


@pytest.mark.parametrize("name", ["registry.json", "registry.index"])
def test_checkpoint_cut_at_every_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figures: Figures, name: str
) -> None:
    """However much is left of a checkpoint's file, opening gives the state of the journal."""
    monkeypatch.setattr(shelf, "SMALL", 0)
    folder = tmp_path / "store"
    store = Store(folder, tmp_path / "home")
    for number in (1, 2):
        store.commit(ANA, registers("churn"))
        store.commit(ANA, promotes(f"churn/{number}"))
    store.save()
    store.close()
    truth, whole = fold(folder / "journal", 99), (folder / name).read_bytes()
    for cut in range(len(whole)):
        (folder / name).write_bytes(whole[:cut])
        assert [] == differences(truth, Store(folder, tmp_path / "home").view())
    figures(f"F4 cut {name}", offsets=len(whole), wrong=0)


def test_checkpoint_flipped_at_every_byte(made: Path, tmp_path: Path, figures: Figures) -> None:
    """A checkpoint with any byte changed is passed over: it never tells something else than the journal."""
    folder = tmp_path / "store"
    shutil.copytree(made, folder)
    truth, tried = fold(made / "journal", 99), 0
    for name in ("registry.json", "registry.index"):
        whole = (made / name).read_bytes()
        for nth in range(0, len(whole), 7):
            changed = bytearray(whole)
            changed[nth] ^= 1 << (nth % 8)
            (folder / name).write_bytes(changed)
            store = Store(folder, tmp_path / "home")
            assert truth.index.state() == store.view().index.state()
            if nth % 100 == 0:
                assert [] == differences(truth, store.view())
            tried += 1
        (folder / name).write_bytes(whole)
    figures("F5 changed checkpoint", bytes=tried, believed=0)


def test_blob_cut_at_every_byte(tmp_path: Path, figures: Figures) -> None:
    """An artifact that was cut anywhere is refused."""
    blobs, content = FolderBlobs(tmp_path), os.urandom(3000)
    digest = blobs.put(content)
    blobs.path(digest).chmod(0o600)
    refused = 0
    for cut in range(len(content)):
        blobs.path(digest).write_bytes(content[:cut])
        with pytest.raises(Damaged):
            blobs.verified(digest)
        refused += 1
    figures("F4 cut artifact", offsets=len(content), refused=refused)


def test_every_bit_of_a_journal(made: Path, tmp_path: Path, figures: Figures) -> None:
    """Each bit of twenty commits flipped: reading stops before the commit it hit, or, for a newline, keeps all."""
    whole, known = (made / "journal").read_bytes(), places(made)
    newlines = {p.end - 1 for p in known}
    starts = [ORIGIN, *known]
    path, wrong, undetected = tmp_path / "journal", [], 0
    path.write_bytes(whole)
    with path.open("r+b", buffering=0) as file:
        for nth, byte in enumerate(whole):
            hit = next(n for n, p in enumerate(known) if nth < p.end)
            for bit in range(8):
                file.seek(nth)
                file.write(bytes([byte ^ (1 << bit)]))
                scan = Scan(path, ORIGIN if (nth, bit) == (nth, nth % 8) and nth % 16 == 0 else starts[hit])
                seen = [commit.seq for commit, _ in scan][-1:] or [hit - 1]
                told = scan.tail.state in ("damaged", "torn") or scan.loose == [hit]
                expected = [known[-1].seq] if nth in newlines else [hit - 1]
                undetected += not told
                if seen != expected:
                    wrong.append((nth, bit, seen, expected))
            file.seek(nth)
            file.write(bytes([byte]))
    figures("F5 flipped journal", bits=len(whole) * 8, undetected=undetected, wrong=len(wrong))
    assert (0, []) == (undetected, wrong)


PAGE = 4096
HARMS: dict[str, Callable[[bytes], bytes]] = {
    "first page zeroed": lambda whole: bytes(PAGE) + whole[PAGE:],
    "second page zeroed": lambda whole: whole[:PAGE] + bytes(PAGE) + whole[2 * PAGE :],
    "pages swapped": lambda whole: whole[PAGE : 2 * PAGE] + whole[:PAGE] + whole[2 * PAGE :],
    "page doubled": lambda whole: whole[:PAGE] + whole[:PAGE] + whole[PAGE:],
    "page missing": lambda whole: whole[:PAGE] + whole[2 * PAGE :],
    "NULs behind": lambda whole: whole + bytes(PAGE),
    "another file behind": lambda whole: whole + b"{\n" * 1000,
    "itself behind": lambda whole: whole + whole,
    "upside down": lambda whole: b"".join(reversed(whole.splitlines(keepends=True))),
}


@pytest.mark.parametrize("name", HARMS)
def test_coarse_damage(made: Path, tmp_path: Path, figures: Figures, name: str) -> None:
    """Whatever a disk does to pages: what is read is a prefix, verify tells it, and nothing is written over it."""
    folder = tmp_path / "store"
    shutil.copytree(made, folder)
    whole = (made / "journal").read_bytes()
    harmed = HARMS[name](whole)
    (folder / "journal").write_bytes(harmed)
    for derived in ("registry.json", "registry.index"):
        (folder / derived).unlink()
    store = Store(folder, tmp_path / "home")
    seq = store.view().seq
    assert [] == differences(store.view(), fold(made / "journal", seq))
    report = verify(store)
    torn = name == "NULs behind"
    assert torn != bool(report.findings)
    if not torn:
        with pytest.raises(StoreReadOnly):
            store.commit(ANA, registers("other"))
        assert harmed == (folder / "journal").read_bytes()
    else:
        assert 20 == store.commit(ANA, registers("other")).seq
    store.close()
    figures("F5 coarse damage", what=name, read=seq + 1, told=len(report.findings) + len(report.notes))
