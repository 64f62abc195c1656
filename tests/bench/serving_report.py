"""What was seen of each server, the tables of it, and whether the goals are met."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, TypeAlias

from tests.bench.sides import table

MODELS = {
    "lr": "logistic regression with StandardScaler, 30 doubles",
    "rf": "random forest of 100 trees, 30 doubles",
    "mixed": "column transformer and logistic regression, 8 mixed columns",
}
CONNECTIONS = (1, 32, 128)


class Load(NamedTuple):
    """What one run of wrk saw.

    Attributes
    ----------
    rate : float
        Good answers a second.
    p50, p99 : float
        Milliseconds from request to answer.
    refused : int
        Answers of 400 and above.
    broken : int
        Connections and reads that failed or took longer than wrk waits.
    """

    rate: float
    p50: float
    p99: float
    refused: int
    broken: int


@dataclass
class Measured:
    """One server with one model, over all rounds.

    Attributes
    ----------
    ready : list of float
        Seconds from the call to the first answer; the first start comes first.
    idle, loaded : list of float
        Megabytes of all its processes, at each start before any load, and after the loads.
    loads : dict
        What wrk saw, by the number of connections.
    size : int
        Bytes of an answer.
    """

    ready: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)
    loaded: list[float] = field(default_factory=list)
    loads: dict[int, list[Load]] = field(default_factory=dict)
    size: int = 0

    def started(self, ready: float, idle: float) -> None:
        """Add a start."""
        self.ready.append(ready)
        self.idle.append(idle)

    def rate(self, connections: int) -> float:
        """Good answers a second."""
        return statistics.median(seen.rate for seen in self.loads[connections])

    def p99(self, connections: int) -> float:
        """Milliseconds."""
        return statistics.median(seen.p99 for seen in self.loads[connections])

    def errors(self, connections: int) -> int:
        """Everything that was no good answer, in all rounds."""
        return sum(seen.refused + seen.broken for seen in self.loads[connections])

    def as_document(self) -> dict[str, Any]:
        """Return plain JSON data."""
        loads = {str(n): [seen._asdict() for seen in every] for n, every in self.loads.items()}
        return {**asdict(self), "loads": loads}


Results: TypeAlias = "dict[tuple[str, str], Measured]"


class Goal(NamedTuple):
    """One promise: what was seen, what it takes, whether it is kept."""

    label: str
    seen: str
    wanted: str
    met: bool

    def cells(self) -> list[str]:
        """Return the cells of the markdown row."""
        return [self.label, self.seen, self.wanted, "met" if self.met else "MISSED"]


def _cell(seen: Measured, connections: int) -> str:
    if connections not in seen.loads:
        return ""
    runs = seen.loads[connections]
    errors = seen.errors(connections)
    p50 = statistics.median(run.p50 for run in runs)
    told = f"{seen.rate(connections):,.0f} ({p50:.3g}, {seen.p99(connections):.3g})"
    return f"{told} {errors:,} errors" if errors else told


def _starts(seen: Measured) -> tuple[str, str]:
    """Write seconds and megabytes of the first start, of those after it, and megabytes after the load."""
    ready, idle = [f"{seen.ready[0]:.2f}"], [f"{seen.idle[0]:.0f}"]
    if len(seen.ready) > 1:
        ready.append(f"{statistics.median(seen.ready[1:]):.2f}")
        idle.append(f"{statistics.median(seen.idle[1:]):.0f}")
    return ", ".join(ready), ", ".join([*idle, f"{statistics.median(seen.loaded):.0f}"])


def _table_of(model: str, results: Results) -> str:
    rows = []
    for (name, served), seen in results.items():
        if served == model:
            rows.append([name, *(_cell(seen, n) for n in CONNECTIONS), *_starts(seen)])
    header = [MODELS[model], "1 connection", "32", "128", "ready, s", "memory, MB"]
    return table(header, rows)


def _at(
    model: str, connections: int, ours: Measured, peers: dict[str, Measured], bare: Measured | None
) -> Iterable[Goal]:
    """Say how we do against the best peer in rate, and against the bare app."""
    where = f"{model}, {connections} connections" if connections > 1 else f"{model}, 1 connection"
    name, best = max(peers.items(), key=lambda each: each[1].rate(connections))
    ratio = ours.rate(connections) / best.rate(connections)
    wanted = 8 if connections > 1 and model != "mixed" else 4
    yield Goal(f"{where}: rate over {name}", f"{ratio:.1f}x", f">= {wanted}x", ratio >= wanted)
    if connections > 1 and model != "mixed":
        share = ours.p99(connections) / best.p99(connections)
        yield Goal(f"{where}: p99 over {name}'s", f"{share:.2f}", "<= 0.25", share <= 0.25)
        if bare is not None:
            part = ours.rate(connections) / bare.rate(connections)
            yield Goal(f"{where}: rate over the bare app", f"{part:.0%}", ">= 60%", part >= 0.6)
    errors = ours.errors(connections)
    yield Goal(f"{where}: errors", str(errors), "0", errors == 0)


def _starting(ours: Measured) -> Iterable[Goal]:
    """Say how heavy and how quick one small model makes us."""
    for label, megabytes in (
        ("memory, all processes, first start", ours.idle[0]),
        ("memory, all processes, later starts", statistics.median(ours.idle[1:])),
        ("memory, all processes, after the load", statistics.median(ours.loaded)),
    ):
        yield Goal(label, f"{megabytes:.0f} MB", "<= 150 MB", megabytes <= 150)
    for label, seconds in (("first", ours.ready[0]), ("later", statistics.median(ours.ready[1:]))):
        yield Goal(f"from the call to the first answer, {label}", f"{seconds:.2f} s", "<= 2 s", seconds <= 2)


def goals(results: Results, peers: list[str], *, ours: str, bare: str) -> list[Goal]:
    """Return every promise that these results can judge."""
    found: list[Goal] = []
    for model in MODELS:
        mine = results.get((ours, model))
        if mine is None:
            continue
        theirs = {name: results[name, model] for name in peers if (name, model) in results}
        for connections in mine.loads:
            known = {name: seen for name, seen in theirs.items() if connections in seen.loads}
            if known:
                found += _at(model, connections, mine, known, results.get((bare, model)))
        if model == "lr":
            found += _starting(mine)
    return found


def report(results: Results, peers: list[str], *, ours: str, bare: str) -> bool:
    """Print the tables; return whether every goal is met."""
    print(
        f"\nPython {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}; one worker each; answers"
        " a second (p50, p99 in ms),\nmedians of the rounds; ready and memory: first start, later ones;"
        " memory also after the load\n"
    )
    for model in MODELS:
        if any(served == model for _, served in results):
            print(_table_of(model, results), end="\n\n")
    judged = goals(results, peers, ours=ours, bare=bare)
    if judged:
        print(table(["goal", "seen", "wanted", ""], [goal.cells() for goal in judged]))
    return all(goal.met for goal in judged)
