"""The estimators among the user's variables, and how each stands to the registry."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nbregistry import Client, Registry, display
from nbregistry.domain.estimators import Estimator, Standing
from nbregistry.verbs import here as scan
from nbregistry.verbs.here import here
from nbregistry.verbs.makers import makers
from tests.display.corpus import EVERYTHING
from tests.display.hostile import faults
from tests.display.seen import Seen

X, y = load_iris(return_X_y=True, as_frame=True)


@pytest.fixture
def r(tmp_path: Path) -> Iterator[Registry]:
    with Registry(tmp_path / "store") as registry:
        yield registry


def pipeline(strength: float = 1.0) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=300)).fit(X, y)


def one(registry: Registry, model: Any, **options: Any) -> Estimator:
    (found,) = here(registry, {"clf": model}, cells=(), **options)
    return found


def test_registered_until_it_learns_something_else(r: Registry) -> None:
    """New; then registered; still, after predicting; changed after a refit or a parameter; registered when undone."""
    model = pipeline()
    assert (Standing.NEW, None) == (one(r, model).standing, one(r, model).ref)
    r.register(model, "churn", X=X, y=y)
    model.predict(X)
    assert (Standing.REGISTERED, "churn/1", "") == (one(r, model).standing, one(r, model).ref, one(r, model).line)
    model.fit(X[:100], y[:100])
    assert (Standing.CHANGED, "churn/1") == (one(r, model).standing, one(r, model).ref)
    assert one(r, model).line.startswith("%register churn clf")
    model.fit(X, y)
    assert Standing.REGISTERED is one(r, model).standing
    model.set_params(logisticregression__C=3.0)
    assert Standing.CHANGED is one(r, model).standing


def test_a_loaded_model_is_registered(r: Registry) -> None:
    """What was loaded is the version it came from, through the present and through the past, and can change too."""
    r.register(pipeline(), "churn", X=X, y=y)
    r.register(pipeline(5.0), "churn", X=X, y=y)
    model = r.load("churn/1")
    assert (Standing.REGISTERED, "churn/1") == (one(r, model).standing, one(r, model).ref)
    model[-1].coef_ += 1
    assert (Standing.CHANGED, "churn/1") == (one(r, model).standing, one(r, model).ref)
    past = r.as_of("2999-01-01").load("churn/2")
    assert "churn/2" == one(r, past).ref


def test_after_a_restart_content_decides(r: Registry) -> None:
    """With nothing remembered, the same model made or loaded anew is registered, and another one is new."""
    r.register(pipeline(), "churn", X=X, y=y)
    with Registry(r.core.store.folder) as later:
        assert (Standing.REGISTERED, "churn/1") == (one(later, pipeline()).standing, one(later, pipeline()).ref)
        assert Standing.REGISTERED is one(later, r.load("churn/1")).standing
        assert Standing.NEW is one(later, pipeline(2.0)).standing
        assert Standing.NEW is one(later, clone(pipeline()).fit(X[:90], y[:90])).standing


@pytest.mark.parametrize("format", ["cloudpickle", "skops"])
def test_formats(r: Registry, format: str) -> None:
    """However it was stored, what comes back is known, also by a handle that never saw it."""
    model = RandomForestClassifier(5, random_state=0).fit(X, y)
    r.register(model, "forest", X=X, y=y, format=format)
    with Registry(r.core.store.folder) as later:
        for same in (model, r.load("forest")):
            assert (Standing.REGISTERED, "forest/1") == (one(later, same).standing, one(later, same).ref)


def test_a_library_of_its_own_format(r: Registry) -> None:
    """What a native format gives back is made otherwise than what was stored; both are the version."""
    xgboost = pytest.importorskip("xgboost")
    model = xgboost.XGBClassifier(n_estimators=3).fit(X, y)
    r.register(model, "boosted", X=X, y=y, format="xgboost")
    loaded = r.load("boosted")
    loaded.predict(X)
    assert [Standing.REGISTERED] * 2 == [one(r, m).standing for m in (model, loaded)]
    loaded.fit(X[::2], y[::2])
    assert (Standing.CHANGED, "boosted/1") == (one(r, loaded).standing, one(r, loaded).ref)


def test_versions_that_hold_the_same(r: Registry) -> None:
    """The newest that can be used is named first; the trash and failures are told, and what was purged is not named."""
    model = pipeline()
    for _ in range(3):
        r.register(model, "churn", X=X, y=y)
    fresh = pipeline()
    assert ("churn/3", ("churn/2", "churn/1")) == (one(r, fresh).ref, one(r, fresh).equal)
    r.delete("churn/3", because="x")
    assert ("churn/2", ("churn/1", "churn/3")) == (one(r, fresh).ref, one(r, fresh).equal)
    r.purge("churn/3", because="x")
    assert ("churn/1",) == one(r, fresh).equal
    r.delete("churn/2", because="x")
    r.delete("churn/1", because="x")
    assert (Standing.REGISTERED, "in the trash") == (one(r, fresh).standing, one(r, fresh).state)
    assert one(r, fresh).line


def test_what_was_purged_is_new(r: Registry) -> None:
    """Of a purged version nothing is left, so the object that was it is new, with its line, whatever is remembered."""
    model = pipeline()
    r.register(model, "churn", X=X, y=y)
    r.delete("churn/1", because="x")
    r.purge("churn/1", because="x")
    assert (Standing.NEW, None) == (one(r, model).standing, one(r, model).ref)
    assert one(r, model).line.startswith("%register clf clf")
    model.set_params(logisticregression__C=9)
    assert (Standing.NEW, None) == (one(r, model).standing, one(r, model).ref)
    r.register(model, "churn", X=X, y=y)
    assert "churn/2" == one(r, model).ref


def test_a_renamed_model_is_named_as_it_is_now(r: Registry) -> None:
    """What was registered as churn and changed since is a change of what churn is called now."""
    model = pipeline()
    r.register(model, "churn", X=X, y=y)
    r.rename("churn", "attrition")
    assert "attrition/1" == one(r, model).ref
    model.set_params(logisticregression__C=9)
    assert (Standing.CHANGED, "attrition/1") == (one(r, model).standing, one(r, model).ref)


def test_a_handle_of_the_user_remembers(r: Registry) -> None:
    """A model registered through the user's own handle is told as changed by the one that the magics use."""
    model = pipeline()
    with Registry(r.core.store.folder) as own:
        own.register(model, "churn", X=X, y=y)
        model.set_params(logisticregression__C=9)
        assert Standing.NEW is one(r, model).standing
        (found,) = here(r, {"clf": model, "registry": own}, cells=())
        assert (Standing.CHANGED, "churn/1") == (found.standing, found.ref)


