"""What a server is asked to be, as the file in its run folder that its processes read.

A run folder, ``servers/<id>/`` in the user's home, belongs to one server and is closed to others: ``spec.json`` (what
was asked), ``state.json`` (what is), ``lock`` (held while the server lives, whatever became of its process number),
``log``, a marker of each worker and what was put into quarantine. No secret is in it: of tokens only their SHA-256.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from nbregistry.errors import Damaged, StoreBusy, StoreUnavailable
from nbregistry.serving.options import hash_of
from nbregistry.types import Document

PREDICT, ADMIN = "predict", "admin"
"""What a token may allow."""

_OPTIONS = (
    "host", "grpc", "workers", "detach", "compile", "batch", "timeout", "memory", "names", "sampled", "redacted",
)  # fmt: skip
_WANTED = "wanted.json"
_ID = re.compile(r"[0-9a-f]{8}\Z")


@dataclass(frozen=True, slots=True)
class Token:
    """A token by its SHA-256, and what it allows."""

    sha256: str
    permissions: tuple[str, ...]

    @classmethod
    def of(cls, secret: str, *permissions: str) -> Self:
        """Return what is kept of a secret."""
        return cls(hash_of(secret), permissions)


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """One server.

    Attributes
    ----------
    id : str
        Eight hexadecimal digits.
    uri, home, user : str
        The registry, and who reads it.
    refs : tuple of str
        References, and entries of graphs in files, in the order they were asked for; the first is what is meant where
        a protocol names none.
    host, port : str, int
        Where it listens; port 0 is any.
    grpc : int
        Port for gRPC beside it; 0 is any, -1 none.
    workers : int
        Processes that answer.
    tokens : tuple of Token
        Who may ask; without one that allows to predict, everybody who reaches the address may.
    detach : bool
        Whether it outlives who started it.
    compile : bool
        Whether a compiled twin may answer, once proven equal.
    batch : int
        Most rows in one run of a model; 1 runs every request by itself.
    timeout : float
        Seconds after which a run is given up.
    loading : float
        Seconds after which the loading of one version is given up as a worker starts; 0 is four times ``timeout``, and
        two minutes at least.
    memory : int
        Most bytes of address space of one worker; 0 is no limit.
    names : tuple of str
        By which it may be called beside its address.
    sampled : float
        Fraction of predictions whose rows and answers are kept, 0 to 1.
    redacted : tuple of str
        Columns that are never kept.
    path : tuple of str
        Where the one who started it finds modules: a model may name some.
    """

    id: str
    uri: str
    home: str
    user: str
    refs: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int = 0
    grpc: int = -1
    workers: int = 1
    tokens: tuple[Token, ...] = ()
    detach: bool = False
    compile: bool = True
    batch: int = 128
    timeout: float = 30.0
    loading: float = 0.0
    memory: int = 0
    names: tuple[str, ...] = ()
    sampled: float = 0.0
    redacted: tuple[str, ...] = ()
    path: tuple[str, ...] = field(default=())

    def options(self) -> Document:
        """Return what makes a difference beside what is served and where."""
        given = [t.sha256 for t in self.tokens if ADMIN not in t.permissions]
        return {**{name: getattr(self, name) for name in _OPTIONS}, "tokens": given}

    def as_document(self) -> Document:
        """Return plain JSON data."""
        return asdict(self)

    @classmethod
    def from_document(cls, found: Document) -> Self:
        """Rebuild from ``as_document``; what a newer version added is passed over."""
        known = {f.name for f in fields(cls)}
        told: Document = {k: tuple(v) if isinstance(v, list) else v for k, v in found.items() if k in known}
        told["tokens"] = tuple(Token(t["sha256"], tuple(t["permissions"])) for t in told.get("tokens", ()))
        return cls(**told)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one server."""

    path: Path

    @property
    def log(self) -> Path:
        """What its processes had to say."""
        return self.path / "log"

    def marker(self, index: int) -> Path:
        """Return the file in which a worker leaves what it is doing."""
        return self.path / f"marker-{index}"

    def keep(self, name: str, data: bytes) -> None:
        """Write a file, for the owner's eyes only."""
        with os.fdopen(os.open(self.path / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)

    def create(self, spec: ServerSpec) -> None:
        """Make the folder, for the owner's eyes only."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.mkdir(mode=0o700)
        self.write("spec.json", spec.as_document())

    def spec(self) -> ServerSpec:
        """Return what was asked.

        Raises
        ------
        nbregistry.errors.Damaged
            The file is not what was written.
        """
        try:
            return ServerSpec.from_document(self.read("spec.json"))
        except (TypeError, KeyError, AttributeError) as error:
            raise Damaged(f"{self.path / 'spec.json'} cannot be read ({error}); start the server again.") from None

    def wanted(self) -> tuple[str, ...]:
        """Return the references to be served now: those of the spec, until more were asked for or some given up."""
        found = self.read(_WANTED).get("refs")
        return tuple(map(str, found)) if isinstance(found, list) else self.spec().refs

    def want(self, change: Callable[[tuple[str, ...]], Iterable[str]]) -> None:
        """Have every worker, and each that takes its place, serve what ``change`` makes of what is wanted now.

        Raises
        ------
        nbregistry.errors.StoreBusy
            Another process has been changing the list for ten seconds.
        """
        import filelock  # the supervisor is small since it does without

        lock = filelock.FileLock(self.path / "wanted.lock", timeout=10, mode=0o600, fallback_to_soft=False)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise StoreBusy("Another process has been changing what the server offers for 10 s: try again.") from None
        try:
            self.write(_WANTED, {"refs": list(change(self.wanted()))})
        finally:
            lock.release()

    def state(self) -> Document:
        """Return what the supervisor last told; empty before it told anything."""
        return self.read("state.json")

    def read(self, name: str) -> Document:
        """Return a JSON file's object; empty when there is none.

        Raises
        ------
        nbregistry.errors.StoreUnavailable
            There may be one, and it cannot be read now: a process may be out of file descriptors.
        """
        try:
            found = json.loads((self.path / name).read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        except OSError as error:
            raise StoreUnavailable(f"{self.path / name} cannot be read ({error.strerror}): try again.") from error
        return found if isinstance(found, dict) else {}

    def write(self, name: str, found: Document) -> None:
        """Replace a JSON file; a reader sees the old one or the new one."""
        beside = self.path / f".{name}.{os.getpid()}"
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(found, file)
        os.replace(beside, self.path / name)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock that says the server lives; the system gives it back however its process ends."""
        fd = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    @property
    def alive(self) -> bool:
        """Whether the server's lock is held."""
        try:
            fd = os.open(self.path / "lock", os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(fd)
        return False


def is_graph(entry: str) -> bool:
    """Whether an entry of the list of what is wanted is a graph in a file, ``graph:ab:0123456789abcdef.json``."""
    return entry.startswith("graph:")


def graph_name(entry: str) -> str:
    """Return the name that a graph of the list is served as."""
    return entry.split(":")[1]


def graph_file(entry: str) -> str:
    """Return the name of a graph's file in the run folder."""
    return entry.replace(":", "-")


def shown(entry: str) -> str:
    """Return an entry as people write it: the reference, or the graph's name."""
    return graph_name(entry) if is_graph(entry) else entry


def runs(home: Path) -> list[RunFolder]:
    """Return the run folders of a user, the newest first."""
    found: list[tuple[float, Path]] = []
    with contextlib.suppress(OSError):
        for path in (home / "servers").iterdir():
            if _ID.match(path.name):
                with contextlib.suppress(OSError):
                    found.append((path.stat().st_ctime, path))
    return [RunFolder(path) for _, path in sorted(found, reverse=True)]


def address(host: str, port: int) -> str:
    """Return the URL of a host and a port; one that means every address is asked at this machine's own."""
    named: dict[str, Any] = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - recognised, not bound
    host = named.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
