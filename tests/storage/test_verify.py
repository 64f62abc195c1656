"""``verify`` names every fault by its place, and a store without faults has no finding."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nbregistry.domain.commits import Commit, Receipt
from nbregistry.domain.entities import Report
from nbregistry.storage import records, seals, shelf
from nbregistry.storage.records import ORIGIN, Position, Scan
from nbregistry.storage.store import Store
from nbregistry.storage.verify import verify
from tests.storage.keys import ToyKey
from tests.storage.making import ANA, changes, contents, promotes, registers


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sealed store of three versions with artifacts, one checkpoint half-way, nothing open."""
    monkeypatch.setattr(seals, "EVERY", 0.0)
    store = Store(tmp_path / "store", tmp_path / "home", ToyKey)
    for n in range(3):
        store.commit(ANA, registers("churn", digest=store.blobs.put(f"model {n}".encode()), key=f"key {n}"))
        if n == 1:
            store.save()
    store.commit(ANA, promotes("churn/1"))
    store.commit(ANA, promotes("churn/2"))
    store.close()
    return tmp_path / "store"


@pytest.fixture
def check(folder: Path) -> Iterator[Callable[..., Report]]:
    """Opens the store anew, verifies it, and sees that not a byte was changed by that."""
    stores: list[Store] = []

    def run(*, home: str = "home", **options: Any) -> Report:
        before = contents(folder.parent)
        stores.append(Store(folder, folder.parent / home, ToyKey))
        report = verify(stores[-1], **{"signer": ToyKey(), **options})
        assert before == contents(folder.parent)
        return report

    yield run
    for store in stores:
        store.close()


def wheres(report: Report) -> list[str]:
    return [finding.where for finding in report.findings]


def receipt_of(folder: Path, seq: int) -> Receipt:
    found = [commit for commit, _ in Scan(folder / "journal")]
    return Receipt(found[0].target, seq, found[seq].hash)


def rechained(folder: Path, change: Callable[[Commit], Commit], *, upto: int | None = None) -> list[Position]:
    """Rewrite the journal with every commit changed, each hash made right again; what a forger does."""
    content, at, places = b"", ORIGIN, []
    for commit, _ in list(Scan(folder / "journal")):
        if upto is None or commit.seq <= upto:
            done, line = records.sealed(change(commit), at.head)
            at = Position(done.seq, done.hash, at.end, at.end + len(line))
            content += line
            places.append(at)
    (folder / "journal").write_bytes(content)
    for path in folder.glob("registry.*"):
        path.unlink()
    return places


def test_a_sound_store(folder: Path, check: Callable[..., Report]) -> None:
    """No finding and no note; what was looked at is counted."""
    report = check(receipt=receipt_of(folder, 3))
    assert ((), ()) == (report.findings, report.notes)
    assert (6, 3, 21, 1) == (report.commits, report.blobs, report.bytes, report.seals)
    assert report


def test_nothing_there(tmp_path: Path) -> None:
    """An absent store is sound, and stays absent."""
    report = verify(Store(tmp_path / "none", tmp_path / "home"))
    assert (True, 0, []) == (report.ok, report.commits, list(tmp_path.iterdir()))


def test_progress_is_told(check: Callable[..., Report]) -> None:
    """The caller hears how far it is."""
    told: list[str] = []
    check(progress=told.append)
    assert "3 of 3 artifacts, 0 MB" == told[-1]


def test_a_changed_byte_is_named(folder: Path, check: Callable[..., Report]) -> None:
    """A byte changed in a record names its number, how much is behind it, and what the seal says of that."""
    content = (folder / "journal").read_bytes()
    (folder / "journal").write_bytes(content.replace(b'"ref":"churn/2"', b'"ref":"churn/X"', 1))
    report = check()
    assert {"journal commit 2", "seal", "your own record"} <= set(wheres(report))
    assert "3 commits behind it are whole" in report.findings[0].what
    assert "does not match its hash" in report.findings[0].what


def test_records_dropped_from_the_end(folder: Path, check: Callable[..., Report]) -> None:
    """Whole records cut off the end are noticed by seal, own record and receipt; each says which commit is gone."""
    receipt = receipt_of(folder, 5)
    lines = (folder / "journal").read_bytes().splitlines(keepends=True)
    (folder / "journal").write_bytes(b"".join(lines[:4]))
    report = check(receipt=receipt)
    assert ["seal", "your own record", "receipt"] == wheres(report)
    assert all("commit 5" in finding.what and "gone" in finding.what for finding in report.findings)
    assert ["receipt"] == wheres(check(receipt=receipt, home="other", signer=None))[-1:]


