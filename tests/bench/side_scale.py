"""A registry of some size, for ``scale.py``: what is done there, and how much memory the process has."""

from __future__ import annotations

import os
import random
import sys
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from nbregistry import Registry
from tests.bench.catalogue import VERSIONS_EACH, filled, model_name
from tests.bench.worker import serve

PLACE = Path(sys.argv[1])
VERSIONS = int(sys.argv[2])


def main() -> None:
    """Serve without opening anything yet: opening is one of the things measured."""
    os.environ["NBREGISTRY_HOME"] = str(PLACE / "home")
    os.environ["NBREGISTRY_USER"] = "ana"
    os.chdir(PLACE)
    chance = random.Random(0)
    held: dict[str, Any] = {}

    def anywhere() -> str:
        return "{}/{}".format(*filled(chance.randrange(VERSIONS)))

    def open_() -> None:
        held["registry"] = Registry(PLACE / "registry")
        held["registry"].version(f"{model_name(0)}/1")

    def fill() -> int:
        from tests.bench.filling import fill

        return fill(PLACE / "registry", PLACE / "home", VERSIONS)

    def forget_checkpoint() -> None:
        for file in (PLACE / "registry").glob("registry.*"):
            file.unlink()

    def append() -> None:
        with (PLACE / "bare").open("ab") as file:
            file.write(b"x" * 400)
            file.flush()
            os.fsync(file.fileno())

    def count(text: str) -> int:
        return len(held["registry"].search(text, limit=VERSIONS_EACH))

    def memory() -> int:
        return int(psutil.Process().memory_info().rss)

    serve({
        "fill": lambda _: fill,
        "open": lambda _: open_,
        "forget checkpoint": lambda _: forget_checkpoint,
        "lookup": lambda _: partial(held["registry"].version, anywhere()),
        "commit": lambda n: partial(held["registry"].tag, anywhere(), measured=n),
        "bare append": lambda _: append,
        "indexed": lambda _: partial(count, f"name = '{model_name(chance.randrange(VERSIONS))}'"),
        "scan": lambda _: partial(count, "metrics.auc > 0.9999"),
        "memory": lambda _: memory,
    })  # fmt: skip


if __name__ == "__main__":
    main()
