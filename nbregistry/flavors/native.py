"""For libraries that only know paths: a private folder for a moment, and copies in pieces."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_PIECE = 4 << 20


@contextmanager
def private_folder() -> Iterator[Path]:
    """Give a folder that only this user can enter (0700, whatever the umask), and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="nbregistry-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def copy_out(path: Path, file: BinaryIO) -> None:
    """Write a file's content into ``file``."""
    with path.open("rb") as source:
        shutil.copyfileobj(source, file, _PIECE)


def copy_in(file: BinaryIO, path: Path) -> None:
    """Write the rest of ``file`` to a new file."""
    with path.open("xb") as target:
        shutil.copyfileobj(file, target, _PIECE)
