"""The models as a BentoML service, batching on, as its documentation writes one."""

from __future__ import annotations

import os
from typing import Any

import bentoml  # type: ignore[import-not-found]  # lives in an environment of its own
import joblib
import numpy as np
import pandas as pd

SETTINGS = {"workers": 1, "traffic": {"timeout": 60}, "logging": {"access": {"enabled": False}}}
BATCHING = {"batchable": True, "max_batch_size": 128, "max_latency_ms": int(os.environ["BENCH_LATENCY_MS"])}
PLACE = os.environ["BENCH_MODEL"]


@bentoml.service(**SETTINGS)
class Doubles:
    """A model of doubles only: rows come as an array."""

    def __init__(self) -> None:
        self.model = joblib.load(PLACE)

    @bentoml.api(**BATCHING)
    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Answer a batch."""
        return self.model.predict(rows)  # type: ignore[no-any-return]  # whatever the model gives


@bentoml.service(**SETTINGS)
class Mixed:
    """A model of mixed columns: rows come as a list (declared as a frame, 1.4.39 fails to put requests together)."""

    def __init__(self) -> None:
        self.model = joblib.load(PLACE)

    @bentoml.api(**BATCHING)
    def predict(self, rows: list[dict[str, Any]]) -> list[Any]:
        """Answer a batch."""
        return list(self.model.predict(pd.DataFrame(rows)).tolist())
