"""nbregistry beside MLflow and stock TinyDB, in one run: ``python3 tests/bench/peers.py``.

Makes ``.venv-bench`` with MLflow, scikit-learn and us in it, so that all sides run on the same Python and libraries.
Each side is a process that stays (``side_*.py``); they take turns, a few repeats each, and the table shows medians.
Exits with 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.bench.sides import Side, bench_python, how_often, shown, table  # noqa: E402  the root must be found first
from tests.run import say  # noqa: E402  as above


def import_seconds(python: Path, rounds: int) -> dict[str, float]:
    """Return what importing costs over the bare interpreter, medians of pairs."""

    def run(code: str) -> float:
        started = time.perf_counter()
        subprocess.run([str(python), "-c", code], check=True)
        return time.perf_counter() - started

    codes = {"ours": "import nbregistry", "ours used": "from nbregistry import Registry", "peer": "import mlflow"}
    times = {name: [run(code) - run("pass") for _ in range(rounds)] for name, code in codes.items()}
    return {name: statistics.median(values) for name, values in times.items()}


def first_registers(python: Path, base: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Time the first register of a fresh process, on a new place and on one that exists."""
    times: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number in range(rounds):
        for state in ("new", "existing"):
            for script in ("side_ours", "side_mlflow"):
                side = Side(python, script, base / f"first-{number}-{script}", 0)
                times[script][state].append(side.do("first"))
                side.close()
    return {script: {k: statistics.median(v) for k, v in states.items()} for script, states in times.items()}


def take_turns(ours: Side, peer: Side, stock: Side, *, rounds: int) -> None:
    """Let the sides work in turn: registering on a small registry, then everything at full size."""
    ours.do("prepare")
    peer.do("prepare")
    for turn in range(rounds):
        say(f"registering and loading, turn {turn + 1} of {rounds}")
        for verb in ("register alone", "register with data"):
            ours.do(verb, 8)
        for verb in ("register given", "register with data", "register beside"):
            peer.do(verb, 4)
        if turn < 3:
            peer.do("register default")
        for verb in ("load small", "load small alias", "load forest", "load forest alias", "bare small", "bare forest"):
            ours.do(verb, 10)
            peer.do(verb, 10)
    say(f"filling each side with {ours.versions:,} versions")
    sides = (stock, ours, peer)
    for side in sides:
        side.do("fill")
    for verb in ("search name", "search tag"):
        for side in sides:
            side.do(verb)
        if len({side.found[verb] for side in sides}) != 1:
            sys.exit(f"The sides do not find the same for {verb!r}: {[side.found[verb] for side in sides]}")
    for turn in range(rounds):
        say(f"at {ours.versions:,} versions, turn {turn + 1} of {rounds}")
        for verb in ("lookup", "alias", "stage", "search name", "search tag"):
            ours.do(verb, 20)
            peer.do(verb, 10)
            stock.do(verb, 2)
        ours.do("search metric", 5)
        stock.do("register alone", 2)


@dataclass(frozen=True)
class Row:
    """One line of the comparison; ``goal`` is how many times faster than the peer we mean to be."""

    label: str
    ours: float
    peer: float
    goal: float | None = None

    @property
    def met(self) -> bool:
        """Whether the goal, if there is one, is reached."""
        return self.goal is None or self.peer >= self.goal * self.ours

    def cells(self) -> list[str]:
        """Return the cells of the markdown row."""
        goal = "" if self.goal is None else f">= {self.goal:.0f}x {'met' if self.met else 'MISSED'}"
        return [self.label, shown(self.ours), shown(self.peer), how_often(self.peer, self.ours), goal]


def against_peer(imports: dict[str, float], firsts: dict[str, dict[str, float]], ours: Side, peer: Side) -> list[Row]:
    """Put the medians of both sides beside each other."""
    mine, theirs = firsts["side_ours"], firsts["side_mlflow"]
    at, alone, with_data = f"at {ours.versions:,} versions", ours.median("register alone"), "register with data"
    rows = [
        Row("import", imports["ours used"], imports["peer"]),
        Row("first register, new registry", mine["new"], theirs["new"]),
        Row("first register, fresh kernel", mine["existing"], theirs["existing"]),
        Row("register the model alone", alone, peer.median("register default")),
        Row("... requirements given to MLflow", alone, peer.median("register given"), 10),
        Row("... MLflow pointed at a folder saved beside its store", alone, peer.median("register beside")),
        Row("register with data, requirements given", ours.median(with_data), peer.median(with_data)),
    ]
    for label, verb in (("small pipeline", "load small"), ("forest of 400 trees", "load forest")):
        rows.append(Row(f"load by version, {label}", ours.median(verb), peer.median(verb)))
        rows.append(Row(f"load by alias, {label}", ours.median(f"{verb} alias"), peer.median(f"{verb} alias")))
    for verb, goal in (
        ("lookup", 100.0),
        ("alias", 10.0),
        ("stage", 10.0),
        ("search name", None),
        ("search tag", None),
    ):
        rows.append(Row(f"{verb}, {at}", ours.median(verb), peer.median(verb), goal))
    return rows


