from __future__ import annotations

import os
import stat
import subprocess
import time
from pathlib import Path

import pytest

from nbregistry.capture import git
from nbregistry.capture.git import MOST_DIFF, MOST_NAMES, Look, find, start, without_credentials
from nbregistry.domain.commits import canonical
from nbregistry.types import Document


def run(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    run(folder, "init", "-q")
    (folder / "model.py").write_text("C = 1\n")
    (folder / "nb.ipynb").write_text("{}\n")
    run(folder, "add", ".")
    run(folder, "commit", "-q", "-m", "first")
    return folder


def look(folder: Path) -> Document:
    found = start(folder).result(20)
    canonical(found)
    return found


def test_a_clean_checkout(repository: Path) -> None:
    """Commit, branch and that nothing is changed, also from a folder within."""
    (repository / "deep" / "er").mkdir(parents=True)
    expected = {"commit": run(repository, "rev-parse", "HEAD"), "branch": "main", "dirty": False}
    assert expected == look(repository) == look(repository / "deep" / "er")


def test_what_is_not_committed(repository: Path) -> None:
    """Changed and untracked names and the diff; of notebooks only the name, for their cells are captured."""
    (repository / "model.py").write_text("C = 2\n")
    (repository / "nb.ipynb").write_text('{"cells": []}\n')
    (repository / "new \u00e9.txt").write_text("?")
    (repository / "staged.py").write_text("D = 1\n")
    run(repository, "add", "staged.py")
    found = look(repository)
    assert found["dirty"] is True
    assert ["model.py", "nb.ipynb", "staged.py"] == found["changed"]
    assert ["new \u00e9.txt"] == found["untracked"]
    assert {"-C = 1", "+C = 2", "+D = 1"} <= set(found["diff"].splitlines())
    assert "cells" not in found["diff"]
    assert "diff_cut" not in found


def test_a_detached_head_and_an_empty_repository(repository: Path, tmp_path: Path) -> None:
    """No branch when detached; a branch and no commit before the first one."""
    run(repository, "checkout", "-q", "--detach")
    assert {"commit": run(repository, "rev-parse", "HEAD"), "dirty": False} == look(repository)
    empty = tmp_path / "empty"
    empty.mkdir()
    run(empty, "init", "-q")
    (empty / "a").write_text("x")
    assert {"branch": "main", "dirty": False, "untracked": ["a"]} == look(empty)


def test_a_conflict_and_a_name_with_blanks(repository: Path) -> None:
    """Files in conflict and files with blanks in their names are told by their whole names."""
    (repository / "a b.py").write_text("1\n")
    run(repository, "add", ".")
    run(repository, "commit", "-q", "-m", "blank")
    run(repository, "checkout", "-q", "-b", "other", "HEAD~1")
    (repository / "model.py").write_text("C = 3\n")
    run(repository, "commit", "-q", "-am", "other")
    run(repository, "checkout", "-q", "main")
    (repository / "model.py").write_text("C = 4\n")
    run(repository, "commit", "-q", "-am", "main")
    subprocess.run(["git", "merge", "other"], cwd=repository, check=False, capture_output=True)
    (repository / "a b.py").write_text("2\n")
    assert ["a b.py", "model.py"] == look(repository)["changed"]


def test_a_worktree(repository: Path, tmp_path: Path) -> None:
    """A second working copy, whose .git is a file, tells its own branch."""
    run(repository, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    run(repository, "pack-refs", "--all")
    found = look(tmp_path / "side")
    assert ("side", run(repository, "rev-parse", "HEAD")) == (found["branch"], found["commit"])


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://me:secret@host/x.git", "https://host/x.git"),
        ("https://token@host/x.git?a=b", "https://host/x.git"),
        ("ssh://git@host:22/x", "ssh://host:22/x"),
        ("git@host:team/x.git", "git@host:team/x.git"),
        ("/srv/x.git", "/srv/x.git"),
        ("https://host", "https://host"),
    ],
)
def test_the_remote_has_no_credentials(repository: Path, url: str, expected: str) -> None:
    """User, password and query of the remote's URL are not kept, whichever way it was read."""
    assert expected == without_credentials(url)
    run(repository, "remote", "add", "other", "https://other/x")
    run(repository, "remote", "add", "origin", url)
    assert expected == look(repository)["remote"]
    run(repository, "config", "include.path", "/dev/null")
    assert expected == look(repository)["remote"]


