"""Reports that each process leaves in a folder, so that any of them can tell what all of them saw."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

import orjson

from nbregistry.serving.graph.differences import merged
from nbregistry.types import Document

_PAST = "report-past.json"


class Reports:
    """The reports in one folder: by node, as ``differences`` makes them.

    Parameters
    ----------
    writer : str
        What tells this process's file from others.
    """

    def __init__(self, folder: Path, writer: str) -> None:
        self._folder = folder
        self._own = folder / f"report-{os.getpid()}-{writer}.json"
        self._written = b""

    def leave(self, report: Document) -> None:
        """Write what this process saw so far, if anything changed; a full disk loses statistics only."""
        data = orjson.dumps(report)
        if data == self._written or not report:
            return
        with contextlib.suppress(OSError):
            _put(self._own, data)
            self._written = data

    def others(self) -> list[Document]:
        """Return what the other processes left, those that ended included."""
        return [told for path in self._files() if path != self._own and (told := _read(path))]

    def fold(self) -> None:
        """Make one file of those whose processes ended; to be called under the lock of all of them."""
        gone = [path for path in self._files() if path.name != _PAST and not _runs(path)]
        told = [found for path in (self._folder / _PAST, *gone) if (found := _read(path))]
        if gone:
            _put(self._folder / _PAST, orjson.dumps(summed(told)))
            for path in gone:
                path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("report-*.json"))


def summed(reports: Iterable[Document]) -> Document:
    """Return several processes' reports as that of one."""
    told = list(reports)
    return {node: merged(t[node] for t in told if node in t) for node in sorted({n for t in told for n in t})}


def _put(path: Path, data: bytes) -> None:
    beside = path.with_suffix(".part")
    beside.write_bytes(data)
    os.replace(beside, path)


def _read(path: Path) -> Document:
    try:
        found = orjson.loads(path.read_bytes())
        return summed([found]) if isinstance(found, dict) else {}
    except (OSError, ValueError, KeyError, TypeError):  # gone meanwhile, or no report
        return {}


def _runs(path: Path) -> bool:
    pid = path.stem.split("-")[1]
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
