"""A registry of 100,000 versions in 2,000 models beside one of 1,000: ``python3 tests/bench/scale.py``.

Every figure is taken through the public ``Registry`` in a process of its own; commits on the large and the small
registry take turns, so that the disk's mood is the same for both. Exits with 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.bench.sides import Side, bench_python, shown, table  # noqa: E402  the root must be found first, this is a script
from tests.run import say  # noqa: E402  as above

SMALL = 1_000
SCRIPT = "side_scale"


def filled_place(python: Path, place: Path, versions: int) -> None:
    """Fill a registry in a process that ends before anything is measured."""
    say(f"filling a registry with {versions:,} versions")
    side = Side(python, SCRIPT, place, versions)
    side.do("fill")
    side.close()


def opened(python: Path, place: Path, versions: int, *, times: int) -> list[float]:
    """Open in fresh processes; return the seconds of each."""
    seconds = []
    for _ in range(times):
        side = Side(python, SCRIPT, place, versions)
        seconds.append(side.do("open"))
        side.close()
    return seconds


def measure(python: Path, base: Path, versions: int, rounds: int) -> list[list[str]]:
    """Return the rows of the table."""
    large_place, small_place = base / "large", base / "small"
    filled_place(python, small_place, SMALL)
    filled_place(python, large_place, versions)
    say("opening")
    opens = opened(python, large_place, versions, times=5)
    large, small = Side(python, SCRIPT, large_place, versions), Side(python, SCRIPT, small_place, SMALL)
    for side in (large, small):
        side.do("open")
    for turn in range(rounds):
        say(f"turn {turn + 1} of {rounds}")
        for side in (large, small):
            side.do("lookup", 2000)
            side.do("commit", 100)
            side.do("bare append", 100)
            side.do("indexed", 50)
            side.do("scan", 5)
    large.do("memory")
    memory = (large.found["memory"] or 0) / 1e6
    for side in (large, small):
        side.close()
    say("opening without a checkpoint")
    last = Side(python, SCRIPT, large_place, versions)
    last.do("forget checkpoint")
    bare_open = last.do("open")
    last.close()

    def row(label: str, seconds: float, goal: float | None, beside: float | None = None) -> list[str]:
        verdict = "" if goal is None else f"<= {shown(goal)} {'met' if seconds <= goal else 'MISSED'}"
        return [label, shown(seconds), shown(beside), verdict]

    growth = large.median("commit") / small.median("commit")
    return [
        row("open", statistics.median(opens), 1.0),
        row("open with every derived file deleted", bare_open, None),
        row("lookup", large.median("lookup"), 20e-6, small.median("lookup")),
        row("durable commit", large.median("commit"), 1e-3, small.median("commit")),
        ["durable commit, growth", f"{growth:.2f}x", "", f"<= 1.5x {'met' if growth <= 1.5 else 'MISSED'}"],
        row("bare append and fsync of 400 bytes", large.median("bare append"), None, small.median("bare append")),
        row("search by an indexed field", large.median("indexed"), 1e-3, small.median("indexed")),
        row("full scan on a metric", large.median("scan"), 80e-3, small.median("scan")),
        ["memory of the process (RSS)", f"{memory:.0f} MB", "", f"<= 450 MB {'met' if memory <= 450 else 'MISSED'}"],
    ]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", type=int, default=100_000, help="size of the large registry (100000)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each registry (5)")
    options = parser.parse_args()
    python = bench_python()
    with tempfile.TemporaryDirectory(prefix="nbregistry-scale-") as folder:
        rows = measure(python, Path(folder), options.versions, options.rounds)
    print(f"\nPython {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}; medians\n")
    print(table(["", f"{options.versions:,} versions", f"{SMALL:,} versions", "goal"], rows))
    return 1 if any("MISSED" in row[-1] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