def against_joblib(ours: Side) -> list[list[str]]:
    """Put our verified load beside ``joblib.load`` of the same model."""
    rows = []
    for label, verb in (("small pipeline", "small"), ("forest of 400 trees", "forest")):
        bare = ours.median(f"bare {verb}")
        for how in ("", " alias"):
            mine = ours.median(f"load {verb}{how}")
            word = "met" if mine <= 1.5 * bare else "MISSED"
            rows.append([f"load by{how or ' version'}, {label}", shown(mine), shown(bare), f"{mine / bare:.2f}x", word])
    return rows


def report(
    rows: list[Row],
    joblib_rows: list[list[str]],
    imports: dict[str, float],
    *,
    sides: list[Side],
    versions: dict[str, str],
) -> None:
    """Print the tables."""
    ours, _, stock = sides
    print(
        f"\nPython {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}; medians;"
        f" {', '.join(f'{k} {v}' for k, v in versions.items())}\n"
    )
    print(table(["operation", "nbregistry", "MLflow", "ratio", "goal"], [row.cells() for row in rows]))
    print()
    print(table(["operation", "nbregistry", "joblib.load", "times", "goal: at most 1.5x"], joblib_rows))
    print()
    verbs = ("register alone", "lookup", "alias", "stage", "search name", "search tag")
    beside = [
        [verb, shown(ours.median(verb)), shown(stock.median(verb)), how_often(stock.median(verb), ours.median(verb))]
        for verb in verbs
    ]
    print(table([f"at {ours.versions:,} versions", "nbregistry", "stock TinyDB", "ratio"], beside))
    print(
        "\nEvery register of ours captures environment and source, loads the stored model back once, signs a manifest"
        "\nand waits for the disk. With data: ours adds signature, profile and an example that must predict the same;"
        "\nMLflow is given five rows as input example. MLflow's versions filled in carry tags only; stock TinyDB keeps"
        "\nmetadata only."
        f"\nSearch on a metric, ours: {shown(ours.median('search metric'))}; MLflow's model versions have no metrics."
        f"\n`import nbregistry` alone: {shown(imports['ours'])} more than the bare interpreter (goal: at most 60 ms,"
        f" {'met' if imports['ours'] <= 0.06 else 'MISSED'})."
    )


def installed(python: Path) -> dict[str, str]:
    """Return the versions of what was compared."""
    names = ["nbregistry", "mlflow", "tinydb", "scikit-learn", "joblib", "pandas"]
    code = f"import importlib.metadata as m, json; print(json.dumps({{n: m.version(n) for n in {names!r}}}))"
    done = subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", type=int, default=10_000, help="size of the filled registries (10000)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side (5)")
    parser.add_argument("--json", type=Path, help="write every single time there")
    options = parser.parse_args()
    python = bench_python()
    with tempfile.TemporaryDirectory(prefix="nbregistry-bench-") as folder:
        base = Path(folder)
        say("imports")
        imports = import_seconds(python, options.rounds)
        say("first registers")
        firsts = first_registers(python, base, min(3, options.rounds))
        scripts = ("side_ours", "side_mlflow", "side_tinydb")
        ours, peer, stock = sides = [Side(python, script, base / script, options.versions) for script in scripts]
        take_turns(ours, peer, stock, rounds=options.rounds)
        for side in sides:
            side.close()
    rows, joblib_rows = against_peer(imports, firsts, ours, peer), against_joblib(ours)
    report(rows, joblib_rows, imports, sides=sides, versions=installed(python))
    if options.json:
        every: dict[str, Any] = {side.script: side.seconds for side in sides}
        options.json.write_text(json.dumps({"imports": imports, "firsts": firsts, "sides": every}, indent=1), "utf-8")
    met = imports["ours"] <= 0.06 and all(row.met for row in rows) and all("MISSED" not in row for row in joblib_rows)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
