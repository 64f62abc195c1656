"""F9 and F10: uploads that were cut short or raced each other, and artifacts that somebody or something changed."""

from __future__ import annotations

import os
import pickle
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sklearn.dummy import DummyClassifier

import nbregistry
from nbregistry import Registry
from nbregistry.errors import Damaged, RegistryError

MB = 1 << 20
BIG = 64

# Pickling stops half way through the model's bytes, or the commit's clock does, when all is stored but the commit.
UPLOADER = """
import pathlib, random, sys
from sklearn.dummy import DummyClassifier
from nbregistry import Registry
from nbregistry.domain import commits

folder, where, size = sys.argv[1], sys.argv[2], int(sys.argv[3])

def wait(*given):
    print("there", flush=True)
    sys.stdin.readline()
    return real(*given)

class Pause:
    waits = True

    def __reduce__(self):
        # The model is looked at before and after it is written; a draft is there while it is.
        if self.waits and any(pathlib.Path(folder).glob("blobs/drafts/*")):
            Pause.waits = False
            wait()
        return int, ()

real = commits.timestamp if where == "before the commit" else lambda: None
if where == "before the commit":
    commits.timestamp = wait
model = DummyClassifier().fit([[0], [1]], [0, 1])
weights = random.Random(7).randbytes(size)
model.weights = [weights[: size // 2], *([Pause()] if where == "half way" else []), weights[size // 2 :]]
r = Registry(folder)
if where == "at once":
    wait()
print(r.register(model, "big").digest, flush=True)
"""


@pytest.fixture
def r(tmp_path: Path) -> Iterator[Registry]:
    """A registry with a/1 and a/2, which differ in their models, and everything captured."""
    X, y = [[float(i), i % 3] for i in range(20)], [i % 2 for i in range(20)]
    with Registry(tmp_path / "store") as registry:
        registry.core.cells = lambda shell: [{"id": "one", "count": 1, "code": "fit(X, y)", "ok": True}]
        for constant in (0, 1):
            model = DummyClassifier(strategy="constant", constant=constant).fit(X, y)
            registry.register(model, "a", X=X, y=y, metrics={"auc": 0.9})
        yield registry


