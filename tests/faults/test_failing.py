"""F3: the n-th system call fails, whichever it is and however; the state is the one before or the one after."""

from __future__ import annotations

import os
import shutil
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbregistry.errors import OutcomeUnknown, RegistryError
from nbregistry.storage.store import Store
from nbregistry.storage.verify import verify
from tests.faults.children import Child, Tell
from tests.faults.tracing import Traced, can_trace
from tests.storage.making import ANA, filled, registers

ERRORS: dict[str, tuple[str, ...]] = {
    "openat": ("EMFILE", "EIO", "EACCES", "ENOSPC"),
    "read": ("EIO",),
    "pread64": ("EIO",),
    "newfstatat": ("EIO", "EACCES"),
    "lseek": ("EIO",),
    "write": ("EIO", "ENOSPC", "EDQUOT"),
    "fsync": ("EIO", "ENOSPC"),
    "fdatasync": ("EIO", "ENOSPC"),
    "rename": ("EIO", "ENOSPC", "EROFS"),
    "unlink": ("EIO", "EACCES"),
    "mkdir": ("ENOSPC", "EROFS"),
    "ftruncate": ("EIO",),
    "fchmod": ("EPERM", "EROFS"),
    "chmod": ("EPERM", "EROFS"),
    "flock": ("ENOLCK", "EIO", "EINTR"),
    "close": ("EIO",),
    "getdents64": ("EIO",),
}


def first(folder: Path, home: Path) -> Callable[[], object]:
    """The first commit of all, in a folder that is not there yet."""
    store = Store(folder, home)
    store.view()
    return lambda: store.commit(ANA, registers("churn"))


def commit(folder: Path, home: Path) -> Callable[[], object]:
    """A commit of an open store, which also seals."""
    store = _open(folder, home)
    return lambda: store.commit(ANA, registers("churn"))


def blob(folder: Path, home: Path) -> Callable[[], object]:
    """An artifact that is not there yet, and one that is, which is looked at first."""
    store = _open(folder, home)
    store.blobs.put(b"old")
    return lambda: (store.blobs.put(b"new"), store.blobs.put(b"old"))


def save(folder: Path, home: Path) -> Callable[[], object]:
    """A checkpoint."""
    store = _open(folder, home)
    return store.save


def look(folder: Path, home: Path) -> Callable[[], object]:
    """Opening from a checkpoint, following what came after it, reading documents and an artifact."""
    store = _open(folder, home)
    store.save()
    store.commit(ANA, registers("churn", digest=store.blobs.put(b"old")))
    store.close()

    def act() -> None:
        again = Store(folder, home)
        assert 4 == len(again.view().state()["versions"])
        again.blobs.verified(again.view().versions[4]["digest"]).close()

    return act


DEEDS = {"first": first, "commit": commit, "blob": blob, "save": save, "look": look}


def _open(folder: Path, home: Path) -> Store:
    store = filled(folder, 3)
    store.close()
    again = Store(folder, home)
    again.view()
    return again


@pytest.fixture(scope="module")
def strace() -> str:
    found = shutil.which("strace")
    why = "strace is missing (apt-get install strace)" if found is None else can_trace(found)
    if found and not why:
        return found
    if os.environ.get("CI"):
        pytest.fail(f"{why}; CI must run the tests in which system calls fail.")
    pytest.skip(f"FAULT TEST SKIPPED, NOTHING WAS SHOWN: {why}")