def test_outside_a_repository_no_process_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no folder above has git data the answer is empty, at once and without a process."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert {} == start(tmp_path).result()
    (tmp_path / ".git").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / ".git").write_text("gitdir: nowhere\n")
    assert find(tmp_path / "b") is None


def test_without_git_the_commit_is_read_from_the_files(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commit and branch are known though git is not installed, loose and packed, and the reader is told."""
    monkeypatch.setattr("shutil.which", lambda _: None)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True
    ).stdout.strip()
    expected = {"commit": commit, "branch": "main", "problem": "git is not installed: only the commit is known"}
    assert expected == look(repository)
    run(repository, "pack-refs", "--all")
    assert expected == look(repository)
    run(repository, "checkout", "-q", "--detach")
    assert commit == look(repository)["commit"]
    (repository / ".git" / "HEAD").write_text("ref: refs/heads/../../../../etc/passwd\n")
    assert {"problem"} == set(look(repository))


def test_a_repository_that_git_refuses(repository: Path) -> None:
    """What git says against a repository is told; what the files say stays."""
    (repository / ".git" / "config").write_text("[core\n")
    found = look(repository)
    assert "bad config" in found["problem"]
    assert "main" == found["branch"]


def test_a_large_diff_is_cut(repository: Path) -> None:
    """Of a very large diff the beginning is kept, and of very many names the first."""
    (repository / "model.py").write_text("x = 1\n" * 100_000)
    for i in range(MOST_NAMES + 5):
        (repository / f"new{i:04}").touch()
    found = look(repository)
    assert MOST_DIFF == len(found["diff"])
    assert found["diff_cut"] is True
    assert (MOST_NAMES, MOST_NAMES + 5) == (len(found["untracked"]), found["untracked_count"])


def hostile(repository: Path, mark: Path, *settings: tuple[str, str], then: str = "cat") -> None:
    """Make a program that leaves a mark, and a repository whose configuration asks for it."""
    program = repository / ".git" / "evil"
    program.write_text(f"#!/bin/sh\ntouch '{mark}'\n{then} 2>/dev/null\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    for key, value in settings:
        run(repository, "config", key, value.replace("EVIL", str(program)))


ATTACKS = {
    "file system monitor": (("core.fsmonitor", "EVIL"),),
    "external diff": (("diff.external", "EVIL"),),
    "diff driver": (("diff.bad.command", "EVIL"),),
    "text conversion": (("diff.bad.textconv", "EVIL"),),
    "clean filter": (("filter.bad.clean", "EVIL"),),
    "required filter": (("filter.bad.clean", "EVIL"), ("filter.bad.required", "true")),
    "filter process": (("filter.bad.process", "EVIL"),),
    "pager": (("core.pager", "EVIL"), ("pager.diff", "EVIL"), ("pager.status", "EVIL")),
    "included filter": (("include.path", "more"),),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_a_repository_names_is_run(repository: Path, tmp_path: Path, attack: str) -> None:
    """Programs in a repository's own configuration are not run; git itself, asked plainly, does run them."""
    mark = tmp_path / "mark"
    (repository / ".gitattributes").write_text("*.py diff=bad filter=bad\n")
    hostile(repository, mark, *ATTACKS[attack])
    if attack == "included filter":
        (repository / ".git" / "more").write_text(f'[filter "bad"]\n\tclean = {repository / ".git" / "evil"}\n')
    time.sleep(0.01)
    (repository / "model.py").write_text("C = 9\n")
    found = look(repository)
    assert ["model.py"] == found["changed"]
    assert "+C = 9" in found["diff"].splitlines()
    assert not mark.exists()
    if attack != "pager":  # which git starts for a terminal only
        for words in (["git", "status"], ["git", "diff", "HEAD"]):
            subprocess.run(words, cwd=repository, check=False, capture_output=True)
        assert mark.exists(), "the attack itself does not work"


def test_a_partial_clone_fetches_nothing(repository: Path, tmp_path: Path) -> None:
    """A missing object is not fetched through the command that the repository names for it."""
    mark = tmp_path / "mark"
    settings = {
        "core.sshCommand": "EVIL", "core.repositoryformatversion": "1", "extensions.partialClone": "origin",
        "remote.origin.url": "ssh://host/x", "remote.origin.promisor": "true", "protocol.ssh.allow": "always",
    }  # fmt: skip
    hostile(repository, mark, *settings.items(), then="exit 1")
    blob = run(repository, "rev-parse", "HEAD:model.py")
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    (repository / "model.py").write_text("C = 9\n")
    found = look(repository)
    assert not mark.exists()
    assert "problem" in found
    subprocess.run(["git", "diff", "HEAD"], cwd=repository, check=False, capture_output=True)
    assert mark.exists(), "the attack itself does not work"


def test_another_working_tree_is_not_looked_at(repository: Path, tmp_path: Path) -> None:
    """A repository cannot point us at somebody's files by naming them its working tree."""
    private = tmp_path / "private"
    private.mkdir()
    (private / "model.py").write_text("private\n")
    run(repository, "config", "core.worktree", str(private))
    found = look(repository)
    assert found["dirty"] is False
    assert "diff" not in found


def test_a_filter_of_an_odd_name_stops_the_look(repository: Path, tmp_path: Path) -> None:
    """A filter that cannot be switched off by name means that nothing is compared, and that is said."""
    hostile(repository, tmp_path / "mark", ("filter.a=b.clean", "EVIL"))
    (repository / ".gitattributes").write_text("*.py filter=a=b\n")
    (repository / "model.py").write_text("C = 9\n")
    found = look(repository)
    assert "odd name" in found["problem"]
    assert "dirty" not in found
    assert not (tmp_path / "mark").exists()


def test_filters_that_were_not_run_are_told(repository: Path) -> None:
    """A reader of the record sees that a filter was skipped."""
    run(repository, "config", "filter.nbstripout.clean", "cat")
    assert ["nbstripout"] == look(repository)["filters_skipped"]


def slow_git(folder: Path, seconds: int) -> str:
    program = folder / "git"
    program.write_text(f"#!/bin/sh\nexec sleep {seconds}\n")
    program.chmod(0o755)
    return str(program)


def test_a_git_that_hangs_is_left_behind(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time given what the files say is returned, and the process is ended."""
    program = slow_git(tmp_path, 600)
    monkeypatch.setattr("shutil.which", lambda _: program)
    begun = start(repository)
    time.sleep(0.2)
    child = begun._child
    assert child is not None
    started = time.perf_counter()
    found = begun.result(0.1)
    assert time.perf_counter() - started < 5
    assert found["incomplete"] is True
    assert "main" == found["branch"]
    begun._thread.join(10)  # type: ignore[union-attr]  # it was started
    assert child.returncode is not None


def test_starting_does_not_wait(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting returns at once though git takes its time."""
    monkeypatch.setattr("shutil.which", lambda _: slow_git(tmp_path, 600))
    started = time.perf_counter()
    begun = start(repository)
    assert time.perf_counter() - started < 0.1
    begun.result(0)


def test_a_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder that was removed is no repository."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert {} == start().result()
    assert {} == Look(None).result()
    monkeypatch.chdir(tmp_path)


def test_odd_configurations_are_left_to_git(repository: Path) -> None:
    """Only the plainest configuration is read by ourselves; the rest git reads, with the same answer."""
    config = repository / ".git" / "config"
    plain = config.read_text()
    for text in ('[remote "origin"]\n\turl = "https://h/x" ; c\n', '[REMOTE "origin"]\n url=https://h/x\n'):
        config.write_text(plain + text)
        assert git._plain_remotes(repository / ".git") is None
        assert "https://h/x" == look(repository)["remote"]
    config.write_text(plain + '[remote "origin"]\n\tfetch = a\n\turl = https://h/x\n[branch "url"]\n\turl = no\n')
    assert {"origin": "https://h/x"} == git._plain_remotes(repository / ".git")
    assert os.fspath(config)
