"""Our side: the public ``Registry`` on its folder."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import joblib

from nbregistry import Registry
from tests.bench.catalogue import TEAMS, filled, model_name
from tests.bench.filling import fill
from tests.bench.subjects import data, forest, pipeline
from tests.bench.worker import serve

PLACE = Path(sys.argv[1])
FILLED = int(sys.argv[2])


def register(registry: Registry, model: Any, name: str) -> None:
    """Register as a user would, with the data: signature, profile, example and environment are captured."""
    X, y = data()
    registry.register(model, name, X=X, y=y, metrics={"auc": 0.99})


def register_alone(registry: Registry, model: Any) -> None:
    """Register the model without its data; the signature then comes from the estimator."""
    registry.register(model, "churn", metrics={"auc": 0.99})


def first(model: Any) -> None:
    """Open the place and register."""
    register_alone(Registry(PLACE / "registry"), model)


def prepare(registry: Registry) -> None:
    """Register what is loaded later; write the same models for the bare load."""
    for model, name in ((pipeline(0), "small"), (forest(), "forest")):
        register(registry, model, name)
        registry.alias(f"{name}/1", "champion")
        joblib.dump(model, PLACE / f"{name}.joblib")


def main() -> None:
    """Get ready as a notebook would be: libraries imported, models fitted, nothing registered yet."""
    os.environ["NBREGISTRY_HOME"] = str(PLACE / "home")
    os.chdir(PLACE)
    data()
    registry = Registry(PLACE / "registry")
    load = registry.load
    serve({
        "first": lambda n: partial(first, pipeline(n)),
        "prepare": lambda _: partial(prepare, registry),
        "register alone": lambda n: partial(register_alone, registry, pipeline(n)),
        "register with data": lambda n: partial(register, registry, pipeline(1000 + n), "churn"),
        "load small": lambda _: partial(load, "small/1"),
        "load small alias": lambda _: partial(load, "small@champion"),
        "load forest": lambda _: partial(load, "forest/1"),
        "load forest alias": lambda _: partial(load, "forest@champion"),
        "bare small": lambda _: partial(joblib.load, PLACE / "small.joblib"),
        "bare forest": lambda _: partial(joblib.load, PLACE / "forest.joblib"),
        "fill": lambda _: partial(fill, PLACE / "registry", PLACE / "home", FILLED),
        "lookup": lambda n: partial(registry.version, "{}/{}".format(*filled(n * 37 % FILLED))),
        "alias": lambda n: partial(registry.alias, f"{model_name(0)}/{n % 2 + 1}", "champion"),
        "stage": lambda n: partial(registry.promote, f"{model_name(0)}/{n % 2 + 1}", "Production", because="bench"),
        "search name": lambda n: lambda: len(registry.search(f"name = '{model_name(n * 50 % FILLED)}'", limit=50)),
        "search tag": lambda n: lambda: len(registry.search(f"tags.team = 'team-{n % TEAMS:03d}'", limit=50)),
        "search metric": lambda n: lambda: len(registry.search("metrics.auc > 0.995", limit=50)),
    })  # fmt: skip


if __name__ == "__main__":
    main()
