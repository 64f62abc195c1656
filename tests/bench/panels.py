"""The panels on a registry of 1,000 models of 100 versions each: ``python3 tests/bench/panels.py``.

Every figure is a median of fresh processes: a kernel that has the registry open, and a user who asks for a panel for
the first time. Exits with 1 when a goal is missed.
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
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.bench.sides import shown, table  # noqa: E402  the root must be found first, this is a script
from tests.run import say  # noqa: E402  as above

EACH = 100
GOAL = 1.0  # seconds in which a panel opens


def filled(folder: Path, home: Path, models: int) -> None:
    """Fill a registry and put one version of each model to use."""
    from nbregistry import Registry
    from tests.bench.catalogue import model_name
    from tests.bench.filling import fill

    fill(folder, home, models * EACH, EACH)
    with Registry(folder) as registry:
        for model in range(models):
            name = model_name(model * EACH, EACH)
            registry.promote(f"{name}/{EACH - 5}", "Production", because="the best of its time")
            registry.alias(f"{name}/{EACH - 2}", "champion")


def opened(folder: Path) -> dict[str, tuple[float, float]]:
    """Return the seconds that each panel takes for the first time in this process, and those of the processor."""
    from nbregistry import Registry
    from nbregistry.widgets import card_panel, registry_panel
    from tests.bench.catalogue import model_name

    found: dict[str, tuple[float, float]] = {}

    def timed(name: str, call: Callable[[], object]) -> None:
        begin, spent = time.perf_counter(), time.process_time()
        call()
        found[name] = time.perf_counter() - begin, time.process_time() - spent

    with Registry(folder) as registry:
        timed("open the registry", registry.core.view)
        panels = []
        timed("registry panel", lambda: panels.append(registry_panel(registry)))
        timed("registry panel again", lambda: registry_panel(registry))
        timed("versions of a model", lambda: panels[0].look_at(model_name(0, EACH)))
        timed("version card", lambda: panels.append(card_panel(registry, f"{model_name(EACH, EACH)}/{EACH}")))
        timed("its history", lambda: panels[-1].views.select("History"))
    return found


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=1_000, help="models in the registry (1000)")
    parser.add_argument("--rounds", type=int, default=5, help="fresh processes (5)")
    parser.add_argument("--place", type=Path, help="a filled registry, kept; made where there is none")
    parser.add_argument("--step", choices=("fill", "open"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step == "fill":
        filled(options.place / "store", options.place / "home", options.models)
        return 0
    if options.step == "open":
        print(json.dumps(opened(options.place / "store")))
        return 0
    with tempfile.TemporaryDirectory(prefix="nbregistry-panels-") as folder:
        place = options.place or Path(folder)

        def step(name: str) -> str:
            command = [sys.executable, __file__, "--step", name, "--place", str(place)]
            environment = {**os.environ, "NBREGISTRY_HOME": str(place / "home")}
            more = ["--models", str(options.models)]
            return subprocess.run(command + more, env=environment, check=True, capture_output=True, text=True).stdout

        if not (place / "store").exists():
            say(f"filling a registry with {options.models:,} models of {EACH} versions")
            step("fill")
        say("opening panels")
        rounds = [json.loads(step("open")) for _ in range(options.rounds)]
    rows = []
    for name in rounds[0]:
        seconds, processor = (statistics.median(found[name][at] for found in rounds) for at in (0, 1))
        goal = f"<= {shown(GOAL)} {'met' if seconds <= GOAL else 'MISSED'}" if "panel" in name or "card" in name else ""
        rows.append([name, shown(seconds), shown(processor), goal])
    print(f"\nPython {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}; medians\n")
    print(table(["", f"{options.models:,} models x {EACH} versions", "of the processor", "goal"], rows))
    return 1 if any("MISSED" in row[-1] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
