"""What every blob store must do, held against each implementation; and what only a folder can get wrong."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from pathlib import Path

import pytest

from nbregistry.domain.ports import Blobs
from nbregistry.errors import Damaged, InvalidInput
from nbregistry.storage import blobs as module
from nbregistry.storage.blobs import BucketBlobs, FolderBlobs
from nbregistry.storage.memory import MemoryBlobs

AnyBlobs = FolderBlobs | MemoryBlobs | BucketBlobs
HELLO = hashlib.sha256(b"hello").hexdigest()


@pytest.fixture(params=["folder", "memory", "bucket"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> AnyBlobs:
    if request.param == "folder":
        return FolderBlobs(tmp_path / "blobs")
    return MemoryBlobs() if request.param == "memory" else BucketBlobs(f"memory://{tmp_path.name}")


def test_put_names_by_content(blobs: AnyBlobs) -> None:
    """A blob's name is the SHA-256 of its bytes, and it reads back."""
    port: Blobs = blobs
    assert HELLO == port.put(b"hello")
    with port.open(HELLO) as file:
        assert b"hello" == file.read()
    with port.verified(HELLO) as file:
        assert b"hello" == file.read()
    assert (True, 5) == (port.has(HELLO), port.size(HELLO))


def test_put_takes_a_file(blobs: AnyBlobs, tmp_path: Path) -> None:
    """A file's content is stored as bytes would be."""
    (tmp_path / "model.bin").write_bytes(b"hello")
    assert HELLO == blobs.put(tmp_path / "model.bin")


def test_same_content_is_stored_once(blobs: AnyBlobs) -> None:
    """Putting again changes nothing."""
    assert [HELLO, HELLO] == [blobs.put(b"hello"), blobs.put(b"hello")]
    assert [HELLO] == list(blobs.digests())


def test_writing_streams(blobs: AnyBlobs) -> None:
    """What is written piece by piece, in any kind of buffer, is one blob."""
    with blobs.writing() as stream:
        stream.write(b"he")
        stream.write(bytearray(b"l"))
        stream.write(memoryview(b"lo"))
    assert (HELLO, 5) == (stream.digest(), stream.size)
    assert blobs.has(HELLO)


def test_writing_that_fails_leaves_nothing(blobs: AnyBlobs) -> None:
    """An error in the block passes through, and no blob appears."""

    def fails() -> None:
        with blobs.writing() as stream:
            stream.write(b"hello")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert [] == list(blobs.digests())


def test_missing_is_damage(blobs: AnyBlobs) -> None:
    """A blob that should be there and is not is Damaged, whichever way one asks; only ``has`` says False."""
    for ask in (blobs.open, blobs.verified, blobs.size):
        with pytest.raises(Damaged, match="missing"):
            ask(HELLO)
    assert not blobs.has(HELLO)


def test_delete_is_calm(blobs: AnyBlobs) -> None:
    """What is deleted is gone, and deleting it again is fine."""
    blobs.put(b"hello")
    blobs.delete(HELLO)
    blobs.delete(HELLO)
    assert [] == list(blobs.digests())


def test_digests_lists_all_sorted(blobs: AnyBlobs) -> None:
    """Every blob is listed once, in order."""
    put = {blobs.put(bytes([n]) * n) for n in range(50)}
    assert sorted(put) == list(blobs.digests())


