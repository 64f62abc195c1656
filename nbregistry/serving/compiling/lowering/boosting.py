"""Gradient boosting of scikit-learn on plain trees: float32 rows, sums in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbregistry.serving.compiling.assembly import Answers, Assembly, Block, Inconvertible
from nbregistry.serving.compiling.lowering import named, scores
from nbregistry.serving.compiling.lowering.trees import (
    Array,
    Tree,
    constant,
    note_ties,
    single_precision,
    sums,
)


def _start(model: Any) -> Array:
    """Return what the sums begin with; it must be the same for every row."""
    count = model.estimators_.shape[1]
    if isinstance(model.init_, str):
        return np.zeros(count)
    if not type(model.init_).__name__.startswith("Dummy"):
        raise Inconvertible(f"{named(model)} that begins with a {named(model.init_)}")
    found: Array = model._raw_predict_init(np.zeros((1, model.n_features_in_), dtype=np.float32))
    return found.reshape(-1)


def _sums(model: Any, rows: Block, draw: Assembly) -> str:
    rows = single_precision(draw, rows, missing=False)
    trees = [constant(value, target) for target, value in enumerate(_start(model).tolist())]
    for stage in model.estimators_:
        for target, tree in enumerate(stage):
            found = tree.tree_
            trees.append(
                Tree(
                    found.children_left, found.children_right, found.feature, found.threshold,
                    np.zeros(found.node_count, dtype=bool), model.learning_rate * found.value[:, 0, 0], 0, target,
                )
            )  # fmt: skip
    note_ties(draw, rows, trees)
    return sums(draw, rows.name, trees, model.estimators_.shape[1])


def regressor(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw the sum of the trees."""
    return Answers({"predict": scores.flat(draw, _sums(model, rows, draw))})


def classifier(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw scores, probabilities and labels."""
    classes, found = np.asarray(model.classes_), _sums(model, rows, draw)
    if model.estimators_.shape[1] == 1:
        score = draw.node("Mul", found, draw.constant(2.0)) if model.loss == "exponential" else found
        return Answers(
            {
                "predict": scores.above(draw, found, inclusive=True),
                "predict_proba": scores.both(draw, scores.logistic(draw, score)),
                "decision_function": scores.flat(draw, found),
            },
            classes,
        )
    return Answers(
        {"predict": scores.best(draw, found), "predict_proba": scores.softmax(draw, found), "decision_function": found},
        classes,
    )
