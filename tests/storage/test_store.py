"""The store: following, checkpoints, interrupts, anchors, other handles on the same folder."""

from __future__ import annotations

import gc
import hashlib
import shutil
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbregistry.domain.commits import Actor, Commit, timestamp
from nbregistry.errors import Damaged, InvalidInput, NewerFormat, StoreReadOnly
from nbregistry.storage import checkpoint, shelf
from nbregistry.storage import store as module
from nbregistry.storage.index import TRASHED
from nbregistry.storage.records import Scan
from nbregistry.storage.replay import differences
from nbregistry.storage.store import Store
from nbregistry.storage.tiny import View
from tests.storage.making import ANA, changes, contents, filled, promotes, registers


def fold(folder: Path) -> View:
    """The journal folded from its first record, with nothing else looked at."""
    view = View()
    for commit, _ in Scan(folder / "journal"):
        view.apply(commit)
    return view


def opened(folder: Path) -> Store:
    return Store(folder, folder.parent / "home")


def assert_same(store: Store) -> None:
    assert [] == differences(store.view(), fold(store.folder))


def test_nothing_is_made_before_the_first_change(tmp_path: Path) -> None:
    """Opening, looking and closing an absent store leaves no trace."""
    store = opened(tmp_path / "store")
    assert (-1, "", []) == (store.view().seq, store.id, list(store.history()))
    store.close()
    assert [] == list(tmp_path.iterdir())


def test_a_commit_is_seen_by_all(tmp_path: Path) -> None:
    """A handle in the same process sees at its next look what another acknowledged."""
    one, two = filled(tmp_path / "store"), opened(tmp_path / "store")
    two.view()
    one.commit(ANA, registers("fraud"))
    assert "fraud/1" == two.view().versions[7]["ref"]
    assert one.id == two.id
    for store in (one, two):
        assert_same(store)
        store.close()


def test_rules_are_checked_on_the_newest_state(tmp_path: Path) -> None:
    """What ``build`` gets under the lock holds what another handle committed a moment before."""
    one, two = filled(tmp_path / "store"), opened(tmp_path / "store")
    two.view()
    one.commit(ANA, registers("churn"))
    assert "churn/8" == two.commit(ANA, registers("churn")).target
    one.close()
    two.close()


def test_a_refusal_changes_nothing(tmp_path: Path) -> None:
    """When ``build`` refuses, or builds what cannot be stored or folded, not a byte is written."""
    store = filled(tmp_path / "store")
    before = contents(tmp_path / "store")

    def refuses(view: View) -> Commit:
        raise ZeroDivisionError

    odd = {"put": {"versions": {1: {"name": "no version"}}}}
    for build, error in (
        (refuses, ZeroDivisionError),
        (lambda view: Commit("odd", "x", ANA, timestamp(), **odd), Damaged),  # type: ignore[arg-type]  # is the point
        (lambda view: Commit("odd", "x", ANA, timestamp(), after={"x": float("nan")}), InvalidInput),
    ):
        with pytest.raises(error):
            store.commit(ANA, build)
    assert before == contents(tmp_path / "store")
    assert_same(store)
    store.close()


@pytest.mark.parametrize("small", [0, 1 << 30])
def test_derived_files_can_be_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int) -> None:
    """With any derived file gone, and with all of them gone, opening gives the same state."""
    monkeypatch.setattr(shelf, "SMALL", small)
    store = filled(tmp_path / "store")
    store.save()
    store.commit(ANA, changes("churn/2", aliases=["best"]))
    store.close()
    truth = fold(tmp_path / "store")
    derived = [*checkpoint.NAMES, "seal.json", "lock"]
    for gone in [[name] for name in derived] + [derived, []]:
        copy = tmp_path / f"without-{'-'.join(gone)}"
        shutil.copytree(tmp_path / "store", copy)
        for name in gone:
            (copy / name).unlink()
        again = opened(copy)
        assert [] == differences(again.view(), truth), gone
        again.close()


