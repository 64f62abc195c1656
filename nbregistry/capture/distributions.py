"""Which installed distribution each imported module comes from, read off the folders it lies in.

``importlib.metadata.packages_distributions`` parses every installed distribution. Here a distribution is looked at only
when a module of it is loaded: first the one of the module's own name, checked against its list of files, and only for
modules that have another name than their distribution all the lists of files of that folder.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import sys
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

_MOST_ENTRIES = 20_000
_INFO = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)(?:-py[^-]*)?\.(?:dist|egg)-info\Z")
_OWN_FOLDERS = ("", "src", "lib", "python")


@dataclass(frozen=True, slots=True)
class Distribution:
    """One installed distribution.

    Attributes
    ----------
    name : str
        Normalised: lower case, runs of ``-_.`` are one ``-``.
    info : str
        Path of its ``.dist-info`` or ``.egg-info``.
    """

    name: str
    version: str
    info: str

    def files(self) -> bytes:
        """Return its list of files as written, each line beginning with a path; empty where there is none."""
        for name in ("RECORD", "installed-files.txt"):
            try:
                return b"\n" + Path(self.info, name).read_bytes()
            except OSError:
                continue
        return b""

    def source(self) -> str | None:
        """Return the project folder of an editable installation."""
        try:
            told = json.loads(Path(self.info, "direct_url.json").read_bytes())
            if not told["dir_info"]["editable"]:
                return None
            path = urllib.parse.urlsplit(told["url"]).path
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return os.path.realpath(urllib.request.url2pathname(path))


def normalised(name: str) -> str:
    """Return a distribution's name as PEP 503 normalises it."""
    return re.sub(r"[-_.]+", "-", name).lower()


class Folder:
    """One folder that distributions are installed into, and what it said when it was last read."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.changed = os.stat(path).st_mtime_ns
        self.by_name: dict[str, Distribution] = {}
        with os.scandir(path) as entries:
            for entry in itertools.islice(entries, _MOST_ENTRIES):
                if entry.name.endswith(("-info", ".egg-info")) and (found := _read_info(entry)) is not None:
                    self.by_name[found.name] = found
        self._tops: dict[str, list[Distribution]] | None = None

    def owner(self, file: str, *, shared: bool) -> Distribution | None:
        """Return the distribution that installed a file.

        Parameters
        ----------
        file : str
            Path relative to this folder.
        shared : bool
            Whether the file's topmost folder holds several distributions (a namespace package).
        """
        line = file.replace(os.sep, "/")
        top = line.partition("/")[0]
        named = self.by_name.get(normalised(top.partition(".")[0]))
        if named is not None and not shared:
            listed = named.files()
            if not listed or f"\n{line},".encode() in listed or f"\n{line}\n".encode() in listed:
                return named
        owners = self._owners()
        # a list of topmost modules has them without their ending
        candidates = owners.get(top) or owners.get(top.partition(".")[0], [])
        if len(candidates) > 1 or shared:
            candidates = [d for d in candidates if f"\n{line},".encode() in d.files()]
        return candidates[0] if candidates else None

    def _owners(self) -> dict[str, list[Distribution]]:
        if self._tops is None:
            self._tops = {}
            for found in self.by_name.values():
                tops = set(re.findall(rb"^([^/,\n]+)[/,]", found.files(), re.MULTILINE)) or _top_level(found)
                for top in tops:
                    self._tops.setdefault(top.decode("utf-8", "replace"), []).append(found)
        return self._tops


def _read_info(entry: os.DirEntry[str]) -> Distribution | None:
    match = _INFO.match(entry.name)
    if match:
        return Distribution(normalised(match["name"]), match["version"], entry.path)
    for name in ("METADATA", "PKG-INFO", ""):
        try:
            head = Path(entry.path, name).read_text("utf-8", "replace")[:10_000] if name or entry.is_file() else ""
        except OSError:
            continue
        fields = dict(re.findall(r"^(Name|Version):[ \t]*(\S+)", head, re.MULTILINE))
        if len(fields) == 2:
            return Distribution(normalised(fields["Name"]), fields["Version"], entry.path)
    return None


def _top_level(found: Distribution) -> set[bytes]:
    try:
        return set(Path(found.info, "top_level.txt").read_bytes().split())
    except OSError:
        return {found.name.replace("-", "_").encode()}


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of one imported distribution.

    Attributes
    ----------
    version : str
        Of what is imported.
    installed : str
        Of what lies in the folder now; differs when it was upgraded under a running kernel.
    editable : bool
        Whether it is imported from a working copy.
    """

    version: str
    installed: str
    editable: bool


