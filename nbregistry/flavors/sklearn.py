"""scikit-learn: estimators, pipelines and everything that inherits from them.

The library itself is never imported here: whoever holds an estimator has loaded it, and a stored one brings it along.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import BinaryIO

from nbregistry.flavors import cloudpickle, onnx, skops
from nbregistry.flavors.advice import globals_in
from nbregistry.flavors.estimator import answer, fitted, flattened, roots, type_name
from nbregistry.flavors.protocol import Format, Params, expect, format_of


class SklearnFlavor:
    """Estimators; cloudpickle takes all of them, skops and ONNX many."""

    name = "sklearn"
    formats: tuple[Format, ...] = (cloudpickle.FORMAT, skops.FORMAT, onnx.FORMAT)

    def matches(self, model: object) -> bool:
        """Whether it inherits from scikit-learn and can be trained or asked for parameters."""
        return "sklearn" in roots(model) and (hasattr(type(model), "get_params") or hasattr(type(model), "fit"))

    def default(self, model: object) -> str:
        """Every estimator can be pickled."""
        return cloudpickle.FORMAT.name

    def describe(self, model: object) -> str:
        """Return the type's dotted name, as it is imported."""
        return type_name(model)

    def params(self, model: object) -> Params:
        """Flatten ``get_params(deep=True)``."""
        return flattened(model)

    def is_fitted(self, model: object) -> bool | None:
        """Tell as ``check_is_fitted`` does; stateless estimators count as fitted."""
        return fitted(model)

    def predict(self, model: object, X: object) -> object:
        """Call ``predict``, else ``transform``, ``decision_function`` or ``score_samples``."""
        return answer(model, X)

    def save(self, model: object, file: BinaryIO, format: str, *, example: object | None = None) -> None:
        """Write in one of the three formats; ONNX is converted and comes back as a callable, not as an estimator."""
        form = format_of(self, format)
        if form is skops.FORMAT:
            skops.save(model, file)
        elif form is onnx.FORMAT:
            onnx.convert(model, file, example=example)
        else:
            cloudpickle.dump(model, file)

    def audit(self, file: BinaryIO, format: str) -> tuple[str, ...]:
        """List unknown types (skops), outside files (ONNX) or, as advice, the globals of a pickle."""
        form = expect(self, file, format)
        if form is skops.FORMAT:
            return skops.unknown_types(file)
        if form is onnx.FORMAT:
            return onnx.outside_files(file)
        return globals_in(file)

    def load(self, file: BinaryIO, format: str, *, estimator: str = "", trusted: Collection[str] = ()) -> object:
        """Load with the one loader that belongs to the format."""
        form = expect(self, file, format)
        if form is skops.FORMAT:
            return skops.load(file, trusted=trusted)
        if form is onnx.FORMAT:
            return onnx.load(file)
        return cloudpickle.restore(file, doing=f"Unpickling {estimator or 'the estimator'}")
