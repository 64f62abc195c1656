"""The numbers of a notebook that could be metrics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nbregistry.verbs.measured import measures
from nbregistry.verbs.pairs import metrics
from nbregistry.verbs.words import split


class Trap(float):
    """A number that fails when it is read."""

    def __float__(self) -> float:
        raise RuntimeError("trap")


def test_what_could_be_a_metric() -> None:
    """Floats, NumPy's too, and dictionaries of them; those called like a result first, and only these when whole."""
    space: dict[str, Any] = {
        "lr": 0.1, "auc": np.float64(0.9), "val_loss": 0.3, "epochs": 7, "error_count": 3, "flag": True, "text": "x",
        "array": np.ones(3), "scores": {"f1": 0.8, "note": "x", "a b": 1.0, "auc": 0.1}, "n": np.int64(2), "_x": 0.1,
        "config": {"depth": 3, "rate": 0.5}, "trap": Trap(1.0), "kind": float,
    }  # fmt: skip
    found = [(m.name, m.variable, m.likely) for m in measures(space)]
    assert [
        ("auc", "auc", True), ("val_loss", "val_loss", True), ("error_count", "error_count", True),
        ("f1", 'scores["f1"]', True), ("lr", "lr", False), ("rate", 'config["rate"]', False),
    ] == found  # fmt: skip


@pytest.mark.parametrize(
    "name", ["rmse", "r2", "test_accuracy", "roc_auc_score", "f1_macro", "logloss", "mae_2", "score"]
)
def test_names_of_results(name: str) -> None:
    """What results are called in the field is known."""
    assert measures({name: 1})[0].likely


@pytest.mark.parametrize("name", ["surface", "author", "mapping", "terror", "trap", "escort", "f", "lossless"])
def test_other_names(name: str) -> None:
    """Words that merely hold such a name are not taken for one."""
    assert [] == measures({name: 1})


def test_words_are_read_back() -> None:
    """What a metric is typed as gives its name and value."""
    space = {"auc": 0.9, "scores": {"f1": 0.8}}
    words = " ".join(measure.word for measure in measures(space))
    assert {"auc": 0.9, "f1": 0.8} == metrics(split(words), space)
