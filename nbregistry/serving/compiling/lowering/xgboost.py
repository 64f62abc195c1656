"""Gradient boosting of XGBoost: rows, thresholds and sums in single precision, as the library computes them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from nbregistry.serving.compiling.assembly import Answers, Assembly, Block, Inconvertible
from nbregistry.serving.compiling.lowering import named, scores
from nbregistry.serving.compiling.lowering.branches import Branches
from nbregistry.serving.compiling.lowering.encoding import coded
from nbregistry.serving.compiling.lowering.trees import LT, SINGLE, Tree, constant, note_ties, sums

_NEAR = 1e-5
"""Margins closer than this are a tie that single precision decides: the original is asked."""

_SAME = ("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror", "reg:linear")
_EXP = ("count:poisson", "reg:gamma", "reg:tweedie")
_LOGISTIC = ("binary:logistic", "reg:logistic")


def _margins(model: Any, rows: Block, draw: Assembly) -> tuple[str, int, str]:
    """Return the sums of the trees as float32, how many there are, and the objective."""
    missing = float(model.missing)
    learner = json.loads(bytes(model.get_booster().save_raw(raw_format="json")))["learner"]
    grown, objective = learner["gradient_booster"], learner["objective"]["name"]
    if grown["name"] != "gbtree" or not np.isnan(missing):
        raise Inconvertible(f"{named(model)} of the kind {grown['name']}, or with {missing:g} for missing")
    count = max(1, int(learner["learner_model_param"]["num_class"]), int(learner["learner_model_param"]["num_target"]))
    begins = _starts(learner["learner_model_param"]["base_score"], objective, count)
    trees = [constant(float(v), target) for target, v in enumerate(begins)]
    used = _used(model, grown["model"], count)
    trees += [
        _tree(t, g) for t, g in list(zip(grown["model"]["trees"], grown["model"]["tree_info"], strict=True))[:used]
    ]
    rows = draw.checked(coded(rows, draw), limit=SINGLE, missing=True)
    note_ties(draw, rows, trees)
    return sums(draw, draw.cast(rows.name, "float32"), trees, count, "float32"), count, objective


def _starts(told: str, objective: str, count: int) -> Any:
    """Return where the sums begin: the base score, which is kept as what it means, as a margin."""
    values = json.loads(told) if told.startswith("[") else [float(told)]
    base = np.broadcast_to(np.asarray(values, dtype=np.float32), (count,))
    one = np.float32(1)
    if objective in _LOGISTIC:
        return -np.log(one / base - one)
    return np.log(base) if objective in _EXP else base


def _used(model: Any, grown: Any, count: int) -> int:
    """Return how many trees the original asks: those up to the best round, where training stopped early."""
    try:
        rounds = int(model.best_iteration) + 1
    except AttributeError:
        return len(grown["trees"])
    starts = grown.get("iteration_indptr")
    return int(starts[rounds]) if starts else rounds * count * int(grown["gbtree_model_param"]["num_parallel_tree"])


def _tree(tree: Any, target: int) -> Tree:
    if int(tree["tree_param"]["size_leaf_vector"]) > 1:
        raise Inconvertible("trees whose leaves hold several values")
    values = np.asarray(tree["split_conditions"], dtype=np.float32).astype(np.float64)
    branches = Branches(
        np.asarray(tree["left_children"]), np.asarray(tree["right_children"]), np.asarray(tree["split_indices"]),
        values, np.asarray(tree["default_left"], dtype=bool), value=values, mode=LT,
    )  # fmt: skip
    parts = zip(tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True)
    for place, start, size in parts:
        branches.member(place, tree["categories"][start : start + size], right=True)
    return branches.tree(target)


def regressor(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw the sum of the trees, through the objective's function."""
    found, count, objective = _margins(model, rows, draw)
    value = draw.cast(found, "float64")
    if objective in _EXP:
        value = draw.node("Exp", value)
    elif objective in _LOGISTIC:
        value = scores.logistic(draw, value)
    elif objective not in _SAME:
        raise Inconvertible(f"{named(model)} with the objective {objective}")
    return Answers({"predict": scores.flat(draw, value) if count == 1 else value})


def classifier(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw probabilities and labels."""
    found, count, objective = _margins(model, rows, draw)
    value, classes = draw.cast(found, "float64"), np.asarray(model.classes_)
    if objective == "binary:logistic" and count == 1:
        scores.clear(draw, value, _NEAR)
        positive = draw.cast(draw.cast(scores.logistic(draw, value), "float32"), "float64")
        outputs = {"predict": scores.above(draw, value), "predict_proba": scores.both(draw, positive)}
    elif objective in ("multi:softprob", "multi:softmax") and count == len(classes):
        scores.clear_of_others(draw, value, _NEAR)
        outputs = {"predict": scores.best(draw, value), "predict_proba": scores.softmax(draw, value)}
    else:
        raise Inconvertible(f"{named(model)} with the objective {objective}")
    return Answers(outputs, classes)
