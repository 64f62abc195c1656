"""What runs a batch: the model as it was registered, or its compiled twin that was proven equal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from nbregistry.errors import InvalidInput, RegistryError
from nbregistry.flavors import table as flavors
from nbregistry.flavors.answers import same
from nbregistry.flavors.boundary import foreign
from nbregistry.serving.intake import Intake
from nbregistry.serving.table import Shape, Table

METHODS = ("predict", "predict_proba", "decision_function", "transform", "score_samples")
"""What a model may be asked over the network; everything else that it can do is nobody's business there."""


class Engine(Protocol):
    """Runs rows through a model. Called from one thread only, never from the event loop's."""

    @property
    def kind(self) -> str:
        """``original`` or ``compiled``."""
        ...

    @property
    def methods(self) -> tuple[str, ...]:
        """What it can be asked, the default first."""
        ...

    def run(self, table: Table, method: str, params: Mapping[str, Any]) -> Any:
        """Return the outputs for a table.

        Returns
        -------
        ndarray, DataFrame, Series, sparse matrix or list
            As the model gives it; one entry a row on the first axis when the model is row-wise.
        """
        ...


class Original:
    """The model as it was registered.

    Parameters
    ----------
    model : object
        What ``Registry.load`` gave.
    flavor : str
        Whose model it is.
    intake : Intake
        Builds what the model takes.
    example : Table or None
        Rows to find out whether the model says the same about a bare array as about a data frame, which costs more to
        build than most models cost to run.
    """

    kind = "original"

    def __init__(self, model: Any, flavor: str, intake: Intake, example: Table | None = None) -> None:
        self.model = model
        self._flavor = flavors.flavor(flavor)
        self._intake = intake
        named = callable(getattr(model, "get_params", None)) or flavor in ("sklearn", "cloudpickle", "skops")
        own = tuple(m for m in METHODS if callable(getattr(model, m, None))) if named else ()
        self.methods = own or ("predict",)
        self._own = bool(own)
        self._bare = False
        self._bare = self._takes_arrays(example)

    @property
    def classes(self) -> Any:
        """The labels that the columns of ``predict_proba`` stand for; None where there are none."""
        return getattr(self.model, "classes_", None)

    def run(self, table: Table, method: str, params: Mapping[str, Any]) -> Any:
        """Ask the model."""
        if method not in self.methods:
            raise InvalidInput(f"This model has no {method!r}: it has {', '.join(self.methods)}.")
        rows = table.values if self._bare and table.shape is Shape.ARRAY else self._intake.to_model(table)
        return getattr(self.model, method)(rows) if self._own else self._flavor.predict(self.model, rows)

    def _takes_arrays(self, example: Table | None) -> bool:
        """Whether every method says the very same about the bare array."""
        if example is None or example.shape is not Shape.ARRAY or not self._own:
            return False
        try:
            with foreign("Asking the model about a bare array"):
                built = self._intake.to_model(example)
                if built is example.values:
                    return True
                return all(same(self.run(example, m, {}), getattr(self.model, m)(example.values)) for m in self.methods)
        except RegistryError:
            return False
