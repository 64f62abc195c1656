"""Models made of models: their votes averaged, or handed to one more model."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbregistry.serving.compiling.assembly import Answers, Assembly, Block, Inconvertible, Trait
from nbregistry.serving.compiling.lowering import drawn, named, scores


def _answers(model: Any, rows: Block, draw: Assembly, method: str) -> str:
    found = drawn(model, rows, draw)
    if method not in found.outputs or (method == "predict" and found.classes is not None):
        raise Inconvertible(f"{named(model)} whose {method} cannot be drawn")
    return found.outputs[method]


def _mean(draw: Assembly, parts: list[str], weights: Any) -> str:
    shares = np.ones(len(parts)) if weights is None else np.asarray(weights, dtype=np.float64)
    weighted = [
        part if share == 1 else draw.node("Mul", part, draw.constant(share))
        for part, share in zip(parts, shares.tolist(), strict=True)
    ]
    total = weighted[0] if len(weighted) == 1 else draw.node("Sum", *weighted)
    return draw.node("Div", total, draw.constant(float(shares.sum())))


def classifier(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw the mean of the models' probabilities."""
    if model.voting != "soft":
        raise Inconvertible(f"{named(model)} that counts labels")
    parts = [_answers(one, rows, draw, "predict_proba") for one in model.estimators_]
    return _of_shares(_mean(draw, parts, model._weights_not_none), model, draw)


def bagged_classifier(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw the mean of the probabilities of models, each of which sees some of the columns."""
    parts = []
    for one, places in zip(model.estimators_, model.estimators_features_, strict=True):
        if len(one.classes_) != len(model.classes_):
            raise Inconvertible(f"{named(model)} of models that know some of the classes only")
        parts.append(_answers(one, draw.columns(rows, list(map(int, places))), draw, "predict_proba"))
    return _of_shares(_mean(draw, parts, None), model, draw)


def _of_shares(found: str, model: Any, draw: Assembly) -> Answers:
    scores.clear_of_others(draw, found)
    return Answers({"predict": scores.best(draw, found), "predict_proba": found}, np.asarray(model.classes_))


def regressor(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw the mean of the models' values."""
    parts = [_answers(one, rows, draw, "predict") for one in model.estimators_]
    return Answers({"predict": _mean(draw, parts, model._weights_not_none)})


def bagged_regressor(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw the mean of the values of models, each of which sees some of the columns."""
    pairs = zip(model.estimators_, model.estimators_features_, strict=True)
    parts = [_answers(one, draw.columns(rows, list(map(int, places))), draw, "predict") for one, places in pairs]
    return Answers({"predict": _mean(draw, parts, None)})


def stacked(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw what the last model makes of the others' answers."""
    parts = []
    for one, method in zip(model.estimators_, model.stack_method_, strict=True):
        name = _answers(one, rows, draw, method)
        width = len(one.classes_) if hasattr(one, "classes_") else 1
        if method == "predict_proba":
            block = Block(name, (Trait(bound=1.0),) * width)
            parts.append(draw.columns(block, [1]) if width == 2 else block)
            continue
        count = 1 if width <= 2 else width
        column = draw.node("Reshape", name, draw.constant([-1, count], "int64"))
        parts.append(Block(column, (Trait(bound=float("inf")),) * count))
    if model.passthrough:
        parts.append(rows)
    found = drawn(model.final_estimator_, draw.side_by_side(parts), draw)
    labels = None if found.classes is None else np.asarray(model.classes_)
    return Answers(found.outputs, labels, found.spelled)
