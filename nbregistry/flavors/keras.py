"""Keras: models in its own archive (.keras); with classes or functions of the notebook, pickled together with them.

Keras' safe mode has been got around more than once, so its archive counts as code: it needs a trusted signer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

from nbregistry.errors import Conflict, InvalidInput
from nbregistry.flavors import cloudpickle
from nbregistry.flavors.advice import globals_in
from nbregistry.flavors.boundary import foreign, library
from nbregistry.flavors.estimator import roots, type_name
from nbregistry.flavors.native import copy_in, copy_out, private_folder
from nbregistry.flavors.protocol import Format, Params, expect, format_of

NATIVE = Format("keras", safe=False, magic=b"PK\x03\x04", suffix=".keras", members=("config.json", "metadata.json"))

_PARCEL = "nbregistry keras parcel 1"


def _keras(purpose: str) -> Any:
    return library("keras", extra="keras", purpose=purpose)


class KerasFlavor:
    """``keras.Model`` and what inherits from it."""

    name = "keras"
    formats = (NATIVE, cloudpickle.FORMAT)

    def matches(self, model: object) -> bool:
        """Whether it is a model."""
        return "keras" in roots(model) and hasattr(type(model), "predict") and hasattr(type(model), "get_config")

    def default(self, model: object) -> str:
        """Keras' own archive, unless it would not find the notebook's classes again."""
        return cloudpickle.FORMAT.name if dict(_own_classes(model)) else NATIVE.name

    def describe(self, model: object) -> str:
        """Return the type's dotted name."""
        return type_name(model)

    def params(self, model: object) -> Params:
        """Count the weights and layers."""
        module: Any = model
        with foreign("Counting the model's weights"):
            return Params({"weights": int(module.count_params()), "layers": len(module.layers)}, ())

    def is_fitted(self, model: object) -> bool | None:
        """Tell only that a model without weights is not; whether weights are trained it does not know."""
        return False if getattr(model, "built", None) is False else None

    def predict(self, model: object, X: object) -> object:
        """Predict, silently."""
        module: Any = model
        with foreign("Predicting with the Keras model"):
            return module.predict(X.to_numpy() if hasattr(X, "to_numpy") else X, verbose=0)

    def save(self, model: object, file: BinaryIO, format: str, *, example: object | None = None) -> None:
        """Write Keras' archive, or a pickle of it beside the notebook's classes."""
        own = dict(_own_classes(model))
        native = format_of(self, format) is NATIVE
        if native and own:
            raise InvalidInput(
                f"Keras' own archive keeps the names of classes, not their code, and {', '.join(own)} is defined in"
                " this notebook: use format='cloudpickle', or move it into a module."
            )
        module: Any = model
        with private_folder() as folder:
            path = folder / "model.keras"
            with foreign("Writing the Keras archive"):
                module.save(str(path))
            if native:
                copy_out(path, file)
            else:
                cloudpickle.dump((_PARCEL, own, path.read_bytes()), file)

    def audit(self, file: BinaryIO, format: str) -> tuple[str, ...]:
        """List the globals of a pickle as advice; Keras' archive is not looked into."""
        return globals_in(file) if expect(self, file, format) is cloudpickle.FORMAT else ()

    def load(self, file: BinaryIO, format: str, *, estimator: str = "", trusted: Collection[str] = ()) -> object:
        """Load, with the notebook's classes where they came along."""
        form, own = expect(self, file, format), {}
        keras = _keras("Loading a Keras model")
        with private_folder() as folder:
            path = folder / "model.keras"
            if form is NATIVE:
                copy_in(file, path)
            else:
                own = _unpack(cloudpickle.restore(file, doing=f"Unpickling {estimator or 'the Keras model'}"), path)
            with foreign(f"Loading {estimator or 'the Keras model'}"):
                # The signer is trusted, or opening.load would not have come here; safe mode only forbids lambdas.
                return keras.saving.load_model(str(path), custom_objects=own, safe_mode=False)


def _unpack(parcel: object, path: Any) -> dict[str, Any]:
    if not (isinstance(parcel, tuple) and len(parcel) == 3 and parcel[0] == _PARCEL):
        raise Conflict("The pickle does not hold a Keras model as this flavor writes it.")
    path.write_bytes(parcel[2])
    return dict(parcel[1])


def _own_classes(model: object) -> Iterator[tuple[str, type]]:
    """Yield the classes of the notebook that the model is made of, by name."""
    flatten = getattr(model, "_flatten_layers", None)
    parts = [model, *(flatten() if callable(flatten) else ())]
    parts += [getattr(model, name, None) for name in ("optimizer", "loss")]
    for part in parts:
        if type(part).__module__ == "__main__":
            yield type(part).__name__, type(part)
