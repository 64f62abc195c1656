"""Gradient boosting of LightGBM: double precision throughout."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbregistry.serving.compiling.assembly import Answers, Assembly, Block, Inconvertible
from nbregistry.serving.compiling.lowering import named, scores
from nbregistry.serving.compiling.lowering.branches import Branches
from nbregistry.serving.compiling.lowering.encoding import coded
from nbregistry.serving.compiling.lowering.trees import Tree, note_ties, sums

_ZERO = float(np.float32(1e-35))
"""Magnitude up to which the library takes a value for zero."""

_SAME = ("regression", "regression_l1", "huber", "fair", "quantile", "mape")
_EXP = ("poisson", "gamma", "tweedie")


class _Grown:
    """A nested tree, taken apart into a table of nodes."""

    def __init__(self, root: Any) -> None:
        self.rows: list[list[Any]] = []
        self.members: list[tuple[int, list[int]]] = []
        self._add(root)

    def _add(self, node: Any) -> int:
        place = len(self.rows)
        if "leaf_value" in node:
            self.rows.append([-1, -1, 0, 0.0, False, float(node["leaf_value"])])
            return place
        row: list[Any] = [0, 0, int(node["split_feature"]), 0.0, False, 0.0]
        self.rows.append(row)
        if node["decision_type"] == "==":
            self.members.append((place, [int(c) for c in str(node["threshold"]).split("||")]))
        else:
            row[3], row[4] = _threshold(float(node["threshold"])), _missing_left(node)
        row[0], row[1] = self._add(node["left_child"]), self._add(node["right_child"])
        return place

    def tree(self, target: int) -> Tree:
        kinds = (np.int64, np.int64, np.int64, np.float64, bool, np.float64)
        left, right, feature, threshold, missing, value = (
            np.array(c, dtype=k) for c, k in zip(zip(*self.rows, strict=True), kinds, strict=True)
        )
        branches = Branches(left, right, feature, threshold, missing, value=value)
        for place, known in self.members:
            branches.member(place, known)
        return branches.tree(target)


def _threshold(told: float) -> float:
    """Return the threshold that sends a value where the library sends it, which takes what is next to zero for zero."""
    if -_ZERO <= told < 0:
        return float(np.nextafter(-_ZERO, -np.inf))
    return max(told, _ZERO) if told >= 0 else told


def _missing_left(node: Any) -> bool:
    """Return where NaN goes: it is taken for zero unless training saw some."""
    as_zero = float(node["threshold"]) >= 0.0
    if node["missing_type"] == "NaN":
        return bool(node["default_left"])
    if node["missing_type"] == "Zero" and bool(node["default_left"]) != as_zero:
        raise Inconvertible("trees that take zero for missing")
    return as_zero


def _sums(model: Any, rows: Block, draw: Assembly) -> tuple[str, int, list[str]]:
    """Return the sums of the trees, how many there are, and the objective with its parameters."""
    told = model.booster_.dump_model()
    if told.get("average_output"):
        raise Inconvertible(f"{named(model)} that averages its trees")
    count = int(told["num_tree_per_iteration"])
    grown = [_Grown(t["tree_structure"]) for t in told["tree_info"]]
    trees = [g.tree(place % count) for place, g in enumerate(grown)]
    if not trees:
        raise Inconvertible(f"{named(model)} without a tree")
    known = {g.rows[place][2] for g in grown for place, _ in g.members}
    if any(rows.traits[place].words is None for place in known):
        raise Inconvertible("categories in a column of numbers")
    rows = draw.checked(coded(rows, draw), missing=True)
    note_ties(draw, rows, trees)
    return sums(draw, rows.name, trees, count), count, str(told.get("objective", "")).split()


def regressor(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw the sum of the trees, through the objective's function."""
    found, _, objective = _sums(model, rows, draw)
    if objective[:1] and objective[0] in _EXP:
        found = draw.node("Exp", found)
    elif not objective or objective[0] not in _SAME or "sqrt" in objective:
        raise Inconvertible(f"{named(model)} with the objective {' '.join(objective)}")
    return Answers({"predict": scores.flat(draw, found)})


def classifier(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw scores, probabilities and labels."""
    found, count, objective = _sums(model, rows, draw)
    classes = np.asarray(model.classes_)
    if objective[:1] == ["binary"] and count == 1:
        slope = float(next((w.partition(":")[2] for w in objective if w.startswith("sigmoid:")), 1.0))
        scores.clear(draw, found)
        score = found if slope == 1.0 else draw.node("Mul", found, draw.constant(slope))
        outputs = {
            "predict": scores.above(draw, found), "predict_proba": scores.both(draw, scores.logistic(draw, score)),
            "decision_function": scores.flat(draw, found),
        }  # fmt: skip
    elif objective[:1] == ["multiclass"] and count == len(classes):
        scores.clear_of_others(draw, found)
        outputs = {
            "predict": scores.best(draw, found), "predict_proba": scores.softmax(draw, found),
            "decision_function": found,
        }  # fmt: skip
    else:
        raise Inconvertible(f"{named(model)} with the objective {' '.join(objective)}")
    return Answers(outputs, classes)
