"""LightGBM: boosters and scikit-learn wrappers; pickled by default, boosters also as LightGBM's own text."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, BinaryIO

from nbregistry.errors import InvalidInput
from nbregistry.flavors import cloudpickle
from nbregistry.flavors.advice import globals_in
from nbregistry.flavors.boundary import foreign, library
from nbregistry.flavors.estimator import answer, fitted, flattened, roots, scalar, type_name
from nbregistry.flavors.protocol import Format, Params, expect, format_of

NATIVE = Format("lightgbm", safe=True, magic=b"tree\n", suffix=".txt")


class LightgbmFlavor:
    """LightGBM's ``Booster`` and its scikit-learn wrappers."""

    name = "lightgbm"
    formats = (cloudpickle.FORMAT, NATIVE)

    def matches(self, model: object) -> bool:
        """Whether it is a booster or inherits from a wrapper."""
        return "lightgbm" in roots(model) and hasattr(type(model), "predict")

    def default(self, model: object) -> str:
        """Pickled: wrappers have no other way to come back whole."""
        return cloudpickle.FORMAT.name

    def describe(self, model: object) -> str:
        """Return the type's dotted name."""
        return type_name(model)

    def params(self, model: object) -> Params:
        """Flatten a wrapper's ``get_params``; of a booster, what it was trained with."""
        if hasattr(type(model), "get_params"):
            return flattened(model)
        given = getattr(model, "params", None)
        return Params({str(k): scalar(v) for k, v in given.items()} if isinstance(given, dict) else {}, ())

    def is_fitted(self, model: object) -> bool | None:
        """Boosters are trained as they are made."""
        return fitted(model) if hasattr(type(model), "get_params") else True

    def predict(self, model: object, X: object) -> object:
        """Predict."""
        return answer(model, X)

    def save(self, model: object, file: BinaryIO, format: str, *, example: object | None = None) -> None:
        """Pickle, or write a booster as text."""
        if format_of(self, format) is not NATIVE:
            cloudpickle.dump(model, file)
            return
        kind: Any = type(model)
        if kind.__name__ != "Booster" or not kind.__module__.startswith("lightgbm."):
            raise InvalidInput(
                f"LightGBM's own format holds boosters only, so {type_name(model)} would not come back as what it is:"
                " use format='cloudpickle', or register its .booster_."
            )
        booster: Any = model
        with foreign("Writing LightGBM's own format"):
            text = booster.model_to_string()
        file.write(text.encode("utf-8"))

    def audit(self, file: BinaryIO, format: str) -> tuple[str, ...]:
        """Nothing is looked up by name in LightGBM's text; a pickle's globals are advice."""
        return () if expect(self, file, format) is NATIVE else globals_in(file)

    def load(self, file: BinaryIO, format: str, *, estimator: str = "", trusted: Collection[str] = ()) -> object:
        """Unpickle, or read the text into a ``Booster``."""
        if expect(self, file, format) is not NATIVE:
            return cloudpickle.restore(file, doing=f"Unpickling {estimator or 'the LightGBM model'}")
        lightgbm = library("lightgbm", extra="lightgbm", purpose="Loading a LightGBM model")
        with foreign("Reading LightGBM's own format"):
            return lightgbm.Booster(model_str=file.read().decode("utf-8"))
