"""Signatures and payloads that the tests of the protocols share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from nbregistry.capture.signature import infer
from nbregistry.serving.codec.asked import Asked
from nbregistry.serving.intake import Intake
from nbregistry.serving.node import Batch, By

NUMBERS = pd.DataFrame({"a": [1.0, 3.0], "b": [2.0, 4.0]})
PEOPLE = pd.DataFrame(
    {
        "age": [30, 40],
        "income": [1.5, None],
        "active": [True, False],
        "city": ["Porto", "Lisboa"],
        "size": pd.Categorical(["S", "L"], categories=["S", "M", "L"], ordered=True),
    }
)
SINCE = PEOPLE.assign(since=pd.to_datetime(["2020-01-01", "2021-01-01"]))
BY = By("churn", 3, "ab" * 32)

INTAKES: dict[str, Intake] = {
    "numbers": Intake(infer(NUMBERS)),
    "people": Intake(infer(PEOPLE)),
    "moments": Intake(infer(SINCE)),
    "array": Intake(infer(NUMBERS.to_numpy())),
    "texts": Intake(infer(["a", "b"])),
    "nothing": Intake(None),
}


def answered(asked: Asked, outputs: Any, *, method: str = "predict", **more: Any) -> Batch:
    """Return the answer that a model with these outputs would give."""
    methods = ("predict", "predict_proba") if method == "predict" else (method,)
    batch = asked.question(methods, "r-1").answered(outputs, (BY,))
    for name, value in more.items():
        setattr(batch, name, value)
    return batch


def values(asked: Asked) -> list[Any]:
    """Return the rows of a request that was understood."""
    held = asked.table.values
    return np.asarray(held).tolist() if hasattr(held, "dtype") else [list(row) for row in zip(*held, strict=True)]
