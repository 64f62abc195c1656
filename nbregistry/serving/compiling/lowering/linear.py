"""Linear models: one product and what is made of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbregistry.serving.compiling.assembly import Answers, Assembly, Block, Inconvertible
from nbregistry.serving.compiling.lowering import named, scores


def _scores(model: Any, rows: Block, draw: Assembly) -> tuple[str, int]:
    """Return ``X coef.T + intercept`` of the shape (rows, n), and n."""
    rows = draw.checked(rows)
    coefficients = np.atleast_2d(np.asarray(getattr(model.coef_, "toarray", lambda: model.coef_)()))
    if coefficients.dtype != np.float64:
        raise Inconvertible(f"{named(model)} was trained in {coefficients.dtype}")
    if coefficients.ndim != 2 or coefficients.shape[1] != rows.width:
        raise Inconvertible(f"{named(model)} has coefficients of the shape {coefficients.shape}")
    product = draw.node("MatMul", rows.name, draw.constant(coefficients.T))
    intercept = np.asarray(model.intercept_, dtype=np.float64)
    if intercept.any():
        product = draw.node("Add", product, draw.constant(intercept.reshape(-1)))
    return product, len(coefficients)


def classifier(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw a linear classifier of two or more classes, with probabilities where it has them."""
    classes = np.asarray(model.classes_)
    product, count = _scores(model, rows, draw)
    if classes.ndim != 1 or count != (1 if len(classes) == 2 else len(classes)):
        raise Inconvertible(f"{named(model)} with {count} scores for {len(classes)} classes")
    outputs = {}
    if count == 1:
        scores.clear(draw, product)
        outputs["predict"] = scores.above(draw, product)
        outputs["decision_function"] = scores.flat(draw, product)
    else:
        scores.clear_of_others(draw, product)
        outputs["predict"] = scores.best(draw, product)
        outputs["decision_function"] = product
    if hasattr(model, "predict_proba") and getattr(model, "loss", "log_loss") == "log_loss":
        if count == 1:
            outputs["predict_proba"] = scores.both(draw, scores.logistic(draw, product))
        else:  # one against the rest is how stochastic gradient descent trains several classes
            form = scores.shares if hasattr(model, "loss") else scores.softmax
            outputs["predict_proba"] = form(draw, product)
    return Answers(outputs, classes)


def regressor(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw a linear regression of one or several targets."""
    product, _ = _scores(model, rows, draw)
    return Answers({"predict": product if np.ndim(model.coef_) == 2 else scores.flat(draw, product)})


def generalized(model: Any, rows: Block, draw: Assembly) -> Answers:
    """Draw a generalized linear model with its link."""
    product, _ = _scores(model, rows, draw)
    link = type(model._base_loss.link).__name__
    if link == "LogLink":
        product = draw.node("Exp", product)
    elif link != "IdentityLink":
        raise Inconvertible(f"{named(model)} with a {link}")
    return Answers({"predict": scores.flat(draw, product)})