def test_a_checkpoint_is_gone_on_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening folds only what came after the checkpoint, and ids go on where they were."""
    store = filled(tmp_path / "store")
    store.save()
    store.commit(ANA, registers("churn"))
    store.close()
    folded: list[int] = []
    real = View.apply

    def apply(view: View, commit: Commit) -> None:
        folded.append(commit.seq)
        real(view, commit)

    monkeypatch.setattr(View, "apply", apply)
    again = opened(tmp_path / "store")
    assert (8, [8]) == (again.view().seq, folded)
    again.commit(ANA, registers("churn"))
    assert "churn/8" == again.view().versions[8]["ref"]
    assert_same(again)
    again.close()


@pytest.mark.parametrize("small", [0, 1 << 30])
def test_saving_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int) -> None:
    """Checkpoints written from checkpoints, with changes and removals between them, stay true to the journal."""
    monkeypatch.setattr(shelf, "SMALL", small)
    store = filled(tmp_path / "store")

    def removes(view: View) -> Commit:
        return Commit("odd", "x", ANA, view.time, removed={"models": (max(view.models),)})

    def adds(view: View) -> Commit:
        return Commit("odd", "x", ANA, view.time, put={"models": {view.next_id("models"): {"name": f"m{view.seq}"}}})

    for turn in range(4):
        store.commit(ANA, adds)
        store.save()
        store.commit(ANA, promotes(f"churn/{turn + 2}"))
        store.commit(ANA, removes if turn % 2 else adds)
        store.view().tables["versions"].matching(lambda doc: doc["stage"] == "x", reads={"stage"})
        assert_same(store)
        store.save()
        assert_same(store)
        again = opened(tmp_path / "store")
        assert_same(again)
        assert store.view().index.last_id == again.view().index.last_id
        again.close()
    store.close()


@pytest.mark.parametrize("small", [0, 1 << 30])
def test_changes_while_a_checkpoint_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int) -> None:
    """Documents changed, added and removed between looking and putting in place are as the journal says afterwards."""
    monkeypatch.setattr(shelf, "SMALL", small)
    store = filled(tmp_path / "store")
    store.save()
    store.commit(ANA, lambda view: Commit("odd", "x", ANA, view.time, put={"models": {7: {"name": "seven"}}}))
    real = checkpoint.write

    def write(*given: Any) -> Any:
        done = real(*given)
        store.commit(ANA, promotes("churn/4"))
        store.commit(ANA, lambda view: Commit("odd", "x", ANA, view.time, removed={"models": (1, 7)}))
        store.commit(ANA, registers("fraud"))
        return done

    monkeypatch.setattr(checkpoint, "write", write)
    store.save()
    assert_same(store)
    assert {"fraud"} == {doc["name"] for doc in store.view().models.values()}
    monkeypatch.setattr(checkpoint, "write", real)
    store.save()
    assert_same(store)
    store.close()


def test_growth_makes_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer stores the view when the journal has grown enough, and closing does when it has grown a little."""
    monkeypatch.setattr(module, "CHECKPOINT_BYTES", 2000)
    store = filled(tmp_path / "store", 7)
    found = checkpoint.read(tmp_path / "store")
    assert found is not None
    assert 0 < found[1].seq < 8
    monkeypatch.setattr(module, "CHECKPOINT_ON_CLOSE", 0)
    store.close()
    found = checkpoint.read(tmp_path / "store")
    assert found is not None
    assert 8 == found[1].seq


def test_a_checkpoint_of_another_store_is_passed_over(tmp_path: Path) -> None:
    """A checkpoint copied in from elsewhere does not become the truth."""
    for name in ("one", "two"):
        store = filled(tmp_path / name, name=name)
        store.save()
        store.close()
    for name in checkpoint.NAMES:
        shutil.copy(tmp_path / "one" / name, tmp_path / "two" / name)
    again = opened(tmp_path / "two")
    assert {"two"} == set(again.view().index.numbers)
    assert_same(again)
    again.close()


