"""XGBoost: boosters and scikit-learn wrappers; pickled by default, or as XGBoost's own UBJSON.

UBJSON holds trees and objective and opens in any language and later version. A wrapper comes back predicting the same;
of its constructor's parameters only what prediction needs comes back.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, BinaryIO

from nbregistry.errors import InvalidInput
from nbregistry.flavors import cloudpickle
from nbregistry.flavors.advice import globals_in
from nbregistry.flavors.boundary import foreign, library
from nbregistry.flavors.estimator import answer, fitted, flattened, roots, scalar, type_name
from nbregistry.flavors.native import copy_out, private_folder
from nbregistry.flavors.protocol import Format, Params, expect, format_of

NATIVE = Format("xgboost", safe=True, magic=b"{L", suffix=".ubj")

_WRAPPERS = frozenset({"XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier", "XGBRFRegressor"})


class XgboostFlavor:
    """XGBoost's ``Booster`` and its scikit-learn wrappers."""

    name = "xgboost"
    formats = (cloudpickle.FORMAT, NATIVE)

    def matches(self, model: object) -> bool:
        """Whether it is a booster or inherits from a wrapper."""
        return "xgboost" in roots(model) and hasattr(type(model), "predict")

    def default(self, model: object) -> str:
        """Pickled: every parameter, and subclasses of the notebook, come back."""
        return cloudpickle.FORMAT.name

    def describe(self, model: object) -> str:
        """Return the type's dotted name."""
        return type_name(model)

    def params(self, model: object) -> Params:
        """Flatten a wrapper's ``get_params``; of a booster, tell what it was trained to do."""
        if hasattr(type(model), "get_params"):
            return flattened(model)
        booster: Any = model
        with foreign("Reading the booster's configuration"):
            learner = json.loads(booster.save_config())["learner"]
            values = {
                "objective": scalar(learner["objective"]["name"]),
                "booster": scalar(learner["gradient_booster"]["name"]),
                "num_boosted_rounds": scalar(booster.num_boosted_rounds()),
                "num_features": scalar(booster.num_features()),
            }
        return Params(values, ())

    def is_fitted(self, model: object) -> bool | None:
        """Boosters are trained as they are made."""
        return fitted(model) if hasattr(type(model), "get_params") else True

    def predict(self, model: object, X: object) -> object:
        """Predict; a booster takes arrays, frames and its own DMatrix."""
        if hasattr(type(model), "get_params"):
            return answer(model, X)
        booster: Any = model
        xgboost = library("xgboost", extra="xgboost", purpose="Predicting with XGBoost")
        with foreign("Predicting with the booster"):
            return booster.predict(X if isinstance(X, xgboost.DMatrix) else xgboost.DMatrix(X))

    def save(self, model: object, file: BinaryIO, format: str, *, example: object | None = None) -> None:
        """Pickle, or let XGBoost write its own file, which is then copied in pieces."""
        if format_of(self, format) is not NATIVE:
            cloudpickle.dump(model, file)
            return
        kind: Any = type(model)
        if kind.__name__ not in _WRAPPERS | {"Booster"} or not kind.__module__.startswith("xgboost."):
            raise InvalidInput(
                f"XGBoost's own format holds no classes, so {type_name(model)} would not come back as what it is: use"
                " format='cloudpickle'."
            )
        writer: Any = model
        with private_folder() as folder:
            path = folder / "model.ubj"
            with foreign("Writing XGBoost's own format"):
                writer.save_model(str(path))
            copy_out(path, file)

    def audit(self, file: BinaryIO, format: str) -> tuple[str, ...]:
        """Nothing is looked up by name in XGBoost's own format; a pickle's globals are advice."""
        return () if expect(self, file, format) is NATIVE else globals_in(file)

    def load(self, file: BinaryIO, format: str, *, estimator: str = "", trusted: Collection[str] = ()) -> object:
        """Unpickle, or read UBJSON into the wrapper that ``estimator`` names, else into a ``Booster``."""
        if expect(self, file, format) is not NATIVE:
            return cloudpickle.restore(file, doing=f"Unpickling {estimator or 'the XGBoost model'}")
        xgboost = library("xgboost", extra="xgboost", purpose="Loading an XGBoost model")
        name = estimator.rpartition(".")[2]
        with foreign("Reading XGBoost's own format"):
            model = getattr(xgboost, name if name in _WRAPPERS else "Booster")()
            model.load_model(bytearray(file.read()))
        return model
