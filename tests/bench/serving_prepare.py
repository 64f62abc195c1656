"""Run in the environment of one server: fit the models, save each as that server wants it, and say what is asked.

``python -m tests.bench.serving_prepare FORM PLACE``; the form is ``joblib``, ``mlflow``, ``mlserver`` or ``registry``.
"""

from __future__ import annotations

import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import pandas as pd

from tests.bench.serving_subjects import as_json, asked, model

MODELS = ("lr", "rf", "mixed")
BATCH, WAIT = 128, 0.01
"""Rows in a batch and seconds that a server may wait for them, for every server that batches."""


def as_joblib(fitted: Any, place: Path) -> None:
    """Save what the services written for BentoML and LitServe load."""
    joblib.dump(fitted, place / "model.joblib")


def as_mlserver(fitted: Any, place: Path) -> None:
    """Save the model and the settings that MLServer starts from."""
    joblib.dump(fitted, place / "model.joblib")
    settings = {
        "name": place.name,
        "implementation": "mlserver_sklearn.SKLearnModel",
        "max_batch_size": BATCH,
        "max_batch_time": WAIT,
        "parameters": {"uri": "./model.joblib"},
    }
    (place / "model-settings.json").write_text(json.dumps(settings), "utf-8")


def as_mlflow(fitted: Any, place: Path) -> None:
    """Save in MLflow's own form; without a signature, whose check would only cost it time."""
    import mlflow.sklearn

    mlflow.sklearn.save_model(
        fitted, place / "model", serialization_format="cloudpickle", pip_requirements=["scikit-learn"]
    )


def as_registered(fitted: Any, place: Path, X: pd.DataFrame, y: Any) -> None:
    """Register with data, which is where the signature comes from."""
    from nbregistry import Registry

    with Registry(str(place.parent / "registry")) as registry:
        registry.register(fitted, place.name, X=X, y=y)


def main() -> None:
    """Prepare every model."""
    form, base = sys.argv[1], Path(sys.argv[2])
    warnings.simplefilter("ignore")  # what a peer says while it saves is not what is measured
    for name in MODELS:
        place = base / name
        place.mkdir(parents=True, exist_ok=True)
        fitted, X, y = model(name)
        if form == "registry":
            as_registered(fitted, place, X, y)
        else:
            {"joblib": as_joblib, "mlflow": as_mlflow, "mlserver": as_mlserver}[form](fitted, place)
        rows = asked(X)
        told = {
            "columns": list(X.columns),
            "numeric": [str(kind) in ("float64", "int64") for kind in X.dtypes],
            "rows": as_json(rows),
            "expected": [int(label) for label in fitted.predict(rows)],
            "versions": {library: version(library) for library in ("scikit-learn", "numpy", "pandas")},
        }
        (place / "asked.json").write_text(json.dumps(told), "utf-8")


if __name__ == "__main__":
    main()
