"""F8: a registry that one may only read: reading works and tries no write, writing is refused with the reason."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nbregistry.errors import RegistryError, StoreReadOnly
from nbregistry.storage.repair import repair
from nbregistry.storage.store import Store
from nbregistry.storage.verify import verify
from tests.faults.children import Child, Tell
from tests.storage.making import ANA, changes, contents, filled, registers

Figures = Callable[..., None]
NOBODY = 65534
WRITES = {
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "os.link",
    "os.symlink",
}


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user can reach, which pytest's own is not."""
    folder = Path(tempfile.mkdtemp(prefix="nbregistry-read-only-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def shared(place: Path) -> Path:
    """A store that others can read and not write: with a checkpoint, commits behind it, an artifact and a torn tail."""
    store = filled(place / "store")
    store.save()
    store.commit(ANA, registers("churn", digest=store.blobs.put(b"model")))
    store.close()
    with (place / "store" / "journal").open("ab") as file:
        file.write(b"torn")
    for path in [place / "store", *(place / "store").rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    return place / "store"


def everything(store: Store) -> list[object]:
    """All that can be asked of a store without changing it."""
    view = store.view()
    with store.steady() as steady:
        documents = [dict(doc) for doc in steady.tables["versions"].all()]
    found = [
        view.seq, len(documents), view.tables["versions"].count(lambda doc: doc["stage"] == "Production"),
        len(list(store.history())), store.at_time(view.time).seq, store.id != "", list(store.blobs.digests()),
        store.blobs.verified(view.versions[7]["digest"]).read().decode(), verify(store).ok,
    ]  # fmt: skip
    store.close()
    store.reopen()
    return [*found, store.view().seq]


ATTEMPTS: dict[str, Callable[[Store], object]] = {
    "commit": lambda store: store.commit(ANA, changes("churn/1", note="x")),
    "save": lambda store: store.save(),
    "put": lambda store: store.blobs.put(b"new"),
    "delete": lambda store: store.blobs.delete(store.view().versions[7]["digest"]),
    "repair": lambda store: repair(store, ANA),
}


def as_stranger(folder: Path, home: Path) -> tuple[list[Any], list[Any]]:
    """Ask everything and try every change as a user who may only read; returns answers and refusals."""

    def work(tell: Tell, wait: Callable[[], None]) -> None:
        tried: list[str] = []

        def watch(event: str, given: tuple[Any, ...]) -> None:
            if event in WRITES or (event == "open" and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)):
                tried.append(f"{event} {given[0]}")

        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        sys.addaudithook(watch)
        store = Store(folder, home)
        found = everything(store)
        tell(tried, [str(answer) for answer in found])
        for name, attempt in ATTEMPTS.items():
            try:
                attempt(store)
                tell(name, "done", "")
            except RegistryError as error:
                tell(name, type(error).__name__, str(error))

    expected = everything(Store(folder, home))  # also imports here what is imported late, which the child may not read
    for attempt in (ATTEMPTS["save"], ATTEMPTS["put"]):
        with tempfile.TemporaryDirectory() as other:
            attempt(filled(Path(other) / "store", 1))
    with Child(work) as child:
        told = list(child.rest())
    assert [str(answer) for answer in expected] == told[0][1]
    return told[0][0], told[1:]


def test_as_another_user(shared: Path, figures: Figures) -> None:
    """Who may only read gets every answer without one attempt to write, and a plain refusal for every change."""
    before = contents(shared)
    tried, refusals = as_stranger(shared, shared.parent / "home")
    assert [] == tried
    assert [[name, "StoreReadOnly"] for name in ATTEMPTS] == [found[:2] for found in refusals]
    assert all("read-only here" in found[2] for found in refusals)
    assert before == contents(shared)
    figures("F8 another user's", answers=10, writes_tried=0, refused=len(refusals))


def test_on_a_read_only_mount(place: Path, figures: Figures) -> None:
    """The same for the owner, on a disk that is mounted for reading."""
    disk = place / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    done = subprocess.run(mount, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"FAULT TEST SKIPPED, NOTHING WAS SHOWN: nothing can be mounted here ({done.stderr.strip()})")
    try:
        store = filled(disk / "store")
        store.commit(ANA, registers("churn", digest=store.blobs.put(b"model")))
        store.close()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        before = contents(disk)
        again = Store(disk / "store", place / "elsewhere")
        assert 8 == everything(again)[0]
        for attempt in ATTEMPTS.values():
            with pytest.raises(StoreReadOnly, match="is read-only here"):
                attempt(again)
        assert before == contents(disk)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    figures("F8 read-only mount", answers=10, refused=len(ATTEMPTS))
