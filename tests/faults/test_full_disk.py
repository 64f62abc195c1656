"""F7: no room left. What fails is taken back, reading goes on, and with room again the same handle writes."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nbregistry.errors import StoreUnavailable
from nbregistry.storage.store import Store
from nbregistry.storage.verify import verify
from tests.faults.children import Child, Tell
from tests.storage.making import ANA, contents, filled, registers

Figures = Callable[..., None]


@pytest.fixture(params=["tmpfs", "ext4 without inodes"])
def tiny_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A disk of half a megabyte, or one with a few inodes, where we may mount."""
    place = tmp_path / "disk"
    place.mkdir()
    if request.param == "tmpfs":
        command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)]
    else:
        image = tmp_path / "image"
        with image.open("wb") as file:
            file.truncate(2 << 20)
        if subprocess.run(["mkfs.ext4", "-q", "-N", "32", str(image)], check=False, capture_output=True).returncode:
            pytest.skip("FAULT TEST SKIPPED, NOTHING WAS SHOWN: mkfs.ext4 is missing")
        command = ["mount", "-o", "loop", str(image), str(place)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"FAULT TEST SKIPPED, NOTHING WAS SHOWN: nothing can be mounted here ({done.stderr.strip()})")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_disk_fills_up(tiny_disk: Path, tmp_path: Path, figures: Figures) -> None:
    """Commits until the disk is full, then artifacts; all acknowledged is there; after freeing, the next one works."""
    store = Store(tiny_disk / "store", tmp_path / "home")
    acked, refused = [], 0
    store.commit(ANA, registers("churn"))
    (tiny_disk / "ballast").mkdir()
    for number in range(5):
        (tiny_disk / "ballast" / str(number)).write_bytes(b"x" * 4096)
    for number in range(10_000):
        try:
            acked.append(
                store.commit(ANA, registers("churn", note="x" * 2000, digest=store.blobs.put(b"%d" % number * 500)))
            )
        except StoreUnavailable as error:
            assert "no room" in str(error)
            refused += 1
            if refused == 5:
                break
    assert refused
    history = {commit.seq: commit.hash for commit in store.history()}
    assert [] == [commit.seq for commit in acked if history[commit.seq] != commit.hash]
    assert len(acked) + 1 == len(store.view().versions)
    assert () == verify(store).findings
    shutil.rmtree(tiny_disk / "ballast")
    done = store.commit(ANA, registers("churn", digest=store.blobs.put(b"small")))
    assert history[max(history)] == done.prev
    assert () == verify(store).findings
    store.close()
    figures("F7 full disk", acked=len(acked), refused=refused, lost=0, restarts=0)


def test_file_size_limit(tmp_path: Path, figures: Figures) -> None:
    """A write that the system cuts short at a limit is taken back to the byte; above the limit the handle goes on."""
    folder, home = tmp_path / "store", tmp_path / "home"
    filled(folder).close()
    size = (folder / "journal").stat().st_size

    def work(tell: Tell, wait: Callable[[], None]) -> None:
        store = Store(folder, home)
        store.view()
        for room in (0, 1, 80, 300):
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, resource.RLIM_INFINITY))
            try:
                store.commit(ANA, registers("churn"))
                tell("done")
            except StoreUnavailable as error:
                tell(str(error), (folder / "journal").stat().st_size, len(store.view().versions))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        tell(store.commit(ANA, registers("churn")).seq)

    with Child(work) as child:
        told = list(child.rest())
    assert [(size, 6)] * 4 == [(found, versions) for _, found, versions in told[:4]]
    assert all("no room" in text for text, _, _ in told[:4])
    assert [8] == told[4]
    store = Store(folder, home)
    assert () == verify(store).findings
    figures("F7 size limit", limits=4, refused=4, bytes_left_behind=0, restarts=0)


def test_no_file_handles_left(tmp_path: Path) -> None:
    """A process out of file handles is refused and loses nothing; with handles again the same store goes on."""
    folder, home = tmp_path / "store", tmp_path / "home"
    filled(folder).close()
    before = contents(folder)

    def work(tell: Tell, wait: Callable[[], None]) -> None:
        store = Store(folder, home)
        store.view()
        hoard = []
        try:
            while True:
                hoard.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            tell(len(hoard) > 0)
        try:
            store.commit(ANA, registers("churn"))
            tell("done")
        except StoreUnavailable as error:
            tell(str(error))
        for fd in hoard:
            os.close(fd)
        tell(store.commit(ANA, registers("churn")).seq)

    old = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, old[1]))
    try:
        with Child(work) as child:
            told = [found[0] for found in child.rest()]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, old)
    assert "Too many open files" in told[1]
    assert (True, 8) == (told[0], told[2])
    assert contents(folder)["journal"].startswith(before["journal"])
