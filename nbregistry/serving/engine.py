"""What runs a batch: the model as it was registered, or its compiled twin that was proven equal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from nbregistry.serving.table import Table


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