@pytest.mark.parametrize(
    "told", [b"", b"{}", b"[]", b'{"format":2}', b'{"format":1,"position":[1],"rows":{}}', b"\xff"]
)
def test_any_checkpoint_is_survived(tmp_path: Path, told: bytes) -> None:
    """An index that is whole by its hash and holds anything is passed over."""
    store = filled(tmp_path / "store")
    store.save()
    store.close()
    text = hashlib.sha256(told).hexdigest().encode() + b"\n" + told
    (tmp_path / "store" / "registry.index").write_bytes(text)
    again = opened(tmp_path / "store")
    assert_same(again)
    again.close()


@pytest.mark.parametrize("target", ["nbregistry.storage.index.Index.put", "nbregistry.storage.tiny.View.apply"])
def test_an_interrupt_never_leaves_half_a_view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    """KeyboardInterrupt between journal and view, or in the midst of folding: the next look shows the journal."""
    store = filled(tmp_path / "store")

    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(target, interrupt)
        with pytest.raises(KeyboardInterrupt):
            store.commit(ANA, registers("churn"))
    assert 8 == store.view().seq
    assert_same(store)
    assert "churn/8" == store.commit(ANA, registers("churn")).target
    store.close()


def test_closing_while_others_commit(tmp_path: Path) -> None:
    """A thread that saves and closes again and again never locks against one that commits."""
    store = filled(tmp_path / "store")
    stop = threading.Event()

    def close() -> None:
        while not stop.is_set():
            store.save()
            store.close()

    thread = threading.Thread(target=close)
    thread.start()
    for _ in range(60):
        store.commit(ANA, registers("churn"))
    stop.set()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert 66 == len(store.view().versions)
    assert_same(store)
    store.close()


def test_a_store_is_let_go(tmp_path: Path) -> None:
    """A store that nobody holds is collected, its last seal written, although it was given a signer that holds it."""

    class Holder:
        def __init__(self) -> None:
            self.store = Store(tmp_path / "store", tmp_path / "home", self.signer)

        def signer(self) -> None:
            return None

    holder = Holder()
    holder.store.commit(ANA, registers("churn"))
    last = holder.store.commit(ANA, registers("churn"))
    gone, seals = weakref.ref(holder.store), holder.store.seals
    del holder
    gc.collect()
    assert gone() is None
    seal = seals.read()
    assert not isinstance(seal, str | None)
    assert last.hash == seal.hash