@pytest.fixture(scope="module")
def _warm(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Import here what is imported late, so that no import fails in the children."""
    folder = tmp_path_factory.mktemp("warm") / "store"
    for name, deed in DEEDS.items():
        deed(folder / name, folder / "home")()
    verify(Store(folder / "look", folder / "home"))


def run(deed: str, folder: Path, strace: str, expression: str) -> tuple[list[Any], Counter[str], bool]:
    """Do one thing traced; returns what the child told, the calls it made and whether one of them was made to fail."""

    def work(tell: Tell, wait: Callable[[], None]) -> None:
        act = DEEDS[deed](folder, folder.parent / "home")
        tell("ready")
        wait()
        try:
            act()
            tell("done")
        except RegistryError as error:
            tell(type(error).__name__, str(error))
        except BaseException:  # noqa: BLE001  that nothing of the kind comes is what is tested
            tell("crash", traceback.format_exc()[-700:])

    with Child(work) as child:
        child.told()
        with Traced(strace, child, expression) as trace:
            child.go()
            told = list(child.rest())
            child.wait()
    return told, trace.counts(), trace.fired()


def afterwards(folder: Path) -> list[str]:
    """What is wrong with the store after all: nothing, if the next look and the next commit work and it verifies."""
    store = Store(folder, folder.parent / "home")
    before = len(store.view().versions)
    done = store.commit(ANA, registers("churn"))
    report = verify(store)
    store.close()
    faults = [f"{finding.where}: {finding.what}" for finding in report.findings]
    return faults if done.target == f"churn/{before + 1}" else [*faults, done.target]


@pytest.mark.usefixtures("_warm")
@pytest.mark.parametrize("deed", DEEDS)
def test_nth_call_fails(tmp_path: Path, strace: str, deed: str, figures: Callable[..., None]) -> None:
    """Calls that touch files fail, each kind in its ways: a typed refusal or success, no crash, nothing is lost."""
    sweep(tmp_path, strace, deed, figures, every=False)


@pytest.mark.campaign
@pytest.mark.timeout(0)
@pytest.mark.usefixtures("_warm")
@pytest.mark.parametrize("deed", DEEDS)
def test_nth_call_fails_campaign(tmp_path: Path, strace: str, deed: str, figures: Callable[..., None]) -> None:
    """The same with every call of every kind failing in every way."""
    sweep(tmp_path, strace, deed, figures, every=True)


def sweep(tmp_path: Path, strace: str, deed: str, figures: Callable[..., None], *, every: bool) -> None:
    (tmp_path / "count").mkdir()
    told, counts, _ = run(deed, tmp_path / "count" / "store", strace, "trace=all")
    assert [["done"]] == told
    outcomes: Counter[str] = Counter()
    bad, fired, runs = [], 0, 0
    for call, errors in ERRORS.items():
        for nth in range(1, counts[call] + 1, 1 if every else 2):
            for error in errors if every else (errors[nth // 2 % len(errors)],):
                place = tmp_path / f"{call}-{nth}-{error}"
                place.mkdir()
                told, _, hit = run(deed, place / "store", strace, f"inject={call}:error={error}:when={nth}")
                runs, fired = runs + 1, fired + hit
                outcome = told[0] if told else ["crash", "silent"]
                outcomes[outcome[0]] += 1
                if outcome[0] == "crash":
                    bad.append((call, nth, error, outcome))
                bad += [(call, nth, error, what) for what in afterwards(place / "store")]
                shutil.rmtree(place)
    figures(f"F3 failing calls, {deed}", runs=runs, fired=fired, bad=len(bad), **dict(outcomes))
    assert [] == bad
    assert fired >= runs * 0.9


@pytest.mark.usefixtures("_warm")
def test_goes_on_without_restart(tmp_path: Path, strace: str, figures: Callable[..., None]) -> None:
    """The very handle whose write failed works at the next try, or says that it must be opened again and why."""

    def work(tell: Tell, wait: Callable[[], None]) -> None:
        store = Store(folder, folder.parent / "home")
        store.view()
        tell("ready")
        wait()
        for _ in range(2):
            try:
                store.commit(ANA, registers("churn"))
                tell("done")
            except OutcomeUnknown as error:
                tell("unknown", str(error))
                store.reopen()
            except RegistryError as error:
                tell("refused", str(error))
        store.commit(ANA, registers("churn"))
        tell("done")

    rows: Counter[tuple[str, ...]] = Counter()
    for call in ("write", "fdatasync", "flock", "openat"):
        for error in ("EIO", "ENOSPC", "ENOLCK", "EMFILE"):
            for nth in (1, 2):
                folder = tmp_path / f"{call}{nth}{error}" / "store"
                filled(folder, 2).close()
                with Child(work) as child:
                    child.told()
                    with Traced(strace, child, f"inject={call}:error={error}:when={nth}"):
                        child.go()
                        told = [found[0] for found in child.rest()]
                assert "done" == told[-1], (call, nth, error, told)
                assert 3 == len(told), (call, nth, error, told)
                if (call, nth) == ("fdatasync", 1):
                    assert ["unknown", "done", "done"] == told
                rows[tuple(told)] += 1
                assert [] == afterwards(folder)
    figures("F3 the same handle", **{" then ".join(told): count for told, count in rows.items()})
    assert rows["refused", "done", "done"]
