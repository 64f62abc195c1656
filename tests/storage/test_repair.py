"""``repair``: what was damaged becomes writable again, as little as can be is lost, and the original is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nbregistry.domain.commits import Commit
from nbregistry.storage import checkpoint, seals
from nbregistry.storage.records import Scan
from nbregistry.storage.repair import Repaired, repair
from nbregistry.storage.replay import differences
from nbregistry.storage.store import Store
from nbregistry.storage.tiny import View
from nbregistry.storage.verify import verify
from tests.storage.making import ANA, changes, contents, promotes, registers


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Six versions in eleven commits, sealed, without a checkpoint, closed."""
    monkeypatch.setattr(seals, "EVERY", 0.0)
    made = Store(tmp_path / "store", tmp_path / "home")
    for n in range(1, 7):
        made.commit(ANA, registers("churn", note=f"Jour {n}"))
        if n in (2, 4, 6):
            made.commit(ANA, promotes(f"churn/{n}"))
    made.commit(ANA, changes("churn/1", aliases=["best"]))
    made.close()
    return made


def lines(store: Store) -> list[bytes]:
    return store.journal.path.read_bytes().splitlines(keepends=True)


def mend(store: Store) -> tuple[Repaired, Store]:
    """Repair, and see that the result is sound, writable, and the original kept byte for byte."""
    before = [store.journal.path.read_bytes()] if store.journal.path.exists() else []
    again = Store(store.folder, store.home)
    done = repair(again, ANA)
    assert () == verify(again).findings
    kept = [path.read_bytes() for path in done.kept if path.name.startswith("journal")]
    assert kept == (before if done.kept else [])
    again.commit(ANA, registers("other"))
    assert () == verify(again).findings
    return done, again


def before(store: Store) -> View:
    view = View()
    for commit, _ in Scan(store.journal.path):
        view.apply(commit)
    return view


def test_nothing_wrong_changes_nothing(store: Store) -> None:
    """A sound store is left as it is."""
    old = contents(store.folder)
    done = repair(Store(store.folder, store.home), ANA)
    assert (Repaired(behind=10), old) == (done, contents(store.folder))


