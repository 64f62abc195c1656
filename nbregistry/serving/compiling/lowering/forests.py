"""Decision trees and forests of scikit-learn: float32 rows, thresholds and values in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbregistry.serving.compiling.assembly import Answers, Assembly, Block, Inconvertible
from nbregistry.serving.compiling.lowering import named, scores
from nbregistry.serving.compiling.lowering.trees import Array, Tree, note_ties, single_precision, sums


def _structure(model: Any, value: Array, target: int) -> Tree:
    found = model.tree_
    missing = getattr(found, "missing_go_to_left", np.zeros(found.node_count))
    return Tree(
        found.children_left,
        found.children_right,
        found.feature,
        found.threshold,
        missing.astype(bool),
        value,
        0,
        target,
    )


def _rows(models: list[Any], rows: Block, draw: Assembly) -> Block:
    # asked of the tree itself: it depends on its version, its criterion and its constraints
    missing = bool(models[0]._support_missing_values(np.zeros((1, rows.width))))
    rows = single_precision(draw, rows, missing=missing)
    note_ties(draw, rows, [_structure(m, m.tree_.value[:, 0, 0], 0) for m in models])
    return rows


def _shares(models: list[Any], rows: Block, draw: Assembly, classes: Array) -> str:
    """Return the sum of the trees' probabilities, shape (rows, classes)."""
    count = len(classes)
    if any(m.tree_.n_outputs != 1 for m in models):
        raise Inconvertible("a forest of several targets")
    if count <= 2:  # a copy of each tree for each class costs less than looking leaves up
        copies = [_structure(m, m.tree_.value[:, 0, c], c) for m in models for c in range(count)]
        return sums(draw, rows.name, copies, count)
    tables, trees, start = [], [], 0
    for place, model in enumerate(models):
        leaves = model.tree_.children_left < 0
        numbers = np.cumsum(leaves) - 1 + start
        trees.append(_structure(model, numbers.astype(np.float64), place))
        tables.append(model.tree_.value[leaves, 0, :count])
        start += int(leaves.sum())
    found = draw.cast(sums(draw, rows.name, trees, len(trees)), "int64")
    looked_up = draw.node("Gather", draw.constant(np.concatenate(tables)), draw.node("Transpose", found, perm=[1, 0]))
    # along the first axis the rows of a matrix are added one after the other, as scikit-learn does
    return draw.node("ReduceSum", looked_up, draw.constant([0], "int64"), keepdims=0)


def classifier(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw a forest's mean of its trees' probabilities."""
    return _classes(model, list(model.estimators_), rows, draw)


def single_classifier(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw one tree's probabilities."""
    return _classes(model, [model], rows, draw)


def _classes(model: Any, models: list[Any], rows: Block, draw: Assembly) -> Answers:
    if isinstance(model.classes_, list):
        raise Inconvertible(f"{named(model)} of several targets")
    classes = np.asarray(model.classes_)
    found = _shares(models, _rows(models, rows, draw), draw, classes)
    if len(models) > 1:
        found = draw.node("Div", found, draw.constant(float(len(models))))
    return Answers({"predict": scores.best(draw, found), "predict_proba": found}, classes)


def regressor(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw a forest's mean of its trees' values."""
    return _values(list(model.estimators_), rows, draw)


def single_regressor(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw one tree's value."""
    return _values([model], rows, draw)


def _values(models: list[Any], rows: Block, draw: Assembly) -> Answers:
    rows = _rows(models, rows, draw)
    targets = models[0].tree_.n_outputs
    trees = [_structure(m, m.tree_.value[:, t, 0], t) for m in models for t in range(targets)]
    found = sums(draw, rows.name, trees, targets)
    if len(models) > 1:
        found = draw.node("Div", found, draw.constant(float(len(models))))
    return Answers({"predict": scores.flat(draw, found) if targets == 1 else found})
