"""From a fitted estimator to nodes of a graph, one small file for each kind of estimator.

A lowering is an offer, not a promise: what it draws is served only after it was proven equal to the original. An
estimator that no lowering is known for is handed to the general converter, and judged by the same proof.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from nbregistry.serving.compiling.assembly import Answers, Assembly, Block, Inconvertible

_ROOM = "nbregistry.serving.compiling.lowering"

_TRANSFORMERS = {
    "sklearn.Pipeline": "composition:piped",
    "sklearn.FeatureUnion": "composition:united",
    "sklearn.ColumnTransformer": "composition:by_column",
    "sklearn.FunctionTransformer": "scaling:function",
    "sklearn.StandardScaler": "scaling:standard",
    "sklearn.MinMaxScaler": "scaling:min_max",
    "sklearn.MaxAbsScaler": "scaling:max_abs",
    "sklearn.RobustScaler": "scaling:robust",
    "sklearn.Normalizer": "scaling:normalizer",
    "sklearn.PCA": "scaling:components",
    "sklearn.TruncatedSVD": "scaling:components",
    "sklearn.PolynomialFeatures": "scaling:polynomial",
    "sklearn.SelectorMixin": "scaling:selected",
    "sklearn.SimpleImputer": "imputing:simple",
    "sklearn.MissingIndicator": "imputing:indicator",
    "sklearn.OneHotEncoder": "encoding:one_hot",
    "sklearn.OrdinalEncoder": "encoding:ordinal",
    "sklearn.KBinsDiscretizer": "encoding:binned",
}
_PREDICTORS = {
    "sklearn.BaseSearchCV": "composition:searched",
    "sklearn.FrozenEstimator": "composition:frozen",
    "sklearn.VotingClassifier": "voting:classifier",
    "sklearn.VotingRegressor": "voting:regressor",
    "sklearn.BaggingClassifier": "voting:bagged_classifier",
    "sklearn.BaggingRegressor": "voting:bagged_regressor",
    "sklearn.StackingClassifier": "voting:stacked",
    "sklearn.StackingRegressor": "voting:stacked",
    "sklearn.LinearClassifierMixin": "linear:classifier",
    "sklearn._GeneralizedLinearRegressor": "linear:generalized",
    "sklearn.LinearModel": "linear:regressor",
    "sklearn.BaseSGDRegressor": "linear:regressor",
    "sklearn.LinearSVR": "linear:regressor",
    "sklearn.ForestClassifier": "forests:classifier",
    "sklearn.ForestRegressor": "forests:regressor",
    "sklearn.DecisionTreeClassifier": "forests:single_classifier",
    "sklearn.DecisionTreeRegressor": "forests:single_regressor",
    "sklearn.GradientBoostingClassifier": "boosting:classifier",
    "sklearn.GradientBoostingRegressor": "boosting:regressor",
    "sklearn.HistGradientBoostingClassifier": "histograms:classifier",
    "sklearn.HistGradientBoostingRegressor": "histograms:regressor",
    "xgboost.XGBClassifier": "xgboost:classifier",
    "xgboost.XGBRegressor": "xgboost:regressor",
    "lightgbm.LGBMClassifier": "lightgbm:classifier",
    "lightgbm.LGBMRegressor": "lightgbm:regressor",
}


def transformed(model: Any, rows: Block, draw: Assembly) -> Block:
    """Draw what an estimator's ``transform`` gives.

    Raises
    ------
    Inconvertible
        It cannot be drawn.
    """
    if model is None or (isinstance(model, str) and model == "passthrough"):
        return rows
    found: Any = _lowering(model, _TRANSFORMERS) or _load("general:transformed")
    block: Block = found(model, rows, draw)
    return block


def predicted(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw what an estimator's methods that predict give.

    Raises
    ------
    Inconvertible
        It cannot be drawn.
    """
    found: Any = _lowering(model, _PREDICTORS) or _load("general:predicted")
    answers: Answers = found(model, rows, draw)
    return answers


def drawn(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw everything a model can be asked: a pipeline step by step, the last one for its methods."""
    while _is(model, "sklearn.Pipeline") or _is(model, "sklearn.BaseSearchCV") or _is(model, "sklearn.FrozenEstimator"):
        if _is(model, "sklearn.Pipeline"):
            for _, step in model.steps[:-1]:
                rows = transformed(step, rows, draw)
            model = model.steps[-1][1]
            continue
        model = getattr(model, "best_estimator_", None) or getattr(model, "estimator", None)
    if model is None or isinstance(model, str):
        return Answers({"transform": rows.name})
    if not hasattr(model, "predict") and hasattr(model, "transform"):
        return Answers({"transform": transformed(model, rows, draw).name})
    return predicted(model, rows, draw)


def named(model: Any) -> str:
    """Return how messages call an estimator."""
    return type(model).__name__


def _is(model: Any, known: str) -> bool:
    return known in _names(model)


def _names(model: Any) -> list[str]:
    """Return the library and name of the estimator's type and of those it inherits from, nearest first."""
    return [f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(model).__mro__]


def _lowering(model: Any, table: dict[str, str]) -> Callable[..., Any] | None:
    place = next((table[name] for name in _names(model) if name in table), None)
    return _load(place) if place is not None else None


def _load(place: str) -> Callable[..., Any]:
    module, _, name = place.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(f"{_ROOM}.{module}"), name)
    return found


__all__ = ["Inconvertible", "drawn", "named", "predicted", "transformed"]