def test_what_is_large_is_not_compared_unless_asked(r: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the answer is that it is not known, with the version that it was and how to find out."""
    model = pipeline()
    r.register(model, "churn", X=X, y=y)
    monkeypatch.setattr(scan, "MOST_BYTES", 100)
    found = one(r, model)
    assert (Standing.UNKNOWN, "churn/1", None) == (found.standing, found.ref, found.size)
    assert "--big" in found.why
    assert Standing.REGISTERED is one(r, model, big=True).standing


class Odd:
    """An estimator that cannot be looked into."""

    def fit(self, X: object = None) -> Odd:
        self.seen_ = (i for i in "ab")
        return self

    def predict(self, X: object) -> object:
        return X


def test_unknown_is_an_answer(r: Registry) -> None:
    """What has no digest, and what may be a version that was registered without one, is not guessed."""
    assert (Standing.UNKNOWN, "it cannot be looked into") == (one(r, Odd().fit()).standing, one(r, Odd().fit()).why)
    model = pipeline()
    r.register(model, "churn", X=X, y=y)
    doc = next(iter(r.core.view().versions.values()))
    del doc["states"]
    r.core.remembered = type(r.core.remembered)()
    assert Standing.UNKNOWN is one(r, model).standing
    assert Standing.NEW is one(r, RandomForestClassifier(2).fit(X, y)).standing


def test_a_version_of_old_is_known_once_it_was_loaded(r: Registry) -> None:
    """What was loaded from a version that has no digest is that version until it learns something else."""
    r.register(pipeline(), "churn", X=X, y=y)
    del next(iter(r.core.view().versions.values()))["states"]
    model = r.load("churn")
    assert (Standing.REGISTERED, "churn/1") == (one(r, model).standing, one(r, model).ref)
    model.set_params(logisticregression__C=9)
    assert (Standing.CHANGED, "churn/1") == (one(r, model).standing, one(r, model).ref)


class Evil:
    """Fails loudly whatever it is asked."""

    def __init__(self) -> None:
        object.__setattr__(self, "coef_", 1)

    def fit(self, X: object) -> None:
        raise AssertionError

    def predict(self, X: object) -> None:
        raise AssertionError

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(EVERYTHING[0])

    def __repr__(self) -> str:
        raise RuntimeError(EVERYTHING[1])

    def __eq__(self, other: object) -> bool:
        raise RuntimeError(EVERYTHING[2])

    __hash__ = None  # type: ignore[assignment]  # as hostile as can be


class Meta(type):
    def __getattribute__(cls, name: str) -> Any:
        raise RuntimeError(name)


def test_foreign_code_cannot_break_it(r: Registry) -> None:
    """Objects that fail whatever they are asked cost their own line at most."""
    worse: Any = Meta("Worse", (), {})
    space = {"evil": Evil(), "worse": object.__new__(worse), "kind": worse, "list": [Evil()], "clf": pipeline()}
    assert [("clf", Standing.NEW)] == [(e.variable, e.standing) for e in here(r, space, cells=())]


def test_names_of_one_object_and_parts(r: Registry) -> None:
    """An object counts once; parts say of what; items of lists and dictionaries are found; the unfitted are named."""
    model = pipeline()
    forest = RandomForestClassifier(2).fit(X, y)
    space = {
        "clf": model, "best": model, "scaler": model[0], "models": {"rf": forest, "a b": pipeline()},
        "both": [model, pipeline(2.0)], "fresh": LogisticRegression(), "_hidden": pipeline(), "X": X, "Kind": Odd,
    }  # fmt: skip
    found = here(r, space, cells=())
    assert ["clf", "scaler", 'models["rf"]', "both[1]"] == [e.variable for e in found]
    assert ("best", "both[0]") == found[0].also
    assert "clf" == found[1].part_of
    assert ("fresh",) == found.unfitted
    assert ["%register clf clf --data X", "", '%register rf models["rf"] --data X'] == [e.line for e in found[:3]]


class Booster:
    """A model without ``fit``, as the libraries of boosted trees have them."""

    def predict(self, X: object) -> object:
        return X


def test_models_without_fit_count_and_ours_do_not(r: Registry) -> None:
    """What predicts has learned, also where it cannot be fitted again; a client of a server has not."""
    found = here(r, {"booster": Booster(), "client": Client("http://127.0.0.1:1")}, cells=())
    assert [("booster", True)] == [(e.variable, e.fitted) for e in found]


CELLS = [
    {"id": "a", "count": 1, "code": "clf = Ridge()\nX, y = load()", "ok": True},
    {"id": "b", "count": 2, "code": "%%time\n!pip list\nclf.fit(X_train, y_train)\nmodels['rf'] = clf", "ok": True},
    {"id": "c", "count": 3, "code": "clf = Other().fit(A, b)", "ok": False},
    {"id": "d", "count": 4, "code": "grid = Search(clf).fit(load(), y)\nfor m in (1, 2): pass", "ok": True},
    {"id": "e", "count": 5, "code": "%register churn clf\nprint(clf)", "ok": None},
]


def test_the_cell_that_made_it() -> None:
    """The last cell that bound or fitted it, with the data it was fitted on; failures and mere uses do not count."""
    found = makers(CELLS, {"clf", "models", "grid", "m", "nothing"})
    places = {name: (made.cell, made.count, made.data) for name, made in found.items()}
    assert {
        "clf": ("b", 2, ("X_train", "y_train")), "models": ("b", 2, None), "grid": ("d", 4, ()), "m": ("d", 4, None),
    } == places  # fmt: skip


def test_lines_name_the_data_of_the_fit(r: Registry) -> None:
    """The line takes the data from the cell where it can, by shape where no cell tells, and never guesses beyond."""
    model = pipeline()
    space = {"clf": model, "X": X, "y": y, "X_train": X[:90], "y_train": y[:90], "Z": X.iloc[:, :2]}
    cells = [{"id": None, "count": 3, "code": "clf = make().fit(X[:90], y[:90])", "ok": True}]
    (found,) = here(r, space, cells=cells)
    assert ("%register clf clf --data X[:90] y[:90]", 3) == (found.line, found.count)
    (found,) = here(r, space, cells=())
    assert "%register clf clf --data X_train y_train" == found.line
    (found,) = here(r, {"clf": model, "Z": X.iloc[:, :2], "X": X.rename(columns=str.upper)}, cells=())
    assert "%register clf clf" == found.line


def test_fifty_estimators_in_a_second(r: Registry) -> None:
    """A notebook full of models is looked through while one waits."""
    forest = RandomForestClassifier(10).fit(X, y)
    space = {f"m{i}": copy.deepcopy(forest).set_params(random_state=i) for i in range(50)}
    r.register(space["m7"], "churn", X=X, y=y)
    started = time.process_time()
    found = here(r, space, cells=())
    assert time.process_time() - started < 1.0
    assert [7] == [i for i, e in enumerate(found) if e.standing is Standing.REGISTERED]


def test_shown_and_as_a_frame(r: Registry) -> None:
    """Text, Markdown and HTML tell what there is; the frame has a row for each."""
    model = pipeline()
    r.register(model, "churn", X=X, y=y)
    found = here(r, {"clf": model, "other": pipeline(7.0), "fresh": LogisticRegression()}, cells=CELLS)
    for told in (display.text(found), display.markdown(found), Seen(display.html(found)).text):
        assert all(word in told for word in ("2 fitted estimators", "churn/1", "%register other other", "fresh"))
    assert ["clf", "other"] == list(found.to_frame()["variable"])
    assert ["registered", "new"] == list(found.to_frame()["standing"])
    assert "No fitted estimator" in display.text(here(r, {}))
    assert 1 == len(found[1:])


def test_hostile_names_are_text(r: Registry) -> None:
    """Names of classes and whatever else an object brings is text in every representation."""
    for text in EVERYTHING:
        name = text.replace("\ud800", "").replace("\udfff", "")[:500]
        kind = type("Odd", (Odd,), {"__module__": "m", "__qualname__": name})
        found = here(r, {"clf": kind().fit()}, cells=[{"id": text, "count": None, "code": "clf = 1", "ok": True}])
        html = display.html(found)
        assert [] == [*Seen(html).faults, *faults(html)]
        assert {"\x1b", "\u202e", "\x00"}.isdisjoint(display.text(found))
        assert "Odd" not in display.markdown(found)
