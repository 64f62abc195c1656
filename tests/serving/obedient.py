"""A model that does what its rows say, also what no model should: end the process, never come back, take its time."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

CRASH, HANG, SLOW = -1.0, -2.0, -3.0


class Obedient:
    """Adds up each row, times ``factor``; an ill-behaved one does what a row's first value says.

    Parameters
    ----------
    factor : float
        Tells one version from another.
    ill : bool
        Whether it does what it is told.
    """

    def __init__(self, factor: float = 1.0, *, ill: bool = False) -> None:
        self.factor, self.ill = factor, ill

    def fit(self, X: Any, y: Any = None) -> Obedient:
        """Learn nothing."""
        return self

    def predict(self, X: Any) -> Any:
        """Return the sums."""
        rows = np.asarray(X, dtype=float)
        told = set(rows[:, 0].tolist()) if self.ill else set()
        if CRASH in told:
            os._exit(11)
        while HANG in told:
            time.sleep(0.01)
        if SLOW in told:
            time.sleep(0.4)
        return rows.sum(axis=1) * self.factor
