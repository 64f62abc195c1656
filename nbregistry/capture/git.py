"""The state of the git checkout, asked of git in the background while the rest is captured.

A repository is not trusted: nothing its configuration names is run. No hook, file system monitor, pager, external diff,
text conversion or content filter of the repository's own, no submodule, no lock, no network. Outside a repository no
process is started.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

from nbregistry.capture.boundary import plain
from nbregistry.types import Document

MOST_DIFF = 200_000
"""Bytes of a diff that are kept."""

MOST_NAMES = 200
"""Names of changed, and of untracked, files that are kept."""

_SAFE = (
    "--no-pager", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}",
    "-c", "submodule.recurse=false", "-c", "core.quotePath=false", "-c", "color.ui=false",
    # a partial clone fetches what it misses, through whatever command its configuration says
    *(word for name in ("", "ssh.", "git.", "http.", "https.", "file.", "ext.")
      for word in ("-c", f"protocol.{name}allow=never")),
)  # fmt: skip


class Place(NamedTuple):
    """A working copy, and the folder of its git data."""

    top: Path
    git: Path


def find(folder: Path) -> Place | None:
    """Return the working copy a folder lies in, read from the file system alone."""
    for top in (folder, *folder.parents):
        mark = top / ".git"
        try:
            if (mark / "HEAD").is_file():
                return Place(top, mark)
            if mark.is_file():  # a worktree or a submodule
                told = mark.read_text("utf-8", "replace").partition("gitdir:")[2].strip()
                if told and (git := top / told).is_dir():
                    return Place(top, git)
        except OSError:
            return None
    return None


def start(folder: Path | None = None) -> Look:
    """Begin to look at the checkout around a folder (the working folder); returns at once."""
    try:
        place = find((folder or Path.cwd()).absolute())
    except OSError:  # the working folder is gone
        place = None
    return Look(place)


class Look:
    """A look at a working copy that runs in the background.

    Parameters
    ----------
    place : Place or None
        Where; None is answered with nothing.
    """

    def __init__(self, place: Place | None) -> None:
        self._place = place
        self._found: Document = {}
        self._child: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self._thread: threading.Thread | None = None
        if place is not None:
            self._found = _head(place.git)
            self._thread = threading.Thread(target=self._look, args=(place,), name="nbregistry-git", daemon=True)
            self._thread.start()

    def result(self, timeout: float = 2.0) -> Document:
        """Return what was found, waiting at most ``timeout`` seconds.

        Returns
        -------
        dict
            Empty outside a repository. Else ``commit``, ``branch`` (absent when detached), ``remote`` without
            credentials, ``dirty``, ``changed`` and ``untracked`` file names; ``diff`` of what is dirty (notebooks left
            out: their cells are captured), with ``diff_cut`` when it was longer; ``incomplete`` when time ran out, and
            ``problem`` when git refused.
        """
        if self._thread is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():
                self._stopped = True
                if (child := self._child) is not None:
                    child.kill()
                return {**self._found, "incomplete": True}
        return dict(self._found)

    def _look(self, place: Place) -> None:
        git = shutil.which("git")
        if git is None:
            self._found["problem"] = "git is not installed: only the commit is known"
            return
        try:
            settings, filters = self._settings(git, place)
            if self._stopped:
                return
            self._found.update(settings)
            status = self._run(git, place, filters, "status", "--porcelain=v2", "--branch", "--no-ahead-behind", "-z",
                               "--untracked-files=normal", "--ignore-submodules=dirty", "--no-renames")  # fmt: skip
            self._found.update(_status(status))
            if self._found.get("changed") and self._found.get("commit"):
                self._diff(git, place, filters)
        except (OSError, subprocess.SubprocessError) as fault:
            self._found["problem"] = plain(str(fault))[:300]

    def _settings(self, git: str, place: Place) -> tuple[Document, list[str]]:
        """Return the remote, and options that switch off the filters which the repository itself configures."""
        remotes = _plain_remotes(place.git)
        filters: set[str] = set()
        if remotes is None:
            wanted = r"^(remote\..*\.url|filter\.)"
            said = self._run(git, place, [], "config", "--null", "--show-scope", "--get-regexp", wanted, fine=(0, 1))
            fields = said.decode("utf-8", "replace").split("\0")
            remotes = {}
            for scope, entry in zip(fields[::2], fields[1::2], strict=False):
                key, _, value = entry.partition("\n")
                name = key.partition(".")[2].rpartition(".")[0]
                if key.startswith("remote."):
                    remotes.setdefault(name, value)
                elif scope not in {"global", "system"}:
                    filters.add(name)
        found: Document = {}
        if url := remotes.get("origin") or next(iter(remotes.values()), None):
            found["remote"] = plain(without_credentials(url))
        options: list[str] = []
        for name in sorted(filters):
            if "=" in name:  # cannot be switched off on the command line, so nothing is compared at all
                raise OSError(f"a content filter with the odd name {name[:40]!r} was not run: changes are not known")
            for key, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")):
                options += ["-c", f"filter.{name}.{key}={value}"]
        if filters:
            found["filters_skipped"] = sorted(map(plain, filters))[:MOST_NAMES]
        return found, options

    def _diff(self, git: str, place: Place, filters: list[str]) -> None:
        exclude = ("--", ":(top)", ":(top,exclude,icase)*.ipynb")
        said = self._run(git, place, filters, "diff", "HEAD", "--no-ext-diff", "--no-textconv", "--no-color",
                         "--no-renames", "--ignore-submodules=dirty", "--submodule=short", *exclude,
                         most=MOST_DIFF + 1)  # fmt: skip
        if said:
            self._found["diff"] = said[:MOST_DIFF].decode("utf-8", "replace")
        if len(said) > MOST_DIFF:
            self._found["diff_cut"] = True

    def _run(
        self, git: str, place: Place, options: list[str], *words: str, fine: tuple[int, ...] = (0,), most: int = 2**24
    ) -> bytes:
        """Run one git command and return what it printed, up to ``most`` bytes."""
        command = [git, *_SAFE, *options, "-C", str(place.top), f"--work-tree={place.top}", *words]
        with (
            tempfile.TemporaryFile() as complaints,  # a pipe that nobody reads would block git
            subprocess.Popen(  # noqa: S603 - git, with options of ours and names that it gave us
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints
            ) as child,
        ):
            self._child = child
            if self._stopped:
                child.kill()
            said = child.stdout.read(most) if child.stdout is not None else b""
            if len(said) >= most:
                child.kill()
                return said
            child.wait()
            self._child = None
            if child.returncode in fine:
                return said
            complaints.seek(0)
            lines = complaints.read(2_000).decode("utf-8", "replace").strip().splitlines()
        raise OSError(lines[0] if lines else f"git {words[0]} ended with {child.returncode}")


def _head(git: Path) -> Document:
    """Return commit and branch as the files say, for when git itself cannot be asked."""
    try:
        head = (git / "HEAD").read_text("utf-8", "replace").strip()
        if not head.startswith("ref:"):
            return {"commit": head} if _is_commit(head) else {}
        name = head[4:].strip()
        found: Document = {"branch": plain(name.removeprefix("refs/heads/"))}
        common = _common(git)
        loose = common / name
        if not name.startswith("refs/") or ".." in name:
            return {}
        commit = ""
        if loose.is_file():
            commit = loose.read_text("utf-8", "replace").strip()
        elif (packed := common / "packed-refs").is_file():
            lines = (line.split(" ", 1) for line in packed.read_text("utf-8", "replace").splitlines())
            commit = next((pair[0] for pair in lines if len(pair) == 2 and pair[1] == name), "")
        return {**found, "commit": commit} if _is_commit(commit) else found
    except OSError:
        return {}


def _common(git: Path) -> Path:
    """Return the folder that all worktrees of a repository share."""
    told = git / "commondir"
    return git / told.read_text("utf-8", "replace").strip() if told.is_file() else git


def _plain_remotes(git: Path) -> dict[str, str] | None:
    """Return the remotes' URLs if the configuration is so plain that git need not be asked; else None.

    Whatever could bring in filters (a section, an included file, a worktree's own configuration) is not plain.
    """
    try:
        text = (_common(git) / "config").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if re.search(r"filter|include|worktreeconfig", text, re.IGNORECASE):
        return None
    found: dict[str, str] = {}
    name = None
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = re.fullmatch(r'\[remote "([\w./-]+)"\]', line)
            if section is None and line.lower().startswith("[remote"):
                return None
            name = section[1] if section else None
        elif name is not None and (match := re.match(r"url\s*=\s*", line, re.IGNORECASE)):
            value = line[match.end() :]
            if re.search(r'["\\#;]', value):
                return None
            found.setdefault(name, value)
    return found


def _is_commit(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", text) is not None


def _status(said: bytes) -> Document:
    """Read ``git status --porcelain=v2 --branch -z --no-renames``."""
    found: Document = {}
    changed: list[str] = []
    untracked: list[str] = []
    for field in said.decode("utf-8", "replace").split("\0"):
        kind, _, rest = field.partition(" ")
        if kind == "#":
            key, _, value = rest.partition(" ")
            if key == "branch.oid" and _is_commit(value):
                found["commit"] = value
            elif key == "branch.head" and value != "(detached)":
                found["branch"] = value
        elif kind in {"1", "u"}:
            # eight fields before the path of a change, ten before that of a conflict
            changed.append(field.split(" ", 8 if kind == "1" else 10)[-1])
        elif kind == "?":
            untracked.append(rest)
    found["dirty"] = bool(changed)
    for key, names in (("changed", changed), ("untracked", untracked)):
        if names:
            found[key] = sorted(names)[:MOST_NAMES]
        if len(names) > MOST_NAMES:
            found[f"{key}_count"] = len(names)
    return found


def without_credentials(url: str) -> str:
    """Return a remote's URL without user, password and query; a path or an scp-like address stays as it is."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return url
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{re.split('[?#]', path)[0]}"
