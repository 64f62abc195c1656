"""F1 and F2: processes killed at random, and before each system call of a verb; nothing acknowledged is ever lost."""

from __future__ import annotations

import os
import random
import re
import select
import shutil
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from nbregistry import Receipt, Registry
from tests.faults import worker
from tests.faults.invariants import check_all, documents

SYSCALLS = (
    "openat", "write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "ftruncate", "unlink",
    "unlinkat", "flock", "mkdir", "mkdirat", "chmod", "fchmod", "link", "linkat",
)  # fmt: skip
QUICK = {
    "register": SYSCALLS,
    "promote": ("write", "fdatasync", "rename", "unlink", "flock"),
    "rollback": ("write", "fdatasync"),
    "delete": ("write", "fdatasync"),
}
"""Of one verb every call that touches files, of three those that put a change on the disk; the campaign has all."""


@dataclass
class Place:
    """A store with its user's home, which remembers what it saw of the store and so is copied with it."""

    store: Path
    home: Path

    @classmethod
    def under(cls, folder: Path) -> Place:
        place = cls(folder / "store", folder / "home")
        place.home.mkdir(parents=True)
        return place

    def copied(self, folder: Path) -> Place:
        shutil.copytree(self.store.parent, folder)
        return Place(folder / "store", folder / "home")

    def texts(self) -> tuple[str, str]:
        return str(self.store), str(self.home)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[[Place], Registry]:
    """Open a place as its user does."""

    def reopen(place: Place) -> Registry:
        monkeypatch.setenv("NBREGISTRY_HOME", str(place.home))
        return Registry(place.store)

    return reopen


def register(registry: Registry, name: str = "m") -> None:
    registry.register(worker.toy(), name, metrics={"auc": 0.5})


def answers(pipe: Connection) -> Iterator[Any]:
    """Yield what a child said before it died."""
    try:
        while True:
            yield pipe.recv()
    except (EOFError, ConnectionResetError):
        return


# -- F1


@dataclass
class Toll:
    """What the rounds of F1 came to."""

    rounds: int = 0
    acked: list[Receipt] = field(default_factory=list)
    verbs: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    torn: int = 0
    recovery: list[float] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        took = sorted(self.recovery)
        return {
            "rounds": self.rounds, "acked": sum(self.verbs.values()), "lost": self.lost, "torn_tails": self.torn,
            "recovery_p50_ms": statistics.median(took) * 1e3, "p99_ms": took[int(len(took) * 0.99)] * 1e3,
        }  # fmt: skip


def killed_once(forks: ForkServerContext, place: Place, toll: Toll, chance: random.Random) -> None:
    """Let a child change the registry, kill it at a moment of chance, and take down what it was acknowledged."""
    ours, theirs = forks.Pipe()
    child = forks.Process(target=worker.restless, args=(theirs, *place.texts(), chance.randrange(1 << 30)))
    child.start()
    theirs.close()
    try:
        assert worker.READY == ours.recv()
        time.sleep(chance.uniform(0.005, 0.080))
    finally:
        child.kill()
        child.join()
    assert -9 == child.exitcode, "it should have lived until it was killed"
    for outcome, verb, said in answers(ours):
        if outcome == "acked":
            toll.verbs[verb] += 1
            toll.acked.append(Receipt.parse(said))
    ours.close()


def recovered(opened: Callable[[Place], Registry], place: Place, toll: Toll) -> None:
    """Open what a kill left, write to it, and look for every acknowledged change of this store."""
    start = time.perf_counter()
    with opened(place) as registry:
        registry.versions("m")
        toll.recovery.append(time.perf_counter() - start)
        registry.annotate("m", "after a kill")
        toll.torn += any("unfinished write" in notice for notice in registry.notices())
        kept = {(event.seq, event.hash) for event in registry.audit()}
        toll.lost += sum((receipt.seq, receipt.hash) not in kept for receipt in toll.acked)
        check_all(registry)
        if toll.acked:
            assert registry.verify(toll.acked[-1], blobs=False).ok


def kill_rounds(
    forks: ForkServerContext, opened: Callable[[Place], Registry], folder: Path, rounds: int, *, seconds: float
) -> Toll:
    """Kill again and again, in a new store every few rounds so that looking at everything stays quick."""
    toll, chance, end = Toll(), random.Random(20_261_121), time.monotonic() + seconds
    while toll.rounds < rounds and time.monotonic() < end:
        place = Place.under(folder / f"life-{toll.rounds}")
        toll.acked.clear()
        with opened(place) as registry:
            register(registry)
        for _ in range(min(8, rounds - toll.rounds)):
            killed_once(forks, place, toll, chance)
            recovered(opened, place, toll)
            toll.rounds += 1
        shutil.rmtree(place.store.parent)
    return toll


