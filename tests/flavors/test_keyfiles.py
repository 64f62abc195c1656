"""Files that nobody else may read or write."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbregistry.errors import Damaged, Refused, StoreReadOnly, StoreUnavailable
from nbregistry.flavors import keyfiles
from nbregistry.flavors.trust import Keyring

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    old = os.umask(request.param)
    yield request.param
    os.umask(old)


def test_modes_do_not_depend_on_the_umask(tmp_path: Path, umask: int) -> None:
    """Under any umask the folder and those made above it are 0700 and the files 0600."""
    home = tmp_path / "config" / "nbregistry"
    keyring = Keyring(home)
    keyring.sign(b"")
    keyring.trust("A" * 43 + "=", "someone")
    assert (0o700, 0o700) == (mode(home.parent), mode(home))
    assert {"key.pem": 0o600, "trusted.json": 0o600, "trusted.lock": 0o600} == {p.name: mode(p) for p in home.iterdir()}


def test_nothing_is_open_even_for_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders and files are made closed, not closed after they were made."""
    monkeypatch.setattr(os, "fchmod", lambda fd, mode: None)
    monkeypatch.setattr(Path, "chmod", lambda path, mode: None)
    home, old = tmp_path / "config" / "nbregistry", os.umask(0)
    try:
        Keyring(home).sign(b"")
    finally:
        os.umask(old)
    assert (0o700, 0o700, 0o600) == (mode(home.parent), mode(home), mode(home / "key.pem"))


def test_a_link_laid_out_beforehand_is_not_followed(tmp_path: Path) -> None:
    """A key is never written through a link to somewhere else, dangling or not."""
    home, target = tmp_path / "home", tmp_path / "target"
    home.mkdir()
    (home / "key.pem").symlink_to(target)
    with pytest.raises(StoreUnavailable):
        Keyring(home).sign(b"")
    assert not target.exists()
    target.write_text("precious", "utf-8")
    target.chmod(0o600)
    with pytest.raises(Damaged):
        Keyring(home).sign(b"")
    assert "precious" == target.read_text("utf-8")


@pytest.mark.parametrize("name", ["key.pem", "trusted.json"])
def test_a_file_open_to_others_is_closed_and_that_is_said(tmp_path: Path, name: str) -> None:
    """What others could read or write is closed with a warning that names it, and works on."""
    home = tmp_path / "home"
    own = Keyring(home).fingerprint
    Keyring(home).trust("A" * 43 + "=", "someone")
    (home / name).chmod(0o666)
    with pytest.warns(UserWarning, match=rf"{name} could be \w+ by others until now"):
        assert {own, Keyring(home).trusted()[1].fingerprint} == {k.fingerprint for k in Keyring(home).trusted()}
    assert 0o600 == mode(home / name)


def test_a_readable_list_is_nobodys_business(tmp_path: Path) -> None:
    """The list of trusted keys holds no secret: that others can read it is left as it is."""
    home = tmp_path / "home"
    Keyring(home).trust("A" * 43 + "=", "someone")
    (home / "trusted.json").chmod(0o644)
    assert 1 == len(Keyring(home).trusted())
    assert 0o644 == mode(home / "trusted.json")


@pytest.mark.parametrize("name", ["key.pem", "trusted.json"])
def test_a_file_that_cannot_be_closed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """On a file system that keeps no permissions neither the key nor the list is used."""
    home = tmp_path / "home"
    Keyring(home).sign(b"")
    Keyring(home).trust("A" * 43 + "=", "someone")
    (home / name).chmod(0o666)
    monkeypatch.setattr(os, "fchmod", lambda fd, mode: None)
    with pytest.raises(Refused, match=rf"{name} can be \w+ by others, and that cannot be changed here"):
        Keyring(home).trusted()


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither key nor list is taken from a file that belongs to somebody else."""
    home = tmp_path / "home"
    Keyring(home).trust("A" * 43 + "=", "mallory")
    if os.geteuid() == 0:
        os.chown(home / "trusted.json", 12345, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(Refused, match="belongs to another user"):
        Keyring(home).is_trusted("ed25519:" + "0" * 32)


def test_a_home_others_can_write_is_closed_before_a_key_is_made(tmp_path: Path) -> None:
    """Others cannot put files in place of ours; a sticky folder such as /tmp is left alone."""
    loose, sticky = tmp_path / "loose", tmp_path / "sticky"
    for folder, bits in ((loose, 0o777), (sticky, 0o1777)):
        folder.mkdir()
        folder.chmod(bits)
        Keyring(folder).sign(b"")
    assert (0o755, 0o1777) == (mode(loose), mode(sticky))


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_read_only_home_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """On a read-only place signing is refused with the way out, and what is there can be read."""
    home = tmp_path / "home"
    Keyring(home).trust("A" * 43 + "=", "someone")
    real = os.open

    def read_only(path, flags, *rest, **named):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(number, os.strerror(number))
        return real(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(StoreReadOnly, match="no key to sign with can be made"):
        Keyring(home).sign(b"")
    with pytest.raises(StoreReadOnly, match="the list of trusted keys cannot be changed"):
        Keyring(home).trust("B" * 43 + "=", "other")
    assert ["someone"] == [k.name for k in Keyring(home).trusted()]


def test_a_full_disk_leaves_no_half_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full no key is made, the error says so, and the next try succeeds."""
    home = tmp_path / "home"

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreUnavailable, match="No space left"):
            Keyring(home).sign(b"")
        assert [] == list(home.iterdir())
    Keyring(home).sign(b"")


def test_without_hard_links_the_key_is_made_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that knows no links gets its key too, once."""

    def no_links(*args: object, **named: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_links)
    home = tmp_path / "home"
    first = Keyring(home).fingerprint
    assert first == Keyring(home).fingerprint
    assert (["key.pem"], 0o600) == ([p.name for p in home.iterdir()], mode(home / "key.pem"))


def test_a_key_being_written_is_waited_for(tmp_path: Path) -> None:
    """An empty key file is another process's for a moment, and damage after that."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "key.pem").touch(mode=0o600)
    with pytest.raises(Damaged, match=r"key\.pem is empty"):
        keyfiles.read_key(home)


def test_a_folder_or_a_pipe_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    """What is no file is named, and a pipe does not hang the reader."""
    home = tmp_path / "home"
    (home / "key.pem").mkdir(parents=True)
    os.mkfifo(home / "trusted.json", 0o600)
    for read in (keyfiles.read_key, keyfiles.read_list):
        with pytest.raises(Refused, match="is not a file"):
            read(home)
