"""A graph on its way into the registry: its parts become exact versions, and it takes what its first model takes."""

from __future__ import annotations

from dataclasses import replace

from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.graph import Graph, Model, Pin
from nbregistry.domain.graph_documents import from_document
from nbregistry.domain.graph_nodes import KINDS
from nbregistry.domain.lifecycle import Status
from nbregistry.domain.refs import Ref
from nbregistry.errors import NotFound, Refused, RegistryError
from nbregistry.registry.core import Core
from nbregistry.types import Digest

FLAVOR = "graph"


def pinned(core: Core, model: object, name: str) -> object:
    """Return a graph with its parts pinned and its splits laid over those of the version before, anything else as is.

    Raises
    ------
    nbregistry.errors.NotFound
        A part is not there.
    nbregistry.errors.Refused
        A part is not ready, or is a graph itself.
    """
    if not isinstance(model, (Graph, *KINDS)):
        return model
    graph = replace(model if isinstance(model, Graph) else Graph(model), name=name)  # type: ignore[arg-type]  # a node
    found = graph.pinned(lambda ref: _pin(core, ref))
    before = _before(core, name)
    return found if before is None else found.following(before)


def _pin(core: Core, ref: str) -> Pin:
    try:
        view = core.view()
        version = core.version(view, core.locate(view, ref))
    except NotFound as error:
        raise NotFound(f"The graph names {ref}, which is not there. {error}") from None
    if version.status is not Status.READY:
        why = version.status_reason or "no reason kept"
        raise Refused(f"The graph names {ref}, and {version.ref} is {version.status}: {why}. Nothing was registered.")
    if version.flavor == FLAVOR:
        raise Refused(f"The graph names {version.ref}, which is a graph itself: write its nodes here instead.")
    return Pin(version.ref, version.digest)


def _before(core: Core, name: str) -> Graph | None:
    """Return the newest ready graph of that name; without its functions, which nothing here needs."""
    try:
        view = core.view()
        version = core.version(view, core.locate(view, Ref(name)))
    except NotFound:
        return None
    return graph_of(version)


def graph_of(version: ModelVersion) -> Graph | None:
    """Return the graph that a version is, without its functions and so without running code; None for any other."""
    told = version.details(FLAVOR) if version.flavor == FLAVOR else {}
    try:
        return from_document(told) if told else None
    except RegistryError:  # by a newer program, or altered: it is only looked at here
        return None


def inherited(core: Core, graph: Graph) -> dict[str, Digest]:
    """Return the signature and example of the model that meets the rows first, as captured files."""
    first = next(place.node for place in graph.places() if isinstance(place.node, Model))
    view = core.view()
    files = core.version(view, core.locate(view, first.ref)).files
    return {name: files[name] for name in ("signature", "example") if name in files}
