"""Which registry is meant: the one that a notebook in that folder would use, found once and kept open."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from nbregistry.config import Settings
from nbregistry.errors import InvalidInput, NotFound
from nbregistry.lab.watching import Watch
from nbregistry.registry import Registry

KEPT = 16
"""Registries that stay open, counted by place and by who acts; the one that was asked longest ago is closed first."""

_FOREIGN = re.compile(r"[\0\\]|^[A-Za-z]:")
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Place:
    """An open registry, how it was found, and what was committed to it lately.

    Attributes
    ----------
    settings : Settings
        As they are without a Jupyter identity: ``registry.settings`` tells who acts.
    """

    registry: Registry
    settings: Settings
    watch: Watch

    @property
    def exists(self) -> bool:
        """Whether anything was ever written there."""
        return self.registry.core.store.journal.path.is_file()


class Places:
    """The registries of one Jupyter server, by folder.

    Parameters
    ----------
    root : Path
        Where the server's contents begin.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._open: OrderedDict[tuple[str, str], Place] = OrderedDict()
        self._lock = threading.Lock()

    def place(self, folder: str = "", user: str = "") -> Place:
        """Return the registry for a folder of the contents, opened when it is first asked for.

        Parameters
        ----------
        folder : str
            As the contents API names it, below the server's root.
        user : str
            Who acts; the user of the settings when empty.

        Raises
        ------
        nbregistry.errors.InvalidInput
            It is no path of the contents.
        nbregistry.errors.NotFound
            No such folder, or it leads out of the server's root.
        """
        start = self.folder(folder)
        settings = Settings.resolve(start=start)
        # A relative NBREGISTRY_URI means what it means to a kernel, which runs in that folder.
        uri = settings.uri if "://" in settings.uri else str(start / Path(settings.uri).expanduser())
        key = (uri, user)
        with self._lock:
            found = self._open.pop(key, None)
            if found is None:
                registry = Registry(uri, user=user or None)
                found = Place(registry, settings, Watch(registry))
            self._open[key] = found
            left = self._open.popitem(last=False)[1] if len(self._open) > KEPT else None
        if left is not None:
            left.registry.close()  # who still holds it opens it again without noticing
        return found

    def folder(self, folder: str) -> Path:
        """Return a folder of the contents as one of the file system, with every link followed; see ``place``."""
        parts = [part for part in folder.split("/") if part]
        if len(folder) > _LONGEST or _FOREIGN.search(folder) or {".", ".."} & set(parts):
            raise InvalidInput("That is no folder of this server: give its path below the server's root, with slashes.")
        try:
            found = self.root.joinpath(*parts).resolve(strict=True)
        except (OSError, RuntimeError):  # a name that is too long, a loop of links
            found = None
        if found is None or not found.is_dir() or not found.is_relative_to(self.root):
            raise NotFound("There is no such folder below this server's root: open a notebook in one that is there.")
        return found

    def close(self) -> None:
        """Let go of every registry."""
        with self._lock:
            places, self._open = list(self._open.values()), OrderedDict()
        for place in places:
            place.registry.close()