def test_a_rebuilt_chain(folder: Path, check: Callable[..., Report]) -> None:
    """History rewritten with every hash made right again contradicts seal, own record and receipt."""
    receipt = receipt_of(folder, 4)

    def forge(commit: Commit) -> Commit:
        return Commit(commit.action, commit.target, ANA, commit.time, commit.put, reason="forged")

    rechained(folder, forge)
    report = check(receipt=receipt)
    assert ["seal", "your own record", "receipt"] == wheres(report)
    assert "rewritten at or before" in report.findings[0].what


def test_a_rebuilt_chain_with_a_forged_seal(folder: Path, check: Callable[..., Report]) -> None:
    """A forger who seals too is told by the signature, or by a key that the reader does not know."""
    places = rechained(folder, lambda commit: Commit(commit.action, commit.target, ANA, commit.time, commit.put))
    told = json.loads((folder / "seal.json").read_bytes())
    forged = told | {"seq": 5, "hash": places[5].hash, "start": places[5].start, "end": places[5].end}
    (folder / "seal.json").write_text(json.dumps(forged))
    assert ["seal"] == wheres(check(home="other"))
    (folder / "seal.json").unlink()
    store = Store(folder, folder.parent / "eve", lambda: ToyKey("eve"))
    store.commit(ANA, registers("churn"))
    store.close()
    report = check(home="other")
    assert ([], ["The seal is signed with a key that is neither yours nor trusted by you."]) == (
        wheres(report),
        [*report.notes],
    )
    assert ["your own record"] == wheres(check())


def test_swapped_stores(folder: Path, check: Callable[..., Report], tmp_path: Path) -> None:
    """Another store in this one's place is noticed by own record and receipt."""
    receipt = receipt_of(folder, 2)
    shutil.move(folder, tmp_path / "aside")
    other = Store(folder, tmp_path / "stranger")
    other.commit(ANA, registers("churn"))
    other.close()
    report = check(receipt=receipt)
    assert ["your own record", "receipt"] == wheres(report)
    assert all(receipt.store in finding.what for finding in report.findings)


def test_a_removed_journal(folder: Path, check: Callable[..., Report]) -> None:
    """Where the journal is gone altogether, seal and own record say so."""
    (folder / "journal").unlink()
    assert ["checkpoint", "seal", "your own record"] == wheres(check())[:3]


def test_an_unfinished_write_is_a_note(folder: Path, check: Callable[..., Report]) -> None:
    """A torn tail was never acknowledged: no finding, but it is told."""
    with (folder / "journal").open("ab") as file:
        file.write(b"0000")
    report = check()
    assert ([], ["4 bytes of an unfinished write"]) == (wheres(report), [note[:30] for note in report.notes])


def test_newlines(folder: Path, check: Callable[..., Report]) -> None:
    """A damaged newline is a finding with the commit's number, a missing last one a note."""
    content = bytearray((folder / "journal").read_bytes())
    content[content.index(b"\n")] = 0
    (folder / "journal").write_bytes(content)
    assert ["journal commit 0"] == wheres(check())
    content[-1] = 0
    (folder / "journal").write_bytes(content)
    assert ["journal commit 0", "journal commit 5"] == wheres(check())
    (folder / "journal").write_bytes((folder / "journal").read_bytes().replace(b"}\0", b"}\n")[:-1])
    report = check()
    assert ([], ["The newline behind commit 5"]) == (wheres(report), [note[:27] for note in report.notes])


def test_blobs(folder: Path, check: Callable[..., Report]) -> None:
    """Each artifact that is missing, changed or a link is named with the version that needs it; strays are counted."""
    digests = [hashlib.sha256(f"model {n}".encode()).hexdigest() for n in range(3)]
    paths = [folder / "blobs" / digest[:2] / digest[2:] for digest in digests]
    paths[0].unlink()
    paths[1].chmod(0o600)
    paths[1].write_bytes(b"model X")
    paths[2].rename(folder / "elsewhere")
    paths[2].symlink_to(folder / "elsewhere")
    report = check()
    assert [f"blob {digest[:12]}" for digest in digests] == wheres(report)
    found = [finding.what for finding in report.findings]
    assert ["it is missing", "its bytes hash", "it is a symbol"] == [what.split(" (")[0][:14].strip() for what in found]
    assert all(f"model of churn/{n}" in what for n, what in enumerate(found, 1))
    assert [wheres(report)[0], wheres(report)[2]] == wheres(check(blobs=False))