def test_at_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state at any past moment is the fold up to it, whether or not a checkpoint lies before it."""
    store, times = Store(tmp_path / "store", tmp_path / "home"), []
    for n in range(8):
        monkeypatch.setattr("nbregistry.domain.commits.timestamp", lambda n=n: f"2099-01-01T00:00:{n:02d}.000000Z")
        store.commit(ANA, registers("churn"))
        times.append(n)
        if n == 4:
            store.save()
    for n in times:
        for fraction in ("000000", "500000"):
            view = store.at_time(f"2099-01-01T00:00:{n:02d}.{fraction}Z")
            assert n + 1 == len(view.versions)
    assert -1 == store.at_time("2000").seq
    assert_same(store)
    store.close()


def test_newer_format_is_refused(tmp_path: Path) -> None:
    """A journal of format 2 is refused by every reader and writer with a clear line, and stays as it is."""
    (tmp_path / "store").mkdir()
    payload = b'{"v":2,"seq":0,"prev":"","time":"","action":"init","target":"x"}'
    line = b"%08x %s %s\n" % (len(payload), hashlib.sha256(payload).hexdigest().encode(), payload)
    (tmp_path / "store" / "journal").write_bytes(line)
    store = opened(tmp_path / "store")
    asks: list[Callable[[], object]] = [
        store.view,
        lambda: list(store.history()),
        lambda: store.commit(ANA, registers("x")),
    ]
    for ask in asks:
        with pytest.raises(NewerFormat, match="Upgrade nbregistry"):
            ask()
    assert line == (tmp_path / "store" / "journal").read_bytes()


def test_lost_commits_refuse_writing(tmp_path: Path) -> None:
    """Where sealed commits are missing from the journal nothing is written: numbers would be given out twice."""
    store = filled(tmp_path / "store")
    store.close()
    whole = (tmp_path / "store" / "journal").read_bytes()
    (tmp_path / "store" / "journal").write_bytes(b"".join(whole.splitlines(keepends=True)[:5]))
    before = contents(tmp_path / "store")
    again = opened(tmp_path / "store")
    assert 4 == again.view().seq
    with pytest.raises(StoreReadOnly, match=r"lacks what was acknowledged.*commit 7.*repair"):
        again.commit(ANA, registers("churn"))
    assert before == contents(tmp_path / "store")
    (tmp_path / "store" / "journal").write_bytes(whole)
    assert "churn/7" == again.commit(ANA, registers("churn")).target
    again.close()


def test_an_older_copy_in_its_place_refuses_writing(tmp_path: Path) -> None:
    """The whole folder put back to an older state is noticed by who has seen the newer; a copy elsewhere is free."""
    store = filled(tmp_path / "store")
    store.close()
    shutil.copytree(tmp_path / "store", tmp_path / "older")
    again = opened(tmp_path / "store")
    again.commit(ANA, registers("churn"))
    again.close()
    elsewhere = opened(tmp_path / "older")
    assert "churn/7" == elsewhere.commit(ANA, registers("churn")).target
    elsewhere.close()
    shutil.rmtree(tmp_path / "store")
    shutil.move(tmp_path / "older", tmp_path / "store")
    rolled = opened(tmp_path / "store")
    with pytest.raises(StoreReadOnly, match=r"your own record: commit 8"):
        rolled.commit(ANA, registers("churn"))
    stranger = Store(tmp_path / "store", tmp_path / "another home")
    assert "churn/8" == stranger.commit(ANA, registers("churn")).target
    stranger.close()


def test_a_new_store_in_an_old_place_is_said(tmp_path: Path) -> None:
    """Who deletes the folder and begins anew may; that another registry lay there is mentioned once."""
    filled(tmp_path / "store").close()
    shutil.rmtree(tmp_path / "store")
    store = filled(tmp_path / "store", 1)
    assert ["Another registry lay at"] == [notice[:23] for notice in store.notices]
    store.close()


def test_damage_while_in_use_is_survived(tmp_path: Path) -> None:
    """When the journal is cut under a handle, it says so and shows what is there."""
    store = filled(tmp_path / "store")
    lines = (tmp_path / "store" / "journal").read_bytes().splitlines(keepends=True)
    (tmp_path / "store" / "journal").write_bytes(b"".join(lines[:4]))
    assert 3 == store.view().seq
    assert ["cut or exchanged" in notice for notice in store.notices] == [True]
    assert_same(store)
    store.close()


def test_an_unfoldable_commit_is_told_each_time(tmp_path: Path) -> None:
    """A record that is whole but fits nothing stops reading with its number, and the past stays readable."""
    store = filled(tmp_path / "store")
    store.close()
    odd = Commit("odd", "x", Actor("eve"), store.view().time, put={"versions": {1: {"name": "x"}}})
    with store.journal.writing():
        store.journal.append(odd, expect=7)
    again = opened(tmp_path / "store")
    for _ in range(2):
        with pytest.raises(Damaged, match=r"Commit 8 \(odd x\) does not fit"):
            again.view()
    assert 6 == len(again.at_time(list(again.history())[7].time[:-1]).versions)
    assert [] == again.notices


def test_trash_is_seen_after_reopening(tmp_path: Path) -> None:
    """Entries in a checkpoint say what a version's state is."""
    store = filled(tmp_path / "store")
    store.commit(ANA, changes("churn/4", deleted_at="t"))
    store.save()
    store.reopen()
    assert TRASHED == store.view().index.entries["versions"][4][4]
    store.close()
