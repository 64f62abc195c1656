"""Answers of two models to the same rows."""

from __future__ import annotations

import numpy as np
import pytest

from nbregistry.errors import InvalidInput
from nbregistry.evaluation.predictions import agreement, score


def test_labels_agree_in_shares() -> None:
    """Labels are compared row by row; an empty answer agrees."""
    assert ("agreement", 0.75) == agreement(np.array(["a", "b", "c", "d"]), np.array(["a", "b", "c", "x"]))
    assert ("agreement", 1.0) == agreement(np.array([], dtype=int), np.array([], dtype=int))


def test_values_differ_at_most() -> None:
    """Real values are told by their largest difference, in the target's units."""
    assert ("largest difference", 0.5) == agreement(np.array([1.0, 2.0]), np.array([1.25, 1.5]))


def test_shapes_must_match() -> None:
    """Answers of different shapes are refused."""
    with pytest.raises(InvalidInput, match=r"different shapes"):
        agreement([1, 2], [1])


def test_score_by_kind_of_answer() -> None:
    """Accuracy for labels, R² for real values, as scikit-learn defines them."""
    assert ("accuracy", 0.5) == score([0, 1], np.array([0, 0]))
    assert ("r2", 1.0) == score([0.0, 1.0], np.array([0.0, 1.0]))
    with pytest.raises(InvalidInput, match="same rows"):
        score([0, 1, 1], np.array([0, 0]))
