"""Our server beside MLflow's, MLServer, BentoML, LitServe and a bare ASGI app: ``python3 tests/bench/serving.py``.

Each server has an environment of its own (``.venv-bench-*``, made where missing), serves one model at a time with one
worker, and has the machine for itself with wrk. Before anything is timed, it has to give the model's own label for
every row, many asked at once. The rounds go over all servers in turn; the tables show medians of the rounds.
Exits with 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.bench.serving_load import Server, load, resident, wrk  # noqa: E402  the root must be found first
from tests.bench.serving_peers import BARE, OURS, PEERS, Asked, Contender, prepared  # noqa: E402  as above
from tests.bench.serving_report import CONNECTIONS, MODELS, Measured, Results, report  # noqa: E402  as above
from tests.run import say  # noqa: E402  as above

KEPT = ROOT / ".bench"
VARIANTS = {
    OURS.name: (),
    "nbregistry, not compiled": ("--no-compile",),
    "nbregistry, not batched": ("batch=1",),
    "nbregistry, neither": ("--no-compile", "batch=1"),
}
"""What compiling and batching bring, each alone."""


def entries(only: list[str]) -> Iterator[tuple[str, Contender, tuple[str, ...]]]:
    """Name what takes part; the bare app comes last, since its answers are as long as ours."""
    every = [(peer.name, peer, peer.settings) for peer in PEERS]
    every += [(name, OURS, settings) for name, settings in VARIANTS.items()]
    every.append((BARE.name, BARE, ()))
    for name, contender, settings in every:
        if not only or any(word.casefold() in name.casefold() for word in only):
            yield name, contender, settings


def measure(server: Server, measured: Measured, *, seconds: int, connections: list[int]) -> None:
    """Verify, warm up and load one server; add what was seen."""
    measured.size = server.verify()
    measured.started(server.ready, resident(server.process.pid))
    bodies = server.asked.place / f"{server.contender.folder}.bodies"
    bodies.write_bytes(b"\n".join(server.bodies()) + b"\n")
    load(server.url, bodies, connections=32, seconds=2)
    for count in connections:
        seen = load(server.url, bodies, connections=count, seconds=seconds)
        measured.loads.setdefault(count, []).append(seen)
        errors = seen.refused + seen.broken
        say(f"    {count:>3} connections: {seen.rate:8,.0f}/s, p99 {seen.p99:.1f} ms, {errors} errors")
    measured.loaded.append(resident(server.process.pid))


def start_once(contender: Contender, asked: Asked, settings: tuple[str, ...]) -> Measured:
    """Note the very first start of ours, which finds nothing compiled; the peers have nothing of the kind."""
    measured = Measured()
    if contender is OURS:
        server = Server(contender, asked, settings)
        server.verify()
        measured.started(server.ready, resident(server.process.pid))
        server.stop()
    return measured


def run(options: argparse.Namespace, base: Path) -> Results:
    """Let everybody take turns."""
    taking_part = list(entries(options.only))
    places: dict[tuple[str, str], list[Asked]] = {}
    for _, contender, _ in taking_part:
        if (contender.folder, contender.form) not in places:
            say(f"models for {contender.name}")
            places[contender.folder, contender.form] = prepared(contender, base / contender.folder)
    results: Results = {}
    for turn in range(options.rounds):
        for name, contender, given in taking_part:
            for asked in places[contender.folder, contender.form]:
                if asked.model not in options.models:
                    continue
                say(f"round {turn + 1} of {options.rounds}: {name}, {asked.model}")
                ours = results.get((OURS.name, asked.model))
                settings = (str(ours.size),) if contender is BARE and ours else given
                if (name, asked.model) not in results:
                    results[name, asked.model] = start_once(contender, asked, settings)
                server = Server(contender, asked, settings)
                try:
                    seen = results[name, asked.model]
                    measure(server, seen, seconds=options.seconds, connections=options.connections)
                finally:
                    server.stop()
                time.sleep(1)  # the closed sockets and processes of the last one settle
    return results


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server (3)")
    parser.add_argument("--seconds", type=int, default=10, help="length of one run of wrk (10)")
    parser.add_argument("--quick", action="store_true", help="one round of 5 s runs")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="only servers with a WORD in their name")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS, help="only these models")
    parser.add_argument("--connections", nargs="+", type=int, default=list(CONNECTIONS), help="only these numbers")
    parser.add_argument("--json", type=Path, default=KEPT / "serving.json", help="where every single figure goes")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 5
    wrk()
    with tempfile.TemporaryDirectory(prefix="nbregistry-serving-") as folder:
        results = run(options, Path(folder))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    every = [{"server": name, "model": model, **seen.as_document()} for (name, model), seen in results.items()]
    options.json.write_text(json.dumps(every, indent=1), "utf-8")
    return 0 if report(results, [peer.name for peer in PEERS], ours=OURS.name, bare=BARE.name) else 1


if __name__ == "__main__":
    sys.exit(main())
