"""C1, C2, C5, C6: several writers, a race for Production, threads and forks, and a reader beside a writer."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from nbregistry import Registry
from tests.faults import worker
from tests.faults.invariants import check_all

Figures = Callable[..., None]
PATIENCE = 90
"""Seconds after which a child that says nothing is taken for stuck."""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A registry that is about to be used by several processes of one user."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("NBREGISTRY_HOME", str(home))
    with Registry(tmp_path / "store") as registry:
        yield registry


@contextmanager
def started(
    forks: ForkServerContext, registry: Registry, work: Callable[..., None], *more: Any, copies: int = 1
) -> Iterator[list[Connection]]:
    """Run a worker in processes of its own; yields a pipe to each that is ready."""
    children, pipes = [], []
    for _ in range(copies):
        ours, theirs = forks.Pipe()
        texts = str(registry.core.store.folder), str(registry.core.store.home)
        child = forks.Process(target=work, args=(theirs, *texts, *more))
        child.start()
        theirs.close()
        children.append(child)
        pipes.append(ours)
    try:
        yield pipes
        for child in children:
            child.join(PATIENCE)
            assert 0 == child.exitcode
    finally:
        for child, pipe in zip(children, pipes, strict=True):
            child.kill()
            child.join()
            pipe.close()


def said(pipe: Connection) -> Any:
    """Return what a child says next."""
    assert pipe.poll(PATIENCE), f"nothing was heard for {PATIENCE} s"
    return pipe.recv()


def quantile(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


# -- C1


def write_at_once(forks: ForkServerContext, registry: Registry, writers: int, count: int) -> dict[str, Any]:
    """Register and annotate in several processes; every version is there once, numbered without a gap."""
    with started(forks, registry, worker.registering, count, copies=writers) as pipes:
        assert [worker.READY] * writers == [said(pipe) for pipe in pipes]
        start = time.perf_counter()
        for pipe in pipes:
            pipe.send("go")
        told = [turn for pipe in pipes for turn in said(pipe)]
        took = time.perf_counter() - start
    refs = [ref for ref, _ in told if ref]
    there = {version.ref for version in registry.versions("m")}
    assert {f"m/{number}" for number in range(1, writers * count + 1)} == there
    assert [1] * len(refs) == [len(registry.annotations(ref)) for ref in refs]
    check_all(registry)
    registers, changes = ([s for ref, s in told if bool(ref) is made] for made in (True, False))
    return {
        "writers": writers, "versions": len(there), "duplicates": len(refs) - len(set(refs)),
        "lost": len(set(refs) - there), "commits_per_s": len(told) / took,
        "register_p50_ms": quantile(registers, 0.5) * 1e3, "register_p99_ms": quantile(registers, 0.99) * 1e3,
        "annotate_p50_ms": quantile(changes, 0.5) * 1e3, "annotate_p99_ms": quantile(changes, 0.99) * 1e3,
    }  # fmt: skip


@pytest.mark.parametrize("writers", [2, 4])
def test_writers(forks: ForkServerContext, store: Registry, figures: Figures, writers: int) -> None:
    """Processes that register into one model at once get numbers of their own, and none is lost."""
    found = write_at_once(forks, store, writers, 25)
    figures("C1 writers", **found)
    assert (0, 0) == (found["duplicates"], found["lost"])


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("writers", [2, 4, 8, 16])
def test_writers_campaign(forks: ForkServerContext, store: Registry, figures: Figures, writers: int) -> None:
    """The same with up to 16 processes and 200 versions each."""
    found = write_at_once(forks, store, writers, 200)
    figures("C1 writers, campaign", **found)
    assert (0, 0) == (found["duplicates"], found["lost"])


# -- C2


def race(forks: ForkServerContext, registry: Registry, rounds: int, *, racers: int = 4) -> dict[str, Any]:
    """Have processes promote different versions over the same holder, round by round, while another one looks."""
    for _ in range(racers + 1):
        registry.register(worker.toy(), "m")
    registry.promote("m/1", "Production")
    holder, outcomes = "m/1", Counter[str]()
    with (
        started(forks, registry, worker.watching) as [watcher],
        started(forks, registry, worker.promoting, copies=racers) as pipes,
    ):
        assert [worker.READY] * (racers + 1) == [said(pipe) for pipe in (watcher, *pipes)]
        for _ in range(rounds):
            others = [f"m/{n}" for n in range(1, racers + 2) if f"m/{n}" != holder]
            for pipe, ref in zip(pipes, others, strict=True):
                pipe.send((ref, holder))
            found = [said(pipe) for pipe in pipes]
            won = [ref for outcome, ref in found if outcome == "won"]
            assert 1 == len(won), found
            assert won == [version.ref for version in registry.search("name = 'm' AND stage = 'Production'")]
            outcomes.update(outcome for outcome, _ in found)
            holder = won[0]
        for pipe in pipes:
            pipe.send(None)
        watcher.send("stop")
        looks, wrong = said(watcher)
    assert [] == wrong
    assert {"won": rounds, "Conflict": rounds * (racers - 1)} == outcomes
    check_all(registry)
    assert rounds + 1 == sum(event.action == "promote" for event in registry.audit())
    return {"rounds": rounds, "racers": racers, "winners": outcomes["won"], "conflicts": outcomes["Conflict"],
            "looks": looks, "looks_with_0_or_2": len(wrong)}  # fmt: skip


def test_promotion_race(forks: ForkServerContext, store: Registry, figures: Figures) -> None:
    """Of many who promote over the same holder one wins; nobody ever sees Production vacant or held twice."""
    found = race(forks, store, 30)
    figures("C2 promotion race", **found)
    assert found["looks"] >= 10


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_promotion_race_campaign(forks: ForkServerContext, store: Registry, figures: Figures) -> None:
    """The same with eight processes over a thousand rounds."""
    figures("C2 promotion race, campaign", **race(forks, store, 1_000, racers=8))


# -- C5


def test_threads(forks: ForkServerContext, store: Registry, figures: Figures) -> None:
    """Eight threads share one registry without a deadlock, and each reads what it wrote."""
    store.register(worker.toy(), "m")
    with started(forks, store, worker.threaded, 8) as [pipe]:
        wrong, versions = said(pipe)
    assert ([], 8 * 4 + 1) == (wrong, versions)
    check_all(store)
    figures("C5 threads", threads=8, versions=versions, deadlocks=0, wrong_reads=len(wrong))


def test_forks(forks: ForkServerContext, store: Registry, figures: Figures) -> None:
    """A fork amid a commit of another thread reads and writes at once, and its parent goes on."""
    store.register(worker.toy(), "m")
    with started(forks, store, worker.forking, 20) as [pipe]:
        statuses, notes = said(pipe)
    assert [0] * 20 == statuses
    assert {f"child {turn}" for turn in range(20)} == {note for note in notes if note.startswith("child")}
    assert ("parent before", "parent after") == (notes[0], notes[-1])
    check_all(store)
    figures("C5 forks amid commits", forks=20, stuck=0, commits_meanwhile=notes.count("parent meanwhile"))


# -- C6


def watch(forks: ForkServerContext, registry: Registry, count: int) -> dict[str, Any]:
    """Read while another process writes; a read that begins after an acknowledgement must show the change."""
    reads: list[tuple[float, float, int]] = []
    acked: dict[int, float] = {}
    own = None
    with started(forks, registry, worker.tagging, count) as [pipe]:
        assert worker.READY == said(pipe)
        pipe.send("go")
        while own is None:
            begun = time.monotonic()
            seen = registry.version("m/1").tags["turn"]
            reads.append((begun, time.monotonic(), int(str(seen))))
            while pipe.poll():
                turn, what = pipe.recv()
                if turn is None:
                    own = what
                    break
                acked[turn] = what
            time.sleep(random.uniform(0, 0.001))
    assert [seen for *_, seen in reads] == sorted(seen for *_, seen in reads)
    stale = sum(seen < turn for turn, at in acked.items() for begun, _, seen in reads if begun > at)
    lags = []
    for turn, at in acked.items():
        first = next((end for _, end, seen in reads if seen >= turn), time.monotonic())
        lags.append(max(first - at, 0.0))
    return {"commits": count, "reads": len(reads), "stale_reads": stale, "own_writes_unseen": own,
            "lag_p50_ms": quantile(lags, 0.5) * 1e3, "p99_ms": quantile(lags, 0.99) * 1e3}  # fmt: skip


def test_reader_beside_a_writer(forks: ForkServerContext, store: Registry, figures: Figures) -> None:
    """What one process was acknowledged, another one reads at once."""
    store.register(worker.toy(), "m", tags={"turn": 0})
    found: dict[str, Any] = {}
    for _ in range(3):  # the lag is of a reader that runs: on a busy machine it may have to wait for its turn
        store.tag("m/1", turn=0)
        found = watch(forks, store, 150)
        assert (0, 0) == (found["stale_reads"], found["own_writes_unseen"])
        if found["p99_ms"] < 100:
            break
    figures("C6 reader beside a writer", **found)
    assert found["p99_ms"] < 100