def test_strays_and_quarantine_are_notes(folder: Path, check: Callable[..., Report]) -> None:
    """An artifact of no version and what was put aside are told."""
    store = Store(folder, folder.parent / "home")
    store.blobs.put(b"nobody's")
    with (folder / "journal").open("ab") as file:
        file.write(b"torn")
    store.commit(ANA, registers("churn"))
    store.close()
    report = check()
    assert [] == wheres(report)
    assert ["1 artifacts belong", "1 files of what was"] == [
        note[:18].strip() if n == 0 else note[:19] for n, note in enumerate(x for x in report.notes if x[0] == "1")
    ]


def test_a_lying_checkpoint(folder: Path, check: Callable[..., Report], monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint that is whole and says something else than the journal names the document; so does the live view."""
    monkeypatch.setattr(shelf, "SMALL", 0)
    data = (folder / "registry.json").read_bytes()
    forged = data.replace(b'"auc":0.001', b'"auc":0.999')
    told = json.loads((folder / "registry.index").read_bytes().partition(b"\n")[2])
    told["sha256"] = hashlib.sha256(forged).hexdigest()
    body = json.dumps(told).encode()
    (folder / "registry.json").write_bytes(forged)
    (folder / "registry.index").write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    report = check()
    assert ["checkpoint"] == wheres(report)[:1]
    assert "versions 1 (churn/1)" in report.findings[0].what


def test_a_broken_checkpoint_is_a_note(folder: Path, check: Callable[..., Report]) -> None:
    """A checkpoint that is cut or of another state is passed over, and told."""
    (folder / "registry.json").write_bytes(b"{}")
    report = check()
    assert ([], ["The checkpoint is broken"]) == (wheres(report), [note[:24] for note in report.notes])


def test_a_lying_view(folder: Path) -> None:
    """A process whose view is not what the journal gives is told to open again."""
    store = Store(folder, folder.parent / "home")
    view = store.view()
    view.versions[1]["metrics"]["auc"] = 7
    assert ["view"] == wheres(verify(store))
    store.reopen()
    store.view().index.holder["churn", "Staging"] = 1
    report = verify(store)
    assert ["view"] == wheres(report)
    assert "the index of holder" in report.findings[0].what
    store.close()


BREAKS: dict[str, tuple[Callable[[Store], object], str]] = {
    "two holders": (
        lambda s: s.commit(ANA, changes("churn/3", stage="Production")),
        "churn/2 and churn/3 hold Production",
    ),
    "two aliases": (
        lambda s: [s.commit(ANA, changes(f"churn/{n}", aliases=["best"])) for n in (1, 2)],
        "churn/1 and churn/2 hold @best",
    ),
    "a gap": (lambda s: s.commit(ANA, registers("churn", number=7)), "churn/7 does not follow churn/3"),
    "a number twice": (lambda s: s.commit(ANA, registers("churn", number=2)), "churn/2 does not follow churn/3"),
    "other content": (lambda s: s.commit(ANA, changes("churn/1", digest="f" * 64)), "churn/1 changed its digest"),
    "a key twice": (lambda s: s.commit(ANA, registers("fraud", key="key 1")), "the key 'key 1' was used before"),
    "time": (
        lambda s: s.commit(ANA, lambda view: Commit("note", "x", ANA, "2001-01-01T00:00:00.000000Z")),
        "its time 2001-01-01T00:00:00.000000Z is before",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_rule_is_named(folder: Path, check: Callable[..., Report], name: str) -> None:
    """A commit that breaks a rule is named, also when a later one has put it right."""
    act, what = BREAKS[name]
    store = Store(folder, folder.parent / "home", ToyKey)
    act(store)
    last = store.view().seq
    store.commit(ANA, lambda view: Commit("note", "x", ANA, "2999-01-01T00:00:00.000000Z"))
    store.close()
    report = check()
    assert f"journal commit {last}" in wheres(report)
    assert any(what in finding.what for finding in report.findings)


def test_not_anchored_is_a_note(folder: Path, check: Callable[..., Report]) -> None:
    """Without seal and receipt it is said that a cut end would go unnoticed; an unsigned seal says what it is worth."""
    (folder / "seal.json").unlink()
    assert ["Not anchored"] == [note[:12] for note in check().notes]
    store = Store(folder, folder.parent / "home")
    store.commit(ANA, registers("churn"))
    store.close()
    assert ["The seal is not signed"] == [note[:22] for note in check().notes]


def test_a_writer_beside_is_no_fault(folder: Path) -> None:
    """What another handle commits while the store is verified is not taken for a fault."""
    store, other = Store(folder, folder.parent / "home", ToyKey), Store(folder, folder.parent / "home", ToyKey)
    acts = iter(range(100))

    def commits(state: str) -> None:
        if next(acts) % 2 == 0:
            other.commit(ANA, registers("churn", digest=other.blobs.put(b"model 0")))

    assert [] == wheres(verify(store, signer=ToyKey(), progress=commits))
    store.close()
    other.close()
