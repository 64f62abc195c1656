"""The file journal: tails, foreign files, failing disks, other writers."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from nbregistry.domain.commits import Commit, timestamp
from nbregistry.errors import Conflict, OutcomeUnknown, StoreBusy, StoreReadOnly, StoreUnavailable
from nbregistry.storage.journal import Exchanged, Journal
from nbregistry.storage.records import Scan
from tests.storage.making import ANA, contents


def add(journal: Journal, reason: str = "") -> Commit:
    with journal.writing():
        journal.begin(ANA)
        return journal.append(Commit("note", "churn", ANA, timestamp(), reason=reason), expect=journal.head().seq)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal with commits 0 to 3."""
    found = Journal(tmp_path / "store")
    for n in range(3):
        add(found, f"note {n}")
    found.close()
    return found


def again(journal: Journal) -> Journal:
    return Journal(journal.folder)


def seqs(journal: Journal) -> list[int]:
    return [commit.seq for commit, _ in Scan(journal.path)]


def test_private_under_an_open_umask(tmp_path: Path) -> None:
    """Folder 0700, journal and lock 0600, whatever the umask."""
    old = os.umask(0)
    try:
        add(Journal(tmp_path / "a" / "store"))
    finally:
        os.umask(old)
    folder = tmp_path / "a" / "store"
    modes = [stat.S_IMODE(p.stat().st_mode) for p in (folder, folder / "journal", folder / "lock")]
    assert [0o700, 0o600, 0o600] == modes


def test_reading_makes_nothing(tmp_path: Path) -> None:
    """Asking where there is no registry leaves no folder, lock or file."""
    journal = Journal(tmp_path / "store")
    assert -1 == journal.head().seq
    assert ("", [], False) == (journal.store, list(journal.since(-1)), (tmp_path / "store").exists())


def test_follows_another_writer(journal: Journal) -> None:
    """What one handle appends, another sees at its next look, from where it stood."""
    one, two = again(journal), again(journal)
    assert [0, 1, 2, 3] == [commit.seq for commit in one.news()]
    assert [] == list(one.news())
    done = add(two)
    assert [done] == list(one.news())


def test_torn_tail_is_passed_over_then_put_aside(journal: Journal) -> None:
    """Readers stop before an unfinished write; the next writer moves it to quarantine, bytes intact, and says so."""
    with journal.path.open("ab") as file:
        file.write(b"000001ff half a rec")
    reader = again(journal)
    assert (3, "torn") == (reader.head().seq, reader.tail.state)
    writer = again(journal)
    assert 4 == add(writer).seq
    kept = list((journal.folder / "quarantine").iterdir())
    assert [b"000001ff half a rec"] == [path.read_bytes() for path in kept]
    assert ["19 bytes of an unfinished write"] == [notice.split(",")[0] for notice in writer.notices]
    assert [0, 1, 2, 3, 4] == seqs(journal)


@pytest.mark.parametrize("end", [b"", b"x"])
def test_last_record_without_newline_is_kept(journal: Journal, end: bytes) -> None:
    """A whole record whose newline is missing or damaged stays, and the next writer puts the newline back."""
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-1] + end)
    reader = again(journal)
    assert (3, "bare") == (reader.head().seq, reader.tail.state)
    add(again(journal))
    assert journal.path.read_bytes().startswith(whole)
    assert [0, 1, 2, 3, 4] == seqs(journal)
    assert not (journal.folder / "quarantine").exists()


def test_damage_refuses_writing_and_changes_nothing(journal: Journal) -> None:
    """Behind damage nothing is written: the refusal says where, and how to go on."""
    whole = journal.path.read_bytes()
    second = whole.index(b"\n") + 1
    journal.path.write_bytes(whole[: second + 100] + b"#" + whole[second + 101 :])
    before = contents(journal.folder)
    with pytest.raises(StoreReadOnly, match=r"damaged behind commit 0 \(byte \d+: .*hash\).*Nothing was.*repair"):
        add(again(journal))
    assert before == contents(journal.folder)
    assert [0] == seqs(journal)


def test_garbage_alone_is_not_a_registry(tmp_path: Path) -> None:
    """A file without one valid record is neither overwritten nor cut."""
    (tmp_path / "journal").write_bytes(b"my diary")
    with pytest.raises(StoreReadOnly, match="damaged"):
        add(Journal(tmp_path))
    assert b"my diary" == (tmp_path / "journal").read_bytes()


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    """A named pipe or a folder in the journal's place is told at once, to readers and writers."""
    os.mkfifo(tmp_path / "journal") if kind == "pipe" else (tmp_path / "journal").mkdir()
    for ask in (lambda: Journal(tmp_path).head(), lambda: add(Journal(tmp_path))):
        with pytest.raises(StoreUnavailable, match="no regular file"):
            ask()


