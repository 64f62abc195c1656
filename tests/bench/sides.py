"""The driver's end of a worker (see ``worker.py``), and how times and tables are written."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.run import ensure_environment

ROOT = Path(__file__).resolve().parent.parent.parent
PEER = "mlflow>=3.17,<3.18"


def bench_python() -> Path:
    """Return the Python of the environment that holds us and the peer, made where it is missing."""
    return ensure_environment(ROOT / ".venv-bench", PEER, "-e", ".[bench]")


@dataclass
class Side:
    """A worker process and every time it has told so far."""

    python: Path
    script: str
    place: Path
    versions: int
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    found: dict[str, int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.place.mkdir(parents=True, exist_ok=True)
        self.log = (self.place / "worker.log").open("ab")
        command = [str(self.python), "-m", f"tests.bench.{self.script}", str(self.place), str(self.versions)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True
        )

    def do(self, verb: str, repeats: int = 1) -> float:
        """Let the side do something so many times; return the median of these."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"verb": verb, "repeats": repeats}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{self.script} failed at {verb!r}:\n{(self.place / 'worker.log').read_text('utf-8')[-3000:]}")
        told = json.loads(answer)
        seconds: list[float] = told["seconds"]
        self.seconds[verb] += seconds
        self.found[verb] = told["found"]
        return statistics.median(seconds)

    def median(self, verb: str) -> float:
        """Median of all repeats so far."""
        return statistics.median(self.seconds[verb])

    def close(self) -> None:
        """End the process and wait for it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.log.close()


def shown(seconds: float | None) -> str:
    """Write a time with three significant digits."""
    if seconds is None:
        return ""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size or unit == "us":
            value = seconds / size
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"
    raise AssertionError


def table(header: list[str], rows: list[list[str]]) -> str:
    """Lay out a markdown table."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in [header, ["-" * width for width in widths], *rows]
    ]
    return "\n".join(lines)


def how_often(slow: float, fast: float) -> str:
    """Write how many times as long the slow one takes."""
    ratio = slow / fast
    return f"{ratio:,.0f}x" if ratio >= 100 else f"{ratio:.3g}x"