def test_changed_bytes_are_not_given_out(blobs: AnyBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that do not hash to their name are Damaged, in memory and through a copy on disk."""
    blobs.put(b"hello")
    if isinstance(blobs, FolderBlobs):
        _force(blobs.path(HELLO), b"jello")
    elif isinstance(blobs, MemoryBlobs):
        blobs._bytes[HELLO] = b"jello"
    else:
        blobs._files.pipe_file(blobs.path(HELLO), b"jello")
    for limit in (1 << 20, 1):
        monkeypatch.setattr(module, "_IN_MEMORY", limit)
        with pytest.raises(Damaged, match="does not match"):
            blobs.verified(HELLO)


@pytest.mark.parametrize(
    "digest", ["", "x", HELLO.upper(), HELLO[:-1] + "g", "../" * 21 + "x", HELLO + "0", f"{HELLO[:-1]}\n"]
)
@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_only_digests_become_paths(digest: str, kind: str, tmp_path: Path) -> None:
    """Nothing but 64 lower-case hexadecimal digits ever becomes part of a path."""
    blobs = FolderBlobs(tmp_path) if kind == "folder" else BucketBlobs("memory://x")
    for ask in (blobs.open, blobs.verified, blobs.has, blobs.size, blobs.delete):
        with pytest.raises(InvalidInput, match="not a SHA-256"):
            ask(digest)


@pytest.mark.parametrize("damage", [b"", b"jello", b"hello!"])
def test_putting_again_heals(damage: bytes, tmp_path: Path) -> None:
    """A damaged blob is written anew when its content comes by, from bytes and from a stream."""
    blobs = FolderBlobs(tmp_path)
    blobs.put(b"hello")
    for put in (lambda: blobs.put(b"hello"), lambda: _stream(blobs, b"hello")):
        _force(blobs.path(HELLO), damage)
        put()
        assert b"hello" == blobs.path(HELLO).read_bytes()


def test_a_link_is_refused_and_replaced(tmp_path: Path) -> None:
    """A blob that is a symbolic link is not followed; putting the content replaces the link, not its target."""
    blobs = FolderBlobs(tmp_path / "blobs")
    blobs.put(b"hello")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"hello")
    blobs.path(HELLO).unlink()
    blobs.path(HELLO).symlink_to(elsewhere)
    with pytest.raises(Damaged, match="symbolic link"):
        blobs.verified(HELLO)
    blobs.put(b"hello")
    assert not blobs.path(HELLO).is_symlink()
    assert b"hello" == elsewhere.read_bytes()


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_is_no_file_is_damage(tmp_path: Path, kind: str) -> None:
    """A named pipe or a folder in a blob's place is told at once; nobody waits for a pipe's writer."""
    blobs = FolderBlobs(tmp_path)
    blobs.put(b"hello")
    blobs.path(HELLO).unlink()
    os.mkfifo(blobs.path(HELLO)) if kind == "pipe" else blobs.path(HELLO).mkdir()
    with pytest.raises(Damaged, match="no regular file"):
        blobs.verified(HELLO)


def test_verified_bytes_cannot_change_any_more(tmp_path: Path) -> None:
    """What ``verified`` gave stays what it was when the file behind it is changed."""
    blobs = FolderBlobs(tmp_path)
    blobs.put(b"hello")
    with blobs.verified(HELLO) as file:
        _force(blobs.path(HELLO), b"jello")
        assert b"hello" == file.read()


def test_only_the_owner_can_read(tmp_path: Path) -> None:
    """Under an open umask folders are 0700 and blobs 0400; a folder shared with a group lets the group read."""
    old = os.umask(0)
    try:
        blobs = FolderBlobs(tmp_path / "blobs")
        blobs.put(b"hello")
        assert [0o700, 0o700, 0o400] == _modes(blobs)
        blobs.root.chmod(0o750)
        blobs.put(b"other")
        assert 0o440 == stat.S_IMODE(blobs.path(hashlib.sha256(b"other").hexdigest()).stat().st_mode)
    finally:
        os.umask(old)


def test_sweep_takes_what_is_old_and_unfinished(tmp_path: Path) -> None:
    """Drafts older than the grace are removed, younger ones and blobs stay."""
    blobs = FolderBlobs(tmp_path)
    blobs.put(b"hello")
    for name, age in (("old", 3600), ("young", 0)):
        (tmp_path / "drafts" / name).write_bytes(b"half")
        os.utime(tmp_path / "drafts" / name, (os.stat(tmp_path).st_mtime - age,) * 2)
    assert 1 == blobs.sweep(grace=600)
    assert ["young"] == os.listdir(tmp_path / "drafts")
    assert [HELLO] == list(blobs.digests())
    assert 0 == BucketBlobs("memory://sweep").sweep()


def test_large_content_needs_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is larger than the limit is verified in a copy on disk that has no name."""
    monkeypatch.setattr(module, "_IN_MEMORY", 1000)
    blobs = FolderBlobs(tmp_path)
    digest = blobs.put(b"x" * 5000)
    with blobs.verified(digest) as file:
        assert not isinstance(file, io.BytesIO)
        assert 5000 == len(file.read())


def _stream(blobs: FolderBlobs, content: bytes) -> None:
    with blobs.writing() as stream:
        stream.write(content)


def _force(path: Path, content: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(content)


def _modes(blobs: FolderBlobs) -> list[int]:
    path = blobs.path(HELLO)
    return [stat.S_IMODE(p.stat().st_mode) for p in (blobs.root, path.parent, path)]
