"""Settings: argument > environment > ``pyproject.toml`` > default. The only reader of the environment."""

from __future__ import annotations

import functools
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from nbregistry.errors import InvalidInput

_THREADS = tuple(f"{library}_NUM_THREADS" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"))


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the registry is and who acts.

    Attributes
    ----------
    uri : str
        A folder or a URL.
    origin : str
        What decided: ``argument``, ``NBREGISTRY_URI``, the pyproject file, ``found`` or ``default``.
    user : str
        Who acts.
    home : Path
        Keys, trust list and what this user has seen of each store.
    """

    uri: str
    origin: str
    user: str
    home: Path

    @classmethod
    def resolve(cls, uri: str | os.PathLike[str] | None = None, *, start: Path | None = None) -> Settings:
        """Settle everything; ``start`` is where the search upward begins (the working folder)."""
        place, origin = _place(uri, (start or Path.cwd()).absolute())
        return cls(place, origin, _user(), _home())


def _place(uri: str | os.PathLike[str] | None, start: Path) -> tuple[str, str]:
    if uri is not None:
        text = os.fspath(uri)
        if not text or "\0" in text:
            raise InvalidInput(f"{text!r} is no place for a registry: give a folder, such as Registry('.nbregistry').")
        return text, "argument"
    if found := os.environ.get("NBREGISTRY_URI"):
        return found, "NBREGISTRY_URI"
    for folder in (start, *start.parents):
        if (file := folder / "pyproject.toml").is_file() and (told := _from_pyproject(file)):
            return told, str(file)
    for folder in (start, *start.parents):
        if (folder / ".nbregistry" / "journal").is_file():
            return str(folder / ".nbregistry"), "found"
    return str(start / ".nbregistry"), "default"


def _from_pyproject(file: Path) -> str | None:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get("nbregistry", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
    uri = table.get("uri")
    if not uri:
        return None
    return uri if "://" in uri else str(file.parent / uri)


def _user() -> str:
    for variable in ("NBREGISTRY_USER", "JUPYTERHUB_USER"):
        if found := os.environ.get(variable):
            return found
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return f"uid-{os.getuid()}" if hasattr(os, "getuid") else "unknown"


def _home() -> Path:
    if found := os.environ.get("NBREGISTRY_HOME"):
        return Path(found).expanduser()
    from platformdirs import user_config_path

    return user_config_path("nbregistry")


def session() -> tuple[str | None, bool]:
    """Return the path of the notebook this kernel belongs to, as the server tells it, and whether this is CI."""
    return os.environ.get("JPY_SESSION_NAME") or None, bool(os.environ.get("CI"))


def visit() -> tuple[str, str] | None:
    """Return where a kernel of the registry browser learns whose it is, and its own id; None for any other kernel."""
    place, kernel = os.environ.get("NBREGISTRY_VISIT"), os.environ.get("VOILA_KERNEL_ID")
    return (place, kernel) if place and kernel else None


def hub() -> dict[str, str]:
    """Return what a JupyterHub tells its service: every variable of its name."""
    return {name: value for name, value in os.environ.items() if name.startswith("JUPYTERHUB_")}


def child_environment(**changes: str) -> dict[str, str]:
    """Return the environment of a server's processes: this one's, with libraries that keep to one thread each.

    Several models run at the same time in one process, and several processes on one machine: a pool of threads in each
    library for each of them only contends.
    """
    found = dict(os.environ)
    found.update(dict.fromkeys(_THREADS, "1"), PYTHONUNBUFFERED="1", **changes)
    package = Path(__file__).resolve().parent.parent
    if package.name not in ("site-packages", "dist-packages"):  # a checkout, which the child has to find as well
        found["PYTHONPATH"] = os.pathsep.join(filter(None, (str(package), found.get("PYTHONPATH"))))
    return found


@functools.cache
def release() -> str:
    """Return our own version, as it is installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("nbregistry")
    except PackageNotFoundError:  # run from a folder of sources that were never installed
        return "0"
