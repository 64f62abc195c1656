"""XGBoost, LightGBM and CatBoost: pickled and in their own formats, back in a fresh process."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sklearn")

from nbregistry.errors import Conflict, InvalidInput
from nbregistry.flavors import opening, table
from nbregistry.flavors.answers import same
from nbregistry.flavors.trust import Keyring
from tests.flavors import toys
from tests.flavors.conftest import Answers
from tests.flavors.fresh import keep

LIBRARIES = ("xgboost", "lightgbm", "catboost")


def boosters(library: str) -> dict[str, Any]:
    """Train what a library has: wrappers and, where there is one, the bare booster."""
    module: Any = pytest.importorskip(library)
    few: dict[str, Any] = {"n_estimators": 5, "max_depth": 2}
    if library == "xgboost":
        wrapper = module.XGBClassifier(**few).fit(toys.X, toys.CLASSES)
        kinds = [
            wrapper,
            module.XGBRegressor(**few).fit(toys.X, toys.VALUES),
            module.XGBRFRegressor(**few).fit(toys.X, toys.VALUES),
        ]
        return {type(m).__name__: m for m in (*kinds, wrapper.get_booster())}
    if library == "lightgbm":
        wrapper = module.LGBMClassifier(**few, min_child_samples=2, verbose=-1).fit(toys.X, toys.CLASSES)
        regressor = module.LGBMRegressor(**few, min_child_samples=2, verbose=-1).fit(toys.X, toys.VALUES)
        return {type(m).__name__: m for m in (wrapper, regressor, wrapper.booster_)}
    few = {"iterations": 5, "depth": 2, "verbose": 0, "allow_writing_files": False}
    kinds = [
        module.CatBoostClassifier(**few).fit(toys.X, toys.BINARY),
        module.CatBoostRegressor(**few).fit(toys.X, toys.VALUES),
    ]
    return {type(m).__name__: m for m in (*kinds, module.CatBoost(few).fit(toys.X, toys.VALUES))}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("format", ["cloudpickle", "native"])
def test_they_come_back_equal_in_a_fresh_process(
    tmp_path: Path, reopened: Callable[[Path], Answers], library: str, format: str
) -> None:
    """Every kind says in another process what it said here, and is of the same type."""
    kept: dict[str, Any] = {}
    for name, model in boosters(library).items():
        if format == "native" and name.startswith("LGBM"):
            continue  # LightGBM's own format holds boosters only, as the next test shows
        keep(tmp_path, name, model, toys.X, format=library if format == "native" else format)
        kept[name] = model
    found = reopened(tmp_path)
    assert kept.keys() == found.keys()
    flavor = table.flavor(library)
    assert {n: flavor.describe(m) for n, m in kept.items()} == {n: found[n][0] for n in kept}
    assert [] == [n for n, m in kept.items() if not same(toys.says(m, toys.X), found[n][1], tolerance=1e-9)]


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_is_told_of_them(library: str) -> None:
    """They are their own flavor, seen to be fitted, and their parameters can be stored."""
    for name, model in boosters(library).items():
        flavor = table.flavor_of(model)
        assert (library, True) == (flavor.name, flavor.is_fitted(model)), name
        assert flavor.describe(model).startswith(f"{library}.")
        assert flavor.params(model).values, name
        assert len(toys.X) == len(flavor.predict(model, toys.X)), name  # type: ignore[arg-type]  # arrays


@pytest.mark.parametrize("library", LIBRARIES)
def test_their_own_format_holds_no_classes(library: str) -> None:
    """What the format cannot bring back as what it is, is refused when storing."""
    flavor = table.flavor(library)
    for model in boosters(library).values():
        mine: Any = type("Mine", (type(model),), {})
        other = mine.__new__(mine)
        with pytest.raises(InvalidInput, match="use format='cloudpickle'"):
            flavor.save(other, io.BytesIO(), library)
    if library == "lightgbm":
        with pytest.raises(InvalidInput, match=r"or register its \.booster_"):
            flavor.save(boosters(library)["LGBMClassifier"], io.BytesIO(), library)


@pytest.mark.parametrize("library", LIBRARIES)
def test_their_own_format_loads_from_anybody(keyring: Keyring, library: str) -> None:
    """The library's own format runs no code, so nobody has to be trusted; damage is an error."""
    name = {"xgboost": "XGBRegressor", "lightgbm": "Booster", "catboost": "CatBoostRegressor"}[library]
    model, file = boosters(library)[name], io.BytesIO()
    flavor = table.flavor(library)
    flavor.save(model, file, library)
    about = {"flavor": library, "format": library, "keyring": keyring}
    found = opening.load(file, origin=opening.Origin(estimator=f"{library}.{name}"), **about)  # type: ignore[arg-type]  # typed loosely above
    assert same(flavor.predict(model, toys.X), flavor.predict(found, toys.X), tolerance=1e-9)
    plain = opening.load(file, origin=opening.Origin(estimator="os.system"), **about)  # type: ignore[arg-type]  # as above
    assert type(plain).__name__ in {"Booster", "CatBoost"}
    if library == "lightgbm":
        return  # its text has no end mark: a cut file is for the digest to find
    with pytest.raises(Conflict):
        opening.load(io.BytesIO(file.getvalue()[:200]), origin=opening.Origin(), **about)  # type: ignore[arg-type]  # as above


def test_a_boosters_predictions_from_rows() -> None:
    """A bare XGBoost booster is asked with plain rows as with its own matrix."""
    xgboost: Any = pytest.importorskip("xgboost")
    booster = boosters("xgboost")["Booster"]
    flavor = table.flavor("xgboost")
    assert same(flavor.predict(booster, toys.X), flavor.predict(booster, xgboost.DMatrix(toys.X)))
