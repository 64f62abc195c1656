"""The user's variables."""

from __future__ import annotations

import types
from typing import Any

import pytest

from nbregistry.errors import RegistryError
from nbregistry.verbs.namespace import fitted_models, lookup, visible


class Ridge:
    """A little estimator; ``fit`` leaves an attribute that ends in an underscore."""

    def fit(self, X: object = None) -> Ridge:
        self.coef_ = 1.0
        return self

    def predict(self, X: object) -> object:
        return X


class Scaler:
    def fit(self, X: object = None) -> Scaler:
        self.mean_ = 0.0
        return self

    def transform(self, X: object) -> object:
        return X


class Pipeline(Ridge):
    def __init__(self, *steps: Any) -> None:
        self.steps = [(f"s{i}", step) for i, step in enumerate(steps)]


class Search(Ridge):
    def __init__(self, best: Any) -> None:
        self.best_estimator_ = best
        self.coef_ = 1.0


class Trap:
    """Everything that is asked of an object of this class fails."""

    @property
    def anything(self) -> None:
        raise RuntimeError("trap")

    def __getitem__(self, key: object) -> None:
        raise RuntimeError("trap")


class Moody(Ridge):
    def __sklearn_is_fitted__(self) -> bool:
        raise RuntimeError("not today")


NAMESPACE = {"clf": Ridge(), "models": {"rf": [1, 2, 3]}, "grid": types.SimpleNamespace(best=7), "i": 1, "trap": Trap()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i", 1),
        ("grid.best", 7),
        ('models["rf"]', [1, 2, 3]),
        ("models['rf'][-1]", 3),
        ("models['rf'][:2]", [1, 2]),
        ("models['rf'][i]", 2),
    ],
)
def test_lookup_follows_names(text: str, expected: object) -> None:
    """A name, its attributes, its items and its slices are found."""
    assert expected == lookup(text, NAMESPACE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clg", "no variable 'clg', did you mean 'clf'"),
        ("grid.worst", "AttributeError"),
        ('models["lr"]', "KeyError"),
        ("trap.anything", "RuntimeError: trap"),
        ("trap[0]", "RuntimeError: trap"),
        ("Ridge()", "more than a name"),
        ("i + 1", "more than a name"),
        ("__import__('os').system('true')", "more than a name"),
        ("{auc}", "more than a name"),
        ("{a b}", "could not fill in"),
        ("", "does not name a variable"),
        ("(" * 500, "does not name a variable"),
        ("a\0b", "does not name a variable"),
    ],
)
def test_lookup_says_what_is_wrong(text: str, message: str) -> None:
    """What is not there, or is more than a name, is refused in words; nothing is called."""
    with pytest.raises(RegistryError) as caught:
        lookup(text, NAMESPACE)
    assert message in str(caught.value)


def test_hidden_names_are_not_the_users() -> None:
    """Underscored names and what IPython puts there are left out."""
    assert ["x"] == list(visible({"_": 1, "In": [], "Out": {}, "get_ipython": 1, "_i1": "", "x": 2}))


def test_one_fitted_model_is_found() -> None:
    """Classes, unfitted estimators and other things do not count; nor does the same object under a second name."""
    clf = Ridge().fit()
    found = fitted_models({"Ridge": Ridge, "fresh": Ridge(), "clf": clf, "best": clf, "x": [1], "m": types})
    assert ["clf"] == list(found)


def test_parts_do_not_count() -> None:
    """The steps of a pipeline, what a search refitted, and a scaler beside a model are not what is meant."""
    scaler, clf = Scaler().fit(), Ridge().fit()
    pipe = Pipeline(scaler, clf).fit()
    search = Search(pipe)
    assert ["pipe"] == list(fitted_models({"scaler": scaler, "clf": clf, "pipe": pipe}))
    assert ["search"] == list(fitted_models({"scaler": scaler, "clf": clf, "pipe": pipe, "search": search}))
    assert ["clf"] == list(fitted_models({"scaler": scaler, "clf": clf}))
    assert ["scaler"] == list(fitted_models({"scaler": scaler}))


def test_foreign_code_cannot_break_the_search() -> None:
    """An estimator that fails when asked whether it is fitted is passed over."""
    assert ["clf"] == list(fitted_models({"moody": Moody(), "trap": Trap(), "clf": Ridge().fit()}))
