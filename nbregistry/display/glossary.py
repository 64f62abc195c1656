"""What common measures mean, in words for people who train no models."""

from __future__ import annotations

import re
from itertools import pairwise

_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*")
_RANKS = "how well it tells cases apart; 1 is perfect, 0.5 is chance"
_CHANCES = "how far its probabilities are off; 0 is perfect"
_SIZE = "how large its errors are, in the unit of what it predicts"
_FOUND = "the share of real cases that it finds"
_MEANINGS = {
    "auc": _RANKS, "rocauc": _RANKS, "auroc": _RANKS, "accuracy": "the share of answers that are right",
    "acc": "the share of answers that are right", "precision": "the share of its alarms that are right",
    "recall": _FOUND, "sensitivity": _FOUND, "tpr": _FOUND,
    "specificity": "the share of harmless cases that it lets pass", "fpr": "the share of harmless cases it raises",
    "f1": "precision and recall in one number; 1 is perfect", "logloss": _CHANCES, "nll": _CHANCES, "brier": _CHANCES,
    "ece": _CHANCES, "rmse": _SIZE, "mae": _SIZE, "mse": "how large its errors are, squared",
    "mape": "how large its errors are, as a share of what it predicts",
    "r2": "the share of the differences that it explains; 1 is perfect",
    "latency": "how long an answer takes", "kappa": "how far it agrees beyond chance; 1 is perfect",
    "mcc": "how far it agrees beyond chance; 1 is perfect", "gini": "how well it tells cases apart; 1 is perfect",
}  # fmt: skip
_PAIRS = {("roc", "auc"): "auc", ("log", "loss"): "logloss"}
_SPREAD = frozenset({"ci", "count", "sd", "sem", "std", "stdev", "stderr", "support", "var", "neg"})


def meaning(metric: str) -> str:
    """Return what a measure tells, going by the words of its name; empty when they do not say.

    Parameters
    ----------
    metric : str
        Such as ``auc``, ``val_rmse`` or ``logLoss``.
    """
    words = [word.lower() for word in _WORD.findall(metric[:200])]
    if _SPREAD.intersection(words):
        return ""
    words += [_PAIRS[pair] for pair in pairwise(words) if pair in _PAIRS]
    return next((_MEANINGS[word] for word in reversed(words) if word in _MEANINGS), "")
