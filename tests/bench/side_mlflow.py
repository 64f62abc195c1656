"""The peer: MLflow on SQLite and the local disk, each thing done as its documentation shows."""

from __future__ import annotations

import logging
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

os.environ |= {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}

import joblib
import mlflow
import mlflow.sklearn

from tests.bench.catalogue import TEAMS, filled, model_name, tags
from tests.bench.subjects import REQUIREMENTS, data, forest, pipeline
from tests.bench.worker import serve

PLACE = Path(sys.argv[1])
FILLED = int(sys.argv[2])


def client() -> Any:
    """Return a client; the first one of a new place makes the tables."""
    return mlflow.MlflowClient()


def register(model: Any, name: str, **options: Any) -> None:
    """Log and register in one call."""
    with mlflow.start_run():
        mlflow.sklearn.log_model(model, name="model", registered_model_name=name, **options)


def register_beside(model: Any, folder: Path) -> None:
    """Save to a folder and point a version at it: no run, and the files stay outside the artifact store."""
    mlflow.sklearn.save_model(model, folder, pip_requirements=REQUIREMENTS)
    client().create_model_version("churn", str(folder))


def fill() -> int:
    """Make versions that hold metadata only."""
    mine = client()
    for number in range(FILLED):
        if filled(number)[1] == 1:
            mine.create_registered_model(model_name(number))
        mine.create_model_version(model_name(number), str(PLACE / "nothing"), tags=tags(number))
    return FILLED


def prepare() -> None:
    """Register what is loaded later; write the same models for the bare load."""
    for model, name in ((pipeline(0), "small"), (forest(), "forest")):
        register(model, name, pip_requirements=REQUIREMENTS, serialization_format="cloudpickle")
        client().set_registered_model_alias(name, "champion", "1")
        joblib.dump(model, PLACE / f"{name}.joblib")


def lookup(number: int) -> Any:
    """Read one version."""
    name, version = filled(number * 37 % FILLED)
    return partial(client().get_model_version, name, str(version))


def alias(number: int) -> Any:
    """Move an alias between two versions."""
    return partial(client().set_registered_model_alias, model_name(0), "champion", str(number % 2 + 1))


def stage(number: int) -> Any:
    """Promote one of two versions; the other is archived in the same call."""
    version = str(number % 2 + 1)
    return partial(
        client().transition_model_version_stage, model_name(0), version, "Production", archive_existing_versions=True
    )


def search(text: str) -> int:
    """Return how many versions match."""
    return len(client().search_model_versions(text, max_results=50))


def main() -> None:
    """Get ready as a notebook would be: libraries imported, models fitted, nothing registered yet."""
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    mlflow.set_tracking_uri(f"sqlite:///{PLACE / 'mlflow.db'}")
    os.chdir(PLACE)
    X, _ = data()
    given = {"pip_requirements": REQUIREMENTS}
    load = mlflow.sklearn.load_model  # the estimator itself, not the generic wrapper
    serve({
        "first": lambda n: partial(register, pipeline(n), "churn", **given),
        "prepare": lambda _: prepare,
        "register default": lambda n: partial(register, pipeline(1000 + n), "churn"),
        "register given": lambda n: partial(register, pipeline(n), "churn", **given),
        "register with data": lambda n: partial(
            register, pipeline(2000 + n), "churn", input_example=X.head(5), **given
        ),
        "register beside": lambda n: partial(register_beside, pipeline(n), PLACE / f"saved-{os.getpid()}-{n}"),
        "load small": lambda _: partial(load, "models:/small/1"),
        "load small alias": lambda _: partial(load, "models:/small@champion"),
        "load forest": lambda _: partial(load, "models:/forest/1"),
        "load forest alias": lambda _: partial(load, "models:/forest@champion"),
        "bare small": lambda _: partial(joblib.load, PLACE / "small.joblib"),
        "bare forest": lambda _: partial(joblib.load, PLACE / "forest.joblib"),
        "fill": lambda _: fill,
        "lookup": lookup,
        "alias": alias,
        "stage": stage,
        "search name": lambda n: partial(search, f"name = '{model_name(n * 50 % FILLED)}'"),
        "search tag": lambda n: partial(search, f"tags.team = 'team-{n % TEAMS:03d}'"),
    })  # fmt: skip


if __name__ == "__main__":
    main()