def upload(folder: Path, where: str, size: int) -> subprocess.Popen[str]:
    """Start a process that registers a model of ``size`` bytes and wait until it is there."""
    process = subprocess.Popen(
        [sys.executable, "-c", UPLOADER, str(folder), where, str(size)], text=True,
        env={**os.environ, "PYTHONPATH": str(Path(nbregistry.__file__).parent.parent)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout
    assert "there" == process.stdout.readline().strip()
    return process


def ended(process: subprocess.Popen[str], number: signal.Signals | None = None) -> str:
    """Let the process go on to its end, or end it; returns what it said."""
    if number is not None:
        os.kill(process.pid, number)
    return process.communicate("" if number else "\n", timeout=60)[0].strip()


def drafts(r: Registry) -> list[Path]:
    place = r.core.store.folder / "blobs" / "drafts"
    return sorted(place.iterdir()) if place.is_dir() else []


@pytest.mark.parametrize("where", ["half way", "before the commit"])
def test_killed_upload_is_never_seen(tmp_path: Path, where: str, figures: Any) -> None:
    """A process killed while it registers a big model leaves no version, and what it left is told or swept."""
    with Registry(tmp_path / "store") as r:
        r.register(DummyClassifier().fit([[0], [1]], [0, 1]), "a")
    process = upload(tmp_path / "store", where, BIG * MB)
    r = Registry(tmp_path / "store")
    assert ["a"] == [m.name for m in r.models()]
    ended(process, signal.SIGKILL)
    left = drafts(r)
    bytes_left = sum(path.stat().st_size for path in left)
    r = Registry(tmp_path / "store")
    assert ["a"] == [m.name for m in r.models()]
    report = r.verify()
    assert report.ok
    orphans = [note for note in report.notes if "belong to no version" in note]
    if where == "half way":
        assert 1 == len(left)
        assert BIG * MB // 2 - MB < bytes_left < BIG * MB
        assert 1 == r.core.store.blobs.sweep(grace=0)
    else:
        assert ([], 1) == (left, len(orphans))
        assert 0 == r.core.store.blobs.sweep(grace=0)
    assert [] == drafts(r)
    assert "b/1" == r.register(DummyClassifier().fit([[0], [1]], [0, 1]), "b").ref
    assert r.verify().ok
    figures("F9 killed upload", where=where, draft_mb=bytes_left / MB, versions_seen=0, left_after_sweep=0)


def test_young_draft_is_left_alone(tmp_path: Path) -> None:
    """An upload under way is not swept from under its writer, which then ends well."""
    process = upload(tmp_path / "store", "half way", MB)
    other = Registry(tmp_path / "store")
    other.register(DummyClassifier().fit([[0], [1]], [0, 1]), "a")
    assert 0 == other.core.store.blobs.sweep()
    digest = ended(process)
    assert digest == other.version("big/1").digest
    assert [] == drafts(other)
    assert other.verify().ok


def test_same_model_from_two_processes_is_stored_once(tmp_path: Path, figures: Any) -> None:
    """Two processes that register equal models at the same time make two versions of one blob."""
    racers = [upload(tmp_path / "store", "at once", 8 * MB) for _ in range(2)]
    for process in racers:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    digests = {process.communicate(timeout=60)[0].strip() for process in racers}
    r = Registry(tmp_path / "store")
    assert digests == {v.digest for v in r.versions("big")}
    assert (1, [2, 1]) == (len(digests), [v.number for v in r.versions("big")])
    big = [p for p in (r.core.store.folder / "blobs").rglob("*") if p.is_file() and p.stat().st_size > MB]
    assert [r.core.store.blobs.path(digests.pop())] == big
    assert [] == drafts(r)
    assert r.verify().ok
    weights = random.Random(7).randbytes(8 * MB)
    assert weights == b"".join(r.load("big/2").weights)
    figures("F9 same model at once", processes=2, blobs=len(big))


# -- F10


def flipped(place: float) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        at = min(int(len(data) * place), len(data) - 1)
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    return change


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "first byte flipped": flipped(0),
    "middle byte flipped": flipped(0.5),
    "last byte flipped": flipped(1),
    "cut by one": lambda data: data[:-1],
    "cut in half": lambda data: data[: len(data) // 2],
    "emptied": lambda data: b"",
    "grown": lambda data: data + b"\0",
}


def write(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def detected(r: Registry, name: str, digest: str) -> tuple[bool, bool]:
    """Whether reading refuses the damaged file, and whether verify names it, and it alone."""
    reader = Registry(r.settings.uri)
    refused = False
    try:
        reader.load("a/1") if name == "model" else reader.version("a/1").details(name)
    except Damaged as error:
        refused = digest in str(error)
    return refused, [f"blob {digest[:12]}"] == [f.where for f in Registry(r.settings.uri).verify().findings]


@pytest.mark.parametrize("change", CHANGES)
def test_changed_bytes_are_refused_and_named(r: Registry, change: str, figures: Any) -> None:
    """Whatever happens to the bytes of a model or of a captured file: reading refuses, verify names the blob, 100%."""
    files = r.version("a/1").files
    assert {"model", "signature", "environment", "source", "profile", "example"} == set(files)
    found = {}
    for name, digest in files.items():
        path = r.core.store.blobs.path(digest)
        data = path.read_bytes()
        write(path, CHANGES[change](data))
        found[name] = detected(r, name, digest)
        write(path, data)
    assert dict.fromkeys(files, (True, True)) == found
    assert r.verify().ok
    figures("F10 " + change, artifacts=len(files), refused=len(files), named=len(files))


@pytest.mark.parametrize("name", ["model", "signature", "environment", "source", "profile", "example"])
@pytest.mark.parametrize("by", ["link to the same bytes", "link to nowhere", "nothing"])
def test_replaced_artifact_is_refused_and_named(r: Registry, tmp_path: Path, name: str, by: str) -> None:
    """A blob replaced by a link, even to equal bytes, or by nothing is refused and named."""
    digest = r.version("a/1").files[name]
    path = r.core.store.blobs.path(digest)
    elsewhere = tmp_path / "elsewhere"
    if by == "link to the same bytes":
        elsewhere.write_bytes(path.read_bytes())
    path.unlink()
    if by != "nothing":
        path.symlink_to(elsewhere)
    reader = Registry(r.settings.uri)
    with pytest.raises(Damaged, match=digest):
        reader.load("a/1") if name == "model" else reader.version("a/1").details(name)
    assert [f"blob {digest[:12]}"] == [f.where for f in reader.verify().findings]


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_is_no_file_is_refused_at_once(r: Registry, kind: str) -> None:
    """A named pipe or a folder in a blob's place is damage: nobody waits for bytes that never come."""
    digest = r.version("a/1").digest
    path = r.core.store.blobs.path(digest)
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    said: list[str] = []

    def load() -> None:
        try:
            Registry(r.settings.uri).load("a/1")
        except RegistryError as error:
            said.append(f"{type(error).__name__} {error}")

    loading = threading.Thread(target=load)
    loading.start()
    loading.join(1)
    hung = loading.is_alive()
    while loading.is_alive():  # let it go
        os.close(os.open(path, os.O_RDWR))
        loading.join(0.05)
    assert (False, f"Damaged Blob {digest}") == (hung, said[0][: len(f"Damaged Blob {digest}")])
    assert [f"blob {digest[:12]}"] == [f.where for f in Registry(r.settings.uri).verify().findings]


def test_swapped_models_are_refused(r: Registry) -> None:
    """The model of a/2 under the name of a/1's and the other way round: neither is loaded, both are named."""
    one, two = (r.core.store.blobs.path(r.version(ref).digest) for ref in ("a/1", "a/2"))
    first, second = one.read_bytes(), two.read_bytes()
    assert first != second
    write(one, second)
    write(two, first)
    for ref in ("a/1", "a/2"):
        with pytest.raises(Damaged, match="does not match its SHA-256"):
            Registry(r.settings.uri).load(ref)
    expected = {f"blob {r.version(ref).digest[:12]}" for ref in ("a/1", "a/2")}
    assert expected == {f.where for f in r.verify().findings}


class Canary:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("verb", ["load", "verify", "compare", "register", "promote"])
def test_nothing_is_parsed_before_its_digest_matches(r: Registry, tmp_path: Path, verb: str) -> None:
    """A pickle put in a model's place is executed by no verb, and the canary does sing when it is unpickled."""
    canary = tmp_path / "sang"
    data = pickle.dumps(Canary(canary))
    write(r.core.store.blobs.path(r.version("a/1").digest), data)
    reader = Registry(r.settings.uri)
    if verb == "load":
        with pytest.raises(Damaged):
            reader.load("a/1")
    elif verb == "verify":
        assert not reader.verify()
    elif verb == "compare":
        with pytest.raises(Damaged):
            reader.compare("a/1", "a/2", X=[[0.0, 1.0]])
    elif verb == "register":
        assert "b/1" == reader.register(DummyClassifier().fit([[0], [1]], [0, 1]), "b").ref
    else:
        reader.promote("a/1", "Staging")
    assert not canary.exists()
    pickle.loads(data)
    assert canary.exists()


def test_registering_again_mends(r: Registry) -> None:
    """The error's advice holds: the same model registered again puts the right bytes back under both versions."""
    model = DummyClassifier().fit([[0], [1]], [0, 1])
    digest = r.register(model, "b").digest
    path = r.core.store.blobs.path(digest)
    write(path, flipped(0.5)(path.read_bytes()))
    with pytest.raises(Damaged, match="register the model again"):
        r.load("b/1")
    assert digest == r.register(model, "b").digest
    assert r.verify().ok
    assert [0, 0] == r.load("b/1").predict([[0], [1]]).tolist()