def test_an_empty_file_becomes_a_registry(tmp_path: Path) -> None:
    """An empty journal, as ``touch`` leaves it, is begun."""
    (tmp_path / "journal").touch()
    assert 1 == add(Journal(tmp_path)).seq


def test_exchanged_file_is_noticed(journal: Journal, tmp_path: Path) -> None:
    """A shorter file, another file or none in the journal's place is told, to readers and writers."""
    for exchange in (
        lambda p: p.write_bytes(p.read_bytes()[:100]),
        lambda p: (p.rename(tmp_path / "old"), p.write_bytes((tmp_path / "old").read_bytes())),
        lambda p: p.unlink(),
    ):
        open_ = again(journal)
        whole = journal.path.read_bytes()
        open_.head()
        exchange(journal.path)
        with pytest.raises(Exchanged, match="verify"):
            open_.head()
        journal.path.write_bytes(whole)


def test_a_writer_notices_an_exchange_too(journal: Journal, tmp_path: Path) -> None:
    """A handle that has the old file open does not write into it."""
    writer = again(journal)
    add(writer)
    whole = journal.path.read_bytes()
    journal.path.rename(tmp_path / "old")
    journal.path.write_bytes(whole)
    with writer.writing(), pytest.raises(Exchanged):
        writer.append(Commit("late", "x", ANA, timestamp()), expect=4)
    assert whole == (tmp_path / "old").read_bytes()


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    """A journal or a lock that is a symbolic link is refused, its target untouched."""
    target = tmp_path / "target"
    for name in ("journal", "lock"):
        folder = tmp_path / name
        add(Journal(folder))
        (folder / name).rename(target)
        (folder / name).symlink_to(target)
        before = target.read_bytes()
        with pytest.raises(StoreUnavailable):
            add(Journal(folder))
        assert before == target.read_bytes()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG])
def test_failed_write_is_taken_back(journal: Journal, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """A write that fails half-way leaves the file as before, and the next one works."""
    writer, before = again(journal), journal.path.read_bytes()
    calls: list[int] = []
    real = os.write

    def half(fd: int, data: bytes) -> int:
        calls.append(len(data))
        if len(calls) == 1:
            return real(fd, bytes(data)[:50])
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(StoreUnavailable, match="write to the journal"):
            add(writer)
    assert [50] == [calls[0] - calls[1]]
    assert before == journal.path.read_bytes()
    assert 4 == add(writer).seq


def test_failed_fsync_poisons(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failed fsync the outcome is unknown: the handle writes no more, a new one looks and goes on."""
    writer = again(journal)

    def failing(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", failing)
        with pytest.raises(OutcomeUnknown, match="may or may not be kept"):
            add(writer)
    size = journal.path.stat().st_size
    with pytest.raises(OutcomeUnknown, match="may or may not be kept"):
        add(writer)
    assert size == journal.path.stat().st_size
    assert 5 == add(again(journal)).seq


def test_busy_lock_is_told(journal: Journal) -> None:
    """Who waits too long for another writer gets StoreBusy, and nothing is changed."""
    holder, waiter = again(journal), Journal(journal.folder, lock_timeout=0.05)
    with holder.writing():
        caught: list[BaseException] = []

        def wait() -> None:
            try:
                add(waiter)
            except StoreBusy as error:
                caught.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
    assert ["Another process has been writing to"] == [str(error)[:35] for error in caught]
    assert 4 == add(waiter).seq


def test_the_lock_is_reentrant_in_a_thread(journal: Journal) -> None:
    """A writer may write inside of its own block, and the lock is free afterwards."""
    writer = again(journal)
    with writer.writing(), writer.writing():
        add(writer)
    assert 5 == add(again(journal)).seq


def test_an_interrupt_leaves_the_lock_free(journal: Journal) -> None:
    """A KeyboardInterrupt inside of the block gives the lock back."""
    writer = again(journal)
    with pytest.raises(KeyboardInterrupt), writer.writing():
        raise KeyboardInterrupt
    other = Journal(journal.folder, lock_timeout=0.2)
    assert 4 == add(other).seq


def test_writing_beside_the_lock_is_noticed(journal: Journal) -> None:
    """A commit that comes while the lock is held, from something that does not take it, is a Conflict."""
    writer, rude = again(journal), again(journal)
    rude.head()
    with writer.writing():
        seq = writer.head().seq
        rude.append(Commit("rude", "x", ANA, timestamp()), expect=seq)
        with pytest.raises(Conflict):
            writer.append(Commit("polite", "x", ANA, timestamp()), expect=seq)
    assert "rude" == next(iter(writer.since(3))).action


def test_a_damaged_rest_is_read_once(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a journal stays damaged, looking for news does not read the damaged part again."""
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole.replace(b"note 1", b"note X"))
    reader = again(journal)
    assert 1 == reader.head().seq
    monkeypatch.setattr("nbregistry.storage.journal.Scan", None)
    assert 1 == reader.head().seq
