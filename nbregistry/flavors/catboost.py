"""CatBoost: pickled by default, or as CatBoost's own binary (cbm), which comes back predicting the same."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, BinaryIO

from nbregistry.errors import InvalidInput
from nbregistry.flavors import cloudpickle
from nbregistry.flavors.advice import globals_in
from nbregistry.flavors.boundary import foreign, library
from nbregistry.flavors.estimator import answer, flattened, roots, type_name
from nbregistry.flavors.native import copy_out, private_folder
from nbregistry.flavors.protocol import Format, Params, expect, format_of

NATIVE = Format("catboost", safe=True, magic=b"CBM1", suffix=".cbm")

_CLASSES = frozenset({"CatBoost", "CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker"})


class CatboostFlavor:
    """CatBoost's four classes and what inherits from them."""

    name = "catboost"
    formats = (cloudpickle.FORMAT, NATIVE)

    def matches(self, model: object) -> bool:
        """Whether it inherits from a CatBoost class."""
        return "catboost" in roots(model) and hasattr(type(model), "predict")

    def default(self, model: object) -> str:
        """Pickled: every parameter, and subclasses of the notebook, come back."""
        return cloudpickle.FORMAT.name

    def describe(self, model: object) -> str:
        """Return the type's dotted name."""
        return type_name(model)

    def params(self, model: object) -> Params:
        """Flatten ``get_params``, which lists what was given and nothing else."""
        return flattened(model)

    def is_fitted(self, model: object) -> bool | None:
        """Ask the model itself."""
        booster: Any = model
        with foreign("Asking the CatBoost model whether it is fitted"):
            return bool(booster.is_fitted())

    def predict(self, model: object, X: object) -> object:
        """Predict."""
        return answer(model, X)

    def save(self, model: object, file: BinaryIO, format: str, *, example: object | None = None) -> None:
        """Pickle, or let CatBoost write its own file, which is then copied in pieces."""
        if format_of(self, format) is not NATIVE:
            cloudpickle.dump(model, file)
            return
        kind: Any = type(model)
        if kind.__name__ not in _CLASSES or not kind.__module__.startswith("catboost"):
            raise InvalidInput(
                f"CatBoost's own format holds no classes, so {type_name(model)} would not come back as what it is: use"
                " format='cloudpickle'."
            )
        booster: Any = model
        with private_folder() as folder:
            path = folder / "model.cbm"
            with foreign("Writing CatBoost's own format"):
                booster.save_model(str(path), format="cbm")
            copy_out(path, file)

    def audit(self, file: BinaryIO, format: str) -> tuple[str, ...]:
        """Nothing is looked up by name in CatBoost's own format; a pickle's globals are advice."""
        return () if expect(self, file, format) is NATIVE else globals_in(file)

    def load(self, file: BinaryIO, format: str, *, estimator: str = "", trusted: Collection[str] = ()) -> object:
        """Unpickle, or read the binary into the class that ``estimator`` names, else into ``CatBoost``."""
        if expect(self, file, format) is not NATIVE:
            return cloudpickle.restore(file, doing=f"Unpickling {estimator or 'the CatBoost model'}")
        catboost = library("catboost", extra="catboost", purpose="Loading a CatBoost model")
        name = estimator.rpartition(".")[2]
        with foreign("Reading CatBoost's own format"):
            model = getattr(catboost, name if name in _CLASSES else "CatBoost")()
            model.load_model(blob=file.read())
        return model