class Imported:
    """The distributions whose modules are loaded; remembers what it has looked at, so that asking again is cheap.

    Parameters
    ----------
    started : float, optional
        When the process started, in seconds of the epoch.
    modules, path : dict, list of str; optional
        In place of ``sys.modules`` and ``sys.path``.
    """

    def __init__(
        self,
        started: float | None = None,
        *,
        modules: dict[str, ModuleType] | None = None,
        path: Sequence[str] | None = None,
    ) -> None:
        self.found: dict[str, Found] = {}
        self._started = started
        self._modules = sys.modules if modules is None else modules
        self._own_path = path
        self._seen: dict[str, int] = {}
        self._last: tuple[int, str] = (0, "")
        self._folders: dict[str, Folder | None] = {}
        self._sources: dict[str, list[tuple[str, Distribution]]] = {}
        self._lock = threading.Lock()

    @property
    def _path(self) -> Sequence[str]:
        return sys.path if self._own_path is None else self._own_path

    def refresh(self) -> dict[str, Found]:
        """Look at the modules loaded since the last time; return all distributions found, by name."""
        mark = (len(self._modules), next(reversed(self._modules), ""))
        if mark != self._last:
            with self._lock:
                for name, module, shared in _owned(dict(self._modules)):
                    if self._seen.get(name) != id(module):
                        self._seen[name] = id(module)
                        self._look(module, shared=shared)
                self._last = mark
        return dict(self.found)

    def _look(self, module: ModuleType, *, shared: bool) -> None:
        file = _attributes(module).get("__file__")
        if not isinstance(file, str):
            return
        for place in sorted({p for p in self._path if p and file.startswith(p + os.sep)}, key=len, reverse=True):
            folder = self._folder(place)
            if folder is not None and (found := folder.owner(file[len(place) + 1 :], shared=shared)) is not None:
                self._add(found, module, editable=found.info.endswith(".egg-info") and not place.endswith("-packages"))
                return
            if place.endswith("-packages"):
                return
        if (source := self._editable(file)) is not None:
            self._add(source, module, editable=True)

    def _add(self, found: Distribution, module: ModuleType, *, editable: bool) -> None:
        version, said = found.version, str(_attributes(module).get("__version__", ""))
        if self._started is not None and not editable and _another(said, version):
            try:
                replaced = os.stat(found.info).st_mtime > self._started
            except OSError:
                replaced = True
            version = said if replaced else version
        self.found[found.name] = Found(version, found.version, editable)

    def _folder(self, place: str) -> Folder | None:
        known = self._folders.get(place)
        try:
            if place not in self._folders or (known is not None and os.stat(place).st_mtime_ns != known.changed):
                read = Folder(place)
                self._folders[place] = read if read.by_name else None
        except OSError:
            self._folders[place] = None
        return self._folders[place]

    def _editable(self, file: str) -> Distribution | None:
        """Return the editable distribution whose working copy a file lies in."""
        file = os.path.realpath(file)
        base = os.path.dirname(os.path.dirname(file) if os.path.basename(file).startswith("__init__.") else file)
        top = normalised(os.path.relpath(file, base).partition(os.sep)[0].partition(".")[0])
        for place in (p for p in self._path if p.endswith("-packages")):
            folder = self._folder(place)
            if folder is None:
                continue
            if place not in self._sources:
                pairs = ((d.source(), d) for d in folder.by_name.values())
                self._sources[place] = [(source, d) for source, d in pairs if source is not None]
            for source, found in self._sources[place]:
                own = base in {os.path.join(source, sub).rstrip(os.sep) for sub in _OWN_FOLDERS}
                if own or (top == found.name and base.startswith(source + os.sep)):
                    return found
        return None


def _attributes(module: Any) -> dict[str, Any]:
    """Return a module's attributes without waking one that loads itself on the first access."""
    try:
        found: dict[str, Any] = object.__getattribute__(module, "__dict__")
    except AttributeError:  # None is what a failed import leaves behind
        return {}
    return found


def _owned(modules: dict[str, ModuleType]) -> Iterator[tuple[str, ModuleType, bool]]:
    """Yield the topmost modules that have a file, with whether they lie in a namespace package."""
    spaces: set[str] = set()
    for name, module in modules.items():
        parent, dot, _ = name.rpartition(".")
        if (dot and parent not in spaces) or name in sys.stdlib_module_names or name in ("__main__", "__mp_main__"):
            continue
        attributes = _attributes(module)
        if attributes.get("__file__") is None and "__path__" in attributes:
            spaces.add(name)
        elif attributes:
            yield name, module, bool(dot)


def _another(said: str, version: str) -> bool:
    """Whether what a module calls its version is a version, and another one than the installed."""
    return bool(re.match(r"\d+\.\d+", said)) and _release(said) != _release(version)


def _release(version: str) -> list[str]:
    parts = re.findall(r"\d+|[a-z]+", version.lower())
    while parts and parts[-1] == "0":
        parts.pop()
    return parts


def process_started() -> float | None:
    """Return when this process was started, in seconds of the epoch; None where the system does not tell cheaply."""
    try:
        own = Path("/proc/self/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        boot = re.search(r"^btime (\d+)", Path("/proc/stat").read_text("ascii"), re.MULTILINE)
        return int(boot[1]) + int(own[19]) / os.sysconf("SC_CLK_TCK") if boot else None
    except (OSError, ValueError, IndexError):
        return None
