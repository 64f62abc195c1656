"""Run as ``python -m tests.flavors.fresh FOLDER``: load every model kept there and write down what they say.

A process of its own, so that nothing is left of the one that made the models.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

from nbregistry.flavors import table
from tests.flavors.toys import says

ROOT = Path(__file__).resolve().parents[2]


def keep(folder: Path, name: str, model: Any, data: Any, *, format: str | None = None) -> None:
    """Store a model with its data for ``main`` to find."""
    flavor = table.flavor_of(model)
    number = len(list(folder.glob("*.json")))
    chosen = format or flavor.default(model)
    with (folder / f"{number}.model").open("wb") as file:
        flavor.save(model, file, chosen, example=data)
    (folder / f"{number}.data").write_bytes(pickle.dumps(data))
    about = {"name": name, "flavor": flavor.name, "format": chosen, "estimator": flavor.describe(model)}
    (folder / f"{number}.json").write_text(json.dumps(about), "utf-8")


def main(folder: Path) -> None:
    """Load all, ask all, and leave the answers in ``answers``."""
    answers = {}
    for about in sorted(folder.glob("*.json")):
        told = json.loads(about.read_text("utf-8"))
        flavor = table.flavor(told["flavor"])
        with about.with_suffix(".model").open("rb") as file:
            allowed = flavor.audit(file, told["format"])
            model = flavor.load(file, told["format"], estimator=told["estimator"], trusted=allowed)
        data = pickle.loads(about.with_suffix(".data").read_bytes())
        answers[told["name"]] = (flavor.describe(model), says(model, data))
    (folder / "answers").write_bytes(pickle.dumps(answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
