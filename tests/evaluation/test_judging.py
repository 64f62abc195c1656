"""Answers of several models judged: the numbers are scikit-learn's, and what cannot be judged is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import brier_score_loss, confusion_matrix, roc_auc_score, roc_curve
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

from nbregistry.errors import Conflict, InvalidInput
from nbregistry.evaluation.answers import Answer, ask
from nbregistry.evaluation.curves import MOST, calibration, confusion, residuals, roc, thinned
from nbregistry.evaluation.judging import judged


@pytest.fixture(scope="module")
def cancer() -> tuple[Any, Any]:
    """Two classes, malignant and benign."""
    X, y = load_breast_cancer(return_X_y=True)
    return X, np.where(y, "benign", "malignant")


def answer(model: Any, X: Any) -> Answer:
    return ask(model, "sklearn", X, subject="churn/1")


def test_the_characteristic_is_that_of_scikit_learn(cancer: tuple[Any, Any]) -> None:
    """Two classes: the second one is drawn, the area is exact, the ends are kept, all points lie on the curve."""
    X, y = cancer
    found = answer(GaussianNB().fit(X, y), X)
    curve = roc(y, found)
    assert ("benign", "malignant") == found.classes
    assert found.probable
    assert roc_auc_score(y == "malignant", found.scores[:, 1]) == pytest.approx(curve.figure, abs=1e-12)
    assert (0.0, 0.0, 1.0, 1.0) == (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1])
    x, up, _ = roc_curve(y == "malignant", found.scores[:, 1])
    assert set(zip(curve.x, curve.y, strict=True)) <= set(zip(x, up, strict=True))


def test_many_classes_are_averaged() -> None:
    """Three classes: the area is the mean of each against the rest, calibration is that of the predicted class."""
    X, y = load_iris(return_X_y=True)
    found = answer(GaussianNB().fit(X[:, :2], y), X[:, :2])
    curve, sure = roc(y, found), calibration(y, found)
    wanted = roc_auc_score(y, found.scores, multi_class="ovr", average="macro")
    assert wanted == pytest.approx(curve.figure, abs=1e-12)
    assert (0.0, 0.0, 1.0, 1.0) == (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1])
    right, best = (found.said == y), found.scores.max(axis=1)
    assert list(sure.x) == sorted(sure.x)
    assert 0 <= sure.figure <= 1
    middle = (best > 0.9) & (best <= 1.0)
    assert float(best[middle].mean()) == pytest.approx(sure.x[-1])
    assert float(right[middle].mean()) == pytest.approx(sure.y[-1])


def test_calibration_of_two_classes(cancer: tuple[Any, Any]) -> None:
    """The figure is the Brier score of the second class; the points are shares of rows in steps of sureness."""
    X, y = cancer
    found = answer(GaussianNB().fit(X, y), X)
    sure = calibration(y, found)
    assert brier_score_loss(y == "malignant", found.scores[:, 1]) == pytest.approx(sure.figure)
    assert len(sure.x) == len(sure.y) <= 10
    assert all(0 <= value <= 1 for value in (*sure.x, *sure.y))


def test_values_of_a_decision_function_are_no_probabilities(cancer: tuple[Any, Any]) -> None:
    """A model without probabilities has a characteristic and no calibration, which is said."""
    X, y = cancer
    found = answer(LinearSVC(C=0.01, max_iter=50_000, dual=False).fit(X, y), X)
    verdict = judged([("churn/1", found)], y)
    assert not found.probable
    assert 0.9 < verdict.roc.curves[0][1].figure <= 1
    assert () == verdict.calibration.curves
    assert "churn/1 gives no probabilities: it has no calibration." in verdict.notes


def test_residuals_leave_missing_rows_out() -> None:
    """What is left is actual minus predicted; of many rows the same ones are drawn each time, the error is of all."""
    said = Answer(np.array([1.0, 2.0, np.nan, 4.0]))
    actual, left = residuals([1.0, 3.0, 3.0, np.nan], said)
    assert ((1.0, 3.0), (1.0, 2.0)) == (actual.x, actual.y)
    assert ((1.0, 2.0), (0.0, 1.0)) == (left.x, left.y)
    assert np.sqrt(0.5) == pytest.approx(left.figure)
    many = Answer(np.arange(5000.0))
    assert MOST == len(residuals(np.zeros(5000), many)[0].x)
    assert residuals(np.zeros(5000), many) == residuals(np.zeros(5000), many)
    with pytest.raises(InvalidInput, match="No row has both"):
        residuals([np.nan], Answer(np.array([1.0])))


def test_confusion_counts_as_scikit_learn_does(cancer: tuple[Any, Any]) -> None:
    """Rows are truths, columns answers; numbers sort as numbers; rare labels stand together at the end."""
    X, y = cancer
    found = answer(GaussianNB().fit(X, y), X)
    counts = confusion(y, found)
    assert ("benign", "malignant") == counts.labels
    assert confusion_matrix(y, found.said).tolist() == [list(row) for row in counts.counts]
    assert ("2", "10") == confusion([2, 10], Answer(np.array([10, 2]))).labels
    many = confusion([*range(14), 3], Answer(np.array([*range(14), 3])))
    assert "4 others" == many.labels[-1]
    assert 15 == sum(map(sum, many.counts))


def test_long_curves_keep_their_ends() -> None:
    """A curve of many points loses those between, never the first or the last."""
    x = np.linspace(0, 1, 10_000)
    short = thinned(x, x**3)
    assert len(short[0]) <= MOST
    assert (0.0, 0.0, 1.0, 1.0) == (short[0][0], short[1][0], short[0][-1], short[1][-1])
    assert list(short[0]) == sorted(short[0])
    assert (x.tolist(), x.tolist()) == tuple(map(list, thinned(x, x, 20_000)))


def test_agreement_needs_no_truth(cancer: tuple[Any, Any]) -> None:
    """Without y each model is compared with the first and nothing else is told; labels may be floats."""
    X, y = cancer
    models = [GaussianNB().fit(X, y), LogisticRegression(max_iter=5000).fit(X, y)]
    verdict = judged([(f"churn/{n}", answer(model, X)) for n, model in enumerate(models, 1)])
    ref, name, value = verdict.agreements[0]
    assert ("churn/2", "agreement") == (ref, name)
    assert 0.8 < value < 1
    assert () == verdict.scores
    assert () == verdict.roc.curves
    floats = Answer(np.array([0.0, 1.0, 1.0]), (0.0, 1.0))
    told = judged([("a/1", floats), ("a/2", Answer(np.array([0.0, 0.0, 1.0]), (0.0, 1.0)))], [0.0, 1.0, 1.0])
    assert ("a/2", "agreement") == told.agreements[0][:2]
    assert 2 / 3 == pytest.approx(told.agreements[0][2])
    assert ("a/1", "accuracy", 1.0) == told.scores[0]


def test_what_cannot_be_judged_is_said(cancer: tuple[Any, Any]) -> None:
    """Other classes, labels alone, several columns, a truth of one class: each is a note, and the rest goes on."""
    X, y = cancer
    good = answer(GaussianNB().fit(X, y), X)
    other = Answer(good.said, ("x", "y"), good.scores, True)
    mute = Answer(good.said, good.classes)
    wide = Answer(np.zeros((len(y), 2)))
    verdict = judged([("a/1", good), ("a/2", other), ("a/3", mute), ("a/4", wide)], y)
    notes = " ".join(verdict.notes)
    assert "a/2 knows other classes than a/1" in notes
    assert "a/3 gives labels and nothing of how sure it is" in notes
    assert "a/4 answers with several columns" in notes
    assert "a/4: its agreement cannot be told" in notes
    assert ["a/1"] == [ref for ref, _ in verdict.roc.curves]
    one = judged([("a/1", good)], ["benign"] * len(y))
    assert "y holds no row of class 'malignant'" in " ".join(one.notes)
    with pytest.raises(InvalidInput, match="y has 3 rows and X 569"):
        judged([("a/1", good)], [1, 2, 3])
    assert 0 == judged([]).rows


def test_regressors_have_residuals() -> None:
    """A regressor's score is R², and its clouds have the root of the mean squared error as their figure."""
    X, y = load_diabetes(return_X_y=True)
    verdict = judged([("price/1", answer(LinearRegression().fit(X, y), X))], y)
    assert "r2" == verdict.scores[0][1]
    assert MOST == len(verdict.actual.curves[0][1].x) == len(verdict.residuals.curves[0][1].x)
    assert () == verdict.confusions
    assert () == verdict.roc.curves


class Broken:
    """A model whose answers are not what they should be."""

    classes_ = np.array([0, 1])

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def predict(self, X: Any) -> Any:
        return np.zeros(self.rows)

    def predict_proba(self, X: Any) -> Any:
        raise RuntimeError("out of memory")


def test_a_model_that_fails_is_named() -> None:
    """What a model raises is told with its reference; an answer of another length is refused."""
    with pytest.raises(Conflict, match=r"Asking churn/1 for predict_proba.*out of memory"):
        answer(Broken(2), np.zeros((2, 1)))
    with pytest.raises(InvalidInput, match="churn/1 does not give one answer a row"):
        answer(Broken(3), np.zeros((2, 1)))
