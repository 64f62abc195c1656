"""Histogram gradient boosting of scikit-learn: double precision throughout, missing values, splits on categories."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbregistry.serving.compiling.assembly import Answers, Assembly, Block, Inconvertible
from nbregistry.serving.compiling.lowering import named, scores, transformed
from nbregistry.serving.compiling.lowering.branches import Branches
from nbregistry.serving.compiling.lowering.trees import Tree, constant, note_ties, sums


def _sums(model: Any, rows: Block, draw: Assembly) -> str:
    if model._preprocessor is not None:
        rows = _prepared(model._preprocessor, rows, draw)
    # infinities are left to the original, though it takes them
    rows = draw.checked(rows, missing=True)
    trees = [constant(v, t) for t, v in enumerate(np.asarray(model._baseline_prediction).reshape(-1).tolist())]
    for stage in model._predictors:
        for target, tree in enumerate(stage):
            trees.append(_tree(tree, target))
    note_ties(draw, rows, trees)
    return sums(draw, rows.name, trees, model.n_trees_per_iteration_)


def _prepared(preprocessor: Any, rows: Block, draw: Assembly) -> Block:
    """Return the columns as the trees were grown on them: encoded categories first, then the numbers."""
    places = preprocessor._transformer_to_input_indices
    parts = []
    for name, step, _ in preprocessor.transformers_:
        block = draw.columns(rows, list(map(int, places[name])))
        if name == "encoder" and block.width:
            block = transformed(step, block, draw)
        parts.append(block)
    return draw.side_by_side(parts)


def _tree(predictor: Any, target: int) -> Tree:
    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(bool)
    left = np.where(leaf, -1, nodes["left"].astype(np.int64))
    right = np.where(leaf, -1, nodes["right"].astype(np.int64))
    branches = Branches(
        left, right, nodes["feature_idx"].astype(np.int64), nodes["num_threshold"].astype(np.float64),
        nodes["missing_go_to_left"].astype(bool), value=nodes["value"].astype(np.float64),
    )  # fmt: skip
    for place in np.flatnonzero(nodes["is_categorical"].astype(bool) & ~leaf).tolist():
        bits = predictor.raw_left_cat_bitsets[nodes["bitset_idx"][place]]
        branches.member(place, [c for c in range(256) if bits[c // 32] >> (c % 32) & 1])
    return branches.tree(target)


def regressor(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw the sum of the trees, through the link of the loss."""
    found = _sums(model, rows, draw)
    link = type(model._loss.link).__name__
    if link == "LogLink":
        found = draw.node("Exp", found)
    elif link != "IdentityLink":
        raise Inconvertible(f"{named(model)} with a {link}")
    return Answers({"predict": scores.flat(draw, found)})


def classifier(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw scores, probabilities and labels."""
    classes, found = np.asarray(model.classes_), _sums(model, rows, draw)
    if model.n_trees_per_iteration_ == 1:
        return Answers(
            {
                "predict": scores.above(draw, found),
                "predict_proba": scores.both(draw, scores.logistic(draw, found)),
                "decision_function": scores.flat(draw, found),
            },
            classes,
        )
    return Answers(
        {"predict": scores.best(draw, found), "predict_proba": scores.softmax(draw, found), "decision_function": found},
        classes,
    )