def test_killed_at_random(
    forks: ForkServerContext, opened: Callable[[Place], Registry], tmp_path: Path, figures: Callable[..., None]
) -> None:
    """Whenever a process is killed, every change it was acknowledged is there, and the next write works."""
    toll = kill_rounds(forks, opened, tmp_path, 64, seconds=15)
    figures("F1 kill -9 at random", **toll.row())
    assert 0 == toll.lost
    assert toll.rounds >= 16
    assert {"register", "promote", "annotate", "tag"} <= set(toll.verbs)


@pytest.mark.campaign
@pytest.mark.timeout(6 * 3600)
def test_killed_at_random_campaign(
    forks: ForkServerContext, opened: Callable[[Place], Registry], tmp_path: Path, figures: Callable[..., None]
) -> None:
    """The same over NBREGISTRY_ROUNDS rounds."""
    rounds = int(os.environ.get("NBREGISTRY_ROUNDS", "2000"))
    toll = kill_rounds(forks, opened, tmp_path, rounds, seconds=float("inf"))
    figures("F1 kill -9 at random, campaign", **toll.row(), **dict(sorted(toll.verbs.items())))
    assert (rounds, 0) == (toll.rounds, toll.lost)
    assert {name for name, _ in worker.VERBS} == set(toll.verbs)


# -- F2


