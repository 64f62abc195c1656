"""Builds the JupyterLab front end into what is built where Node is at hand; elsewhere leaves it out, and says so.

Nobody needs Node to use the registry from a notebook, so its absence must not fail an installation from source. What
was built once from the same sources is taken as it is, so that only the first of many installations takes its minute.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = "nbregistry/labext"
BUILT = "nbregistry/labextension"
SHARED = "share/jupyter/labextensions/nbregistry-labext"
STAMP = "built-from"
SKIP = "NBREGISTRY_SKIP_LABEXT"

_NPM = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1")
_SECONDS = {"ci": 240, "run": 120}
_NOT_SOURCES = ("node_modules", "lib")


class FrontEnd(BuildHookInterface[Any]):
    """Adds the front end to a wheel as shared data, to a source distribution as files."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, or say why not; see hatchling's documentation of build hooks."""
        why = ensure(Path(self.root, SOURCES), Path(self.root, BUILT))
        if why:
            self.app.display_warning(
                f"nbregistry: THE JUPYTERLAB SIDEBAR IS LEFT OUT: {why}. Everything else is there; install Node.js and"
                " repeat, or install a released wheel, to have it too."
            )
        elif self.target_name == "wheel":
            build_data["shared_data"][BUILT] = SHARED
        else:
            build_data["artifacts"].append(f"/{BUILT}/")


def ensure(sources: Path, built: Path) -> str:
    """Have ``built`` be made from ``sources``; return why it is not, or an empty text."""
    if os.environ.get(SKIP):
        return f"{SKIP} is set"
    stamp = made_from(sources)
    if (built / STAMP).is_file() and (built / STAMP).read_text("utf-8") == stamp:
        return ""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return "there is no Node.js (node and npm) on the PATH"
    with tempfile.TemporaryDirectory(prefix="nbregistry-labext-") as place:
        # Elsewhere, so that no thousands of files of others stay in the sources.
        copy = Path(place, SOURCES)
        shutil.copytree(sources, copy, ignore=shutil.ignore_patterns(*_NOT_SOURCES))
        for command in ((npm, "ci", *_NPM), (npm, "run", "build")):
            if why := failed(command, copy):
                return why
        shutil.rmtree(built, ignore_errors=True)
        shutil.copytree(Path(place, BUILT), built)
    (built / STAMP).write_text(stamp, "utf-8")
    return ""


def failed(command: tuple[str, ...], folder: Path) -> str:
    """Run a command of npm; return what its failure is called, or an empty text."""
    name = f"npm {command[1]}"
    try:
        done = subprocess.run(  # noqa: S603 - npm as found on the PATH, with arguments of our own
            command, cwd=folder, check=False, capture_output=True, text=True, errors="replace",
            stdin=subprocess.DEVNULL, timeout=_SECONDS[command[1]],
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"{name} took longer than {_SECONDS[command[1]]} seconds"
    except OSError as error:
        return f"{name} could not be started ({error})"
    if done.returncode == 0:
        return ""
    said = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    return f"{name} failed: {(said or ['it did not say why'])[0][:300]}"


def made_from(sources: Path) -> str:
    """Return a digest of everything that the front end is made of."""
    found = hashlib.sha256()
    for file in sorted(files(sources)):
        found.update(f"{file.relative_to(sources).as_posix()}\0{file.stat().st_size}\0".encode())
        found.update(file.read_bytes())
    return found.hexdigest()


def files(sources: Path) -> Iterator[Path]:
    """Yield the files that matter."""
    for path in sources.iterdir():
        if path.name not in _NOT_SOURCES and path.suffix not in (".py", ".pyc") and path.name != "__pycache__":
            yield from (p for p in path.rglob("*") if p.is_file()) if path.is_dir() else (path,)
