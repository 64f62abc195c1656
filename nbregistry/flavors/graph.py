"""Graphs of models: plain JSON, or a pickle where functions of the notebook belong to them.

Neither holds a model: the parts are versions of their own, which the graph names. The JSON is data and loads from
anybody; functions are code, so their pickle needs a signer whom the reader trusts, as every pickle does.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, BinaryIO

from nbregistry.domain.commits import canonical
from nbregistry.domain.graph import Graph
from nbregistry.domain.graph_documents import as_document, from_document
from nbregistry.domain.graph_nodes import KINDS
from nbregistry.errors import Damaged, InvalidInput
from nbregistry.flavors import cloudpickle
from nbregistry.flavors.advice import globals_in
from nbregistry.flavors.boundary import foreign
from nbregistry.flavors.protocol import Format, Params, expect, format_of

PLAIN = Format("graph", safe=True, magic=b'{"graph":', suffix=".json")
PICKLED = Format("graph-cloudpickle", safe=False, magic=b"\x80\x05", suffix=".pkl")

MOST_BYTES = 1 << 20


class GraphFlavor:
    """``nbregistry.graph.Graph``, and single nodes of it."""

    name = "graph"
    formats = (PLAIN, PICKLED)

    def matches(self, model: object) -> bool:
        """Whether it is a graph, or a node of one."""
        return isinstance(model, (Graph, *KINDS))

    def default(self, model: object) -> str:
        """JSON, unless functions belong to it."""
        return (PICKLED if _graph(model).functions() else PLAIN).name

    def describe(self, model: object) -> str:
        """Return one name for all of them."""
        return "nbregistry.graph.Graph"

    def params(self, model: object) -> Params:
        """A graph's parameters are the graph itself, which is kept whole."""
        return Params({}, ())

    def is_fitted(self, model: object) -> bool | None:
        """Its parts are."""
        return None

    def predict(self, model: object, X: object) -> object:
        """Say nothing: a graph has no models in it, only their names. It is served, and then it answers."""
        return None

    def save(self, model: object, file: BinaryIO, format: str, *, example: object | None = None) -> None:
        """Write the document; beside it, where the format is a pickle, the functions."""
        graph = _graph(model)
        document, functions = as_document(graph), {name: f.call for name, f in graph.functions().items()}
        if format_of(self, format) is PICKLED:
            cloudpickle.dump({"document": document, "functions": functions}, file)
            return
        if functions:
            raise InvalidInput(
                f"JSON holds no code, and the function {next(iter(functions))!r} belongs to this graph: use"
                f" format={PICKLED.name!r}."
            )
        file.write(canonical(document))

    def audit(self, file: BinaryIO, format: str) -> tuple[str, ...]:
        """Nothing is looked up by name in JSON; a pickle's globals are advice."""
        return () if expect(self, file, format) is PLAIN else globals_in(file)

    def load(self, file: BinaryIO, format: str, *, estimator: str = "", trusted: Collection[str] = ()) -> object:
        """Read the document, and unpickle the functions where there are some."""
        if expect(self, file, format) is PLAIN:
            return _read(_parsed(file.read(MOST_BYTES + 1)), {})
        found = cloudpickle.restore(file, doing="Unpickling the graph's functions")
        if not isinstance(found, Mapping) or {*found} != {"document", "functions"}:
            raise Damaged("This pickle holds no graph.")
        return _read(found["document"], found["functions"])


def _graph(model: object) -> Graph:
    return model if isinstance(model, Graph) else Graph(model)  # type: ignore[arg-type]  # it says what else it is


def _parsed(data: bytes) -> Any:
    if len(data) > MOST_BYTES:
        raise Damaged(f"This graph is larger than {MOST_BYTES >> 20} MiB: nothing was loaded.")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"This graph is no JSON ({type(error).__name__}): nothing was loaded.") from None


def _read(document: Any, functions: Mapping[str, Any]) -> Graph:
    try:
        with foreign("Reading the graph"):
            return from_document(document, functions)
    except InvalidInput as error:
        raise Damaged(f"This is no graph as it was stored: {error}") from None