@pytest.fixture
def strace() -> str:
    """The tracer; without one, or where it may not attach, a test is skipped for all to see."""
    found = shutil.which("strace")
    if found is None:
        pytest.skip(
            "FAULT TEST SKIPPED: strace is missing, so no process was killed at a system call (apt install strace)"
        )
    tried = subprocess.run(
        [found, "-o", os.devnull, "-e", "trace=openat", "-e", "inject=openat:signal=KILL:when=1", "true"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if tried.returncode != -9 and "ermitted" in tried.stderr:
        pytest.skip(f"FAULT TEST SKIPPED: strace may not trace here: {tried.stderr.strip()[:200]}")
    return found


@pytest.fixture
def prepared(tmp_path: Path, opened: Callable[[Place], Registry]) -> Place:
    """m/1 was in Production before m/2; m/3 is free; m/4 in the trash."""
    place = Place.under(tmp_path / "prepared")
    with opened(place) as registry:
        for _ in range(4):
            register(registry)
        registry.promote("m/1", "Production")
        registry.promote("m/2", "Production")
        registry.delete("m/4")
    return place


@dataclass
class Traced:
    """How a traced verb ended: what it acknowledged before it was killed, and the calls seen."""

    killed: bool
    acked: str | None
    calls: Counter[str]


def traced(forks: ForkServerContext, strace: str, place: Place, verb: str, inject: str) -> Traced:
    """Do a verb in a child that is traced from just before it to its end."""
    ours, theirs = forks.Pipe()
    child = forks.Process(target=worker.once, args=(theirs, *place.texts(), verb))
    child.start()
    theirs.close()
    assert worker.READY == ours.recv()
    log = place.home / "trace"
    wanted = ["-e", f"inject={inject}", "-e", f"trace={inject.partition(':')[0]}"] if ":" in inject else ["-e", inject]
    tracer = subprocess.Popen(
        [strace, "-qq", "-p", str(child.pid), "-o", str(log), *wanted, "-v"], stderr=subprocess.PIPE, text=True
    )
    try:
        attached(child.pid or 0, tracer)
        ours.send("go")
        said = list(answers(ours))
        child.join(30)
    finally:
        child.kill()
        child.join()
        tracer.wait(30)
        assert tracer.stderr is not None
        tracer.stderr.close()
        ours.close()
    calls = Counter(re.findall(r"^(\w+)\(", log.read_text(errors="replace"), re.MULTILINE))
    return Traced(child.exitcode == -9, said[0] if said else None, calls)


def attached(pid: int, tracer: subprocess.Popen[str]) -> None:
    """Wait until the kernel says that somebody traces the process."""
    end = time.monotonic() + 20
    while "TracerPid:\t0\n" in Path(f"/proc/{pid}/status").read_text():
        if tracer.poll() is not None:
            why = tracer.stderr.read().strip() if tracer.stderr else ""
            assert "ermitted" in why, f"strace did not attach: {why}"
            pytest.skip(f"FAULT TEST SKIPPED: strace may not attach to another process here: {why[:200]}")
        assert time.monotonic() < end, "strace did not attach"
        select.select([], [], [], 0.002)


@dataclass
class Sweep:
    """What the runs of F2 came to."""

    runs: int = 0
    fired: int = 0
    there: int = 0
    before: int = 0
    after: int = 0
    lost: int = 0
    points: Counter[str] = field(default_factory=Counter)


def judge(registry: Registry, traced_: Traced, was: tuple[int, dict], will: int, sweep: Sweep) -> None:
    """Find the registry before or after the change, never between, and after it where it was acknowledged."""
    seq = registry.core.view().seq
    assert seq in (was[0], will)
    if seq == was[0]:
        assert was[1] == documents(registry, "versions")
        sweep.before += 1
    else:
        sweep.after += 1
    if traced_.acked and traced_.acked != "done":
        receipt = Receipt.parse(traced_.acked)
        sweep.lost += (receipt.seq, receipt.hash) not in {(e.seq, e.hash) for e in registry.audit()}
    check_all(registry)
    name = "n" if registry.tables["models"].contains(lambda doc: doc["name"] == "n") else "m"
    register(registry, name)
    check_all(registry)


def sweep_verbs(
    forks: ForkServerContext, strace: str, prepared: Place, opened: Callable[[Place], Registry], wanted: dict
) -> Sweep:
    """Kill each verb before its first, second, third ... system call of a kind, until there is none left to kill at."""
    sweep = Sweep()
    with opened(prepared) as registry:
        was = registry.core.view().seq, documents(registry, "versions")
    for verb, syscalls in wanted.items():
        whole = prepared.copied(prepared.store.parent.parent / f"{verb}-whole")
        unhurt = traced(forks, strace, whole, verb, "trace=" + ",".join(SYSCALLS))
        assert not unhurt.killed
        with opened(whole) as registry:
            will = registry.core.view().seq
        for syscall in syscalls:
            sweep.there += unhurt.calls[syscall]
            for point in range(1, 1_000):
                place = prepared.copied(prepared.store.parent.parent / f"{verb}-{syscall}-{point}")
                found = traced(forks, strace, place, verb, f"{syscall}:signal=KILL:when={point}")
                sweep.runs += 1
                with opened(place) as registry:
                    judge(registry, found, was, will, sweep)
                shutil.rmtree(place.store.parent)
                if not found.killed:
                    assert found.acked, "neither killed nor acknowledged"
                    break
                sweep.fired += 1
                sweep.points[f"{verb} {syscall}"] += 1
    return sweep


def row(sweep: Sweep) -> dict[str, Any]:
    return {
        "runs": sweep.runs, "calls": sweep.there, "killed_at": sweep.fired, "found_before": sweep.before,
        "found_after": sweep.after, "lost": sweep.lost,
    }  # fmt: skip


def test_killed_at_each_syscall(
    forks: ForkServerContext, strace: str, prepared: Place, opened: Callable[[Place], Registry],
    figures: Callable[..., None],
) -> None:  # fmt: skip
    """Killed before any write, sync or rename of a change, the registry is as before it or as after it."""
    sweep = sweep_verbs(forks, strace, prepared, opened, QUICK)
    figures("F2 kill at the n-th call", **row(sweep))
    for verb in QUICK:
        reached = {p.removeprefix(f"{verb} "): n for p, n in sweep.points.items() if p.startswith(f"{verb} ")}
        figures(f"F2 {verb}, killed at", **reached)
    assert 0 == sweep.lost
    assert sweep.fired >= len(QUICK), "the sweep hit nothing, so it showed nothing"
    assert sweep.before and sweep.after


@pytest.mark.campaign
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("verb", sorted(worker.ONCE))
def test_killed_at_each_syscall_campaign(
    forks: ForkServerContext, strace: str, prepared: Place, opened: Callable[[Place], Registry],
    figures: Callable[..., None], verb: str,
) -> None:  # fmt: skip
    """The same for every verb and every call that touches files."""
    sweep = sweep_verbs(forks, strace, prepared, opened, {verb: SYSCALLS})
    figures(f"F2 {verb}, every call", **row(sweep))
    assert 0 == sweep.lost
    assert sweep.fired > 0, "the sweep hit nothing, so it showed nothing"