@pytest.mark.parametrize("seq", [0, 1, 5, 10])
def test_every_bit_of_a_record_is_mended(store: Store, seq: int) -> None:
    """A flipped bit anywhere in a record's frame or payload is undone exactly: history and receipts hold."""
    whole, nth = store.journal.path.read_bytes(), len(b"".join(lines(store)[:seq]))
    size = len(lines(store)[seq])
    for offset in (0, 7, 8, 9, 40, 72, 73, 74, size // 2, size - 2, *range(75, size - 2, 97)):
        damaged = bytearray(whole)
        damaged[nth + offset] ^= 1 << (offset % 8)
        store.journal.path.write_bytes(damaged)
        done, again = mend(store)
        again.close()
        assert ([seq], 0, 0, []) == (done.mended, done.lost, done.salvaged, done.doubts), offset
        assert store.journal.path.read_bytes().startswith(whole)
        store.journal.path.write_bytes(whole)
        store.seals.record.unlink()
        store.seals.path.unlink()


def test_a_flip_that_makes_a_newline(store: Store) -> None:
    """A flipped bit that splits a record in two lines is undone too."""
    whole = store.journal.path.read_bytes()
    spot = whole.index(b"Jour 3")  # J and newline are one bit apart
    store.journal.path.write_bytes(whole[:spot] + b"\n" + whole[spot + 1 :])
    done, again = mend(store)
    again.close()
    assert 1 == len(done.mended)
    assert store.journal.path.read_bytes().startswith(whole)


def test_newlines_are_put_back(store: Store) -> None:
    """Damaged newlines are written again, and nothing else changes."""
    whole = store.journal.path.read_bytes()
    store.journal.path.write_bytes(whole.replace(b"}\n", b"} ", 3))
    done, again = mend(store)
    again.close()
    assert ([], 0, 10) == (done.mended, done.salvaged, done.behind)
    assert store.journal.path.read_bytes().startswith(whole)


@pytest.mark.parametrize("bad", [range(1, 2), range(2, 3), range(3, 4), range(4, 6), range(7, 8), range(1), range(5)])
def test_what_stands_behind_destroyed_records_is_saved(store: Store, bad: range) -> None:
    """Records overwritten beyond mending lose only what they alone said: every later document is as it was."""
    truth = before(store)
    known = {
        id_
        for seq, (commit, _) in enumerate(Scan(store.journal.path))
        if seq > max(bad)
        for id_ in commit.put.get("versions", {})
    }
    store.journal.path.write_bytes(
        b"".join(b"\0" * (len(line) - 1) + b"\n" if n in bad else line for n, line in enumerate(lines(store)))
    )
    done, again = mend(store)
    view = again.view()
    assert 11 - len(bad) - min(bad) == done.salvaged
    assert {id_: truth.versions[id_] for id_ in known} == {id_: view.versions[id_] for id_ in known}
    assert 6 == view.index.holder["churn", "Production"]
    event = next(commit for commit in again.history() if commit.action == "repair")
    assert ("ana", done.salvaged) == (event.actor.user, event.evidence["salvaged"])
    again.close()


def test_a_holder_whose_leaving_was_lost_is_archived(store: Store) -> None:
    """When the commit that moved a holder out is the one destroyed, the newer holder keeps the stage alone."""
    promoted = next(
        n for n, line in enumerate(lines(store)) if b'"action":"promote"' in line and b'"target":"churn/4"' in line
    )
    store.journal.path.write_bytes(b"".join(b"#\n" if n == promoted else line for n, line in enumerate(lines(store))))
    _, again = mend(store)
    view = again.view()
    assert (6, "Archived") == (view.index.holder["churn", "Production"], view.versions[2]["stage"])
    again.close()


def test_an_alias_whose_moving_was_lost(store: Store) -> None:
    """The same for an alias: the newer version keeps it."""
    open_ = Store(store.folder, store.home)
    open_.commit(ANA, changes("churn/1", aliases=[]))
    open_.commit(ANA, changes("churn/2", aliases=["best"]))
    open_.close()
    store.journal.path.write_bytes(b"".join(b"#\n" if n == 11 else line for n, line in enumerate(lines(store))))
    _, again = mend(store)
    assert ({"best": 2}, []) == (again.view().index.alias["churn"], again.view().versions[1]["aliases"])
    again.close()


def test_a_torn_tail_is_cut(store: Store) -> None:
    """An unfinished write is put aside with the original."""
    with store.journal.path.open("ab") as file:
        file.write(b"torn")
    done, again = mend(store)
    again.close()
    assert (4, 10) == (done.lost, done.behind)


def test_lost_commits_are_accepted(store: Store) -> None:
    """Where sealed commits are simply gone, repair says which, forgets the anchors and lets writing go on."""
    store.journal.path.write_bytes(b"".join(lines(store)[:8]))
    done, again = mend(store)
    assert ["seal", "your own record"] == [doubt.partition(":")[0] for doubt in done.doubts]
    assert ["journal", "seal.json"] == [path.name.partition("-")[0] for path in done.kept]
    again.close()


@pytest.mark.parametrize(
    "harm", [lambda p: p.unlink(), lambda p: p.write_bytes(b""), lambda p: p.write_bytes(b"\0" * 9000)]
)
def test_a_checkpoint_outlives_the_journal(store: Store, harm: Callable[[Path], object]) -> None:
    """With the journal gone altogether, what a checkpoint holds is taken over: no version and no number is lost."""
    truth = before(store)
    open_ = Store(store.folder, store.home)
    open_.save()
    open_.close()
    harm(store.journal.path)
    done, again = mend(store)
    assert 1 == done.salvaged
    assert dict(truth.versions.items()) == {id_: doc for id_, doc in again.view().versions.items() if id_ <= 6}
    assert "churn/7" == again.commit(ANA, registers("churn")).target
    again.close()


def test_a_commit_that_fits_nothing_is_passed_over(store: Store) -> None:
    """A whole record that cannot be folded is left in the original; what follows it is saved."""
    open_ = Store(store.folder, store.home)
    seq, time = open_.view().seq, open_.view().time
    with open_.journal.writing():
        open_.journal.append(Commit("odd", "x", ANA, time, put={"versions": {1: {"name": "x"}}}), expect=seq)
        open_.journal.append(Commit("note", "x", ANA, time, put={"models": {9: {"name": "kept"}}}), expect=seq + 1)
    open_.journal.close()
    _, again = mend(store)
    assert "kept" == again.view().models[9]["name"]
    again.close()


def test_repairing_twice(store: Store) -> None:
    """A second repair finds nothing to do."""
    store.journal.path.write_bytes(b"".join(b"#\n" if n == 3 else line for n, line in enumerate(lines(store))))
    _, again = mend(store)
    view, old = again.view(), contents(store.folder)
    assert [] == repair(again, ANA).kept
    assert [] == differences(view, again.view())
    assert {n: c for n, c in old.items() if "seal" not in n} == {
        n: c for n, c in contents(store.folder).items() if "seal" not in n
    }
    again.close()


def test_derived_files_agree_afterwards(store: Store) -> None:
    """A checkpoint from before the repair is put aside with the rest and not believed after it."""
    open_ = Store(store.folder, store.home)
    open_.save()
    open_.close()
    store.journal.path.write_bytes(b"".join(b"#\n" if n == 3 else line for n, line in enumerate(lines(store))))
    done, again = mend(store)
    assert "registry.json-before-repair" in " ".join(path.name for path in done.kept)
    assert checkpoint.read(store.folder) is None
    again.reopen()
    assert [] == differences(again.view(), before(again))
    again.close()
