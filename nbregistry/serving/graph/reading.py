"""Graphs from text: our own shape and Seldon's, in YAML or JSON.

Text may come from anywhere, so nothing in it is more than data: no tags, no anchors that multiply, no depth and no size
beyond what a graph needs, and no key twice, of which readers would see one and programs the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nbregistry.domain.graph import Graph
from nbregistry.domain.graph_documents import Functions, from_document
from nbregistry.errors import InvalidInput
from nbregistry.flavors.boundary import library
from nbregistry.serving.graph import seldon

MOST_BYTES = 256 << 10
_DEEPEST = 64
_MOST_EVENTS = 50_000


def read_graph(
    source: str | Path, *, functions: Functions | None = None, models: Mapping[str, str] | None = None, name: str = ""
) -> Graph:
    """Read a graph.

    Parameters
    ----------
    source : str or Path
        The text itself, or a Path of a file.
    functions : mapping, optional
        Functions of the notebook that the text names (``function: prepare``).
    models : mapping, optional
        References for nodes of a ``SeldonDeployment`` that name an image or a model kept elsewhere, by node name.
    name : str
        What the graph is called where the text does not say.

    Raises
    ------
    nbregistry.errors.InvalidInput
        No graph; says where and what to write instead.
    """
    document = _document(_text(source))
    if seldon.is_deployment(document):
        graph = seldon.graph_of(document, models or {})
    else:
        if models:
            raise InvalidInput("models= is for a SeldonDeployment; in our own shape write the references themselves.")
        graph = from_document(document, functions or {})
    return graph.named(name) if name else graph


def _text(source: str | Path) -> str:
    if isinstance(source, str):
        data = source.encode("utf-8", "surrogatepass")
    elif isinstance(source, Path):
        try:
            with source.open("rb") as file:
                data = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise InvalidInput(f"The graph {source} cannot be read: {error.strerror or error}.") from None
    else:
        raise InvalidInput(f"A graph is read from text or from a Path, not from {type(source).__name__}.")
    if len(data) > MOST_BYTES:
        raise InvalidInput(f"A graph's text has at most {MOST_BYTES >> 10} KiB; this one is larger. Nothing was read.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput("A graph's text is UTF-8; this is something else.") from None


def _document(text: str) -> Any:
    if text.lstrip().startswith("{"):
        found = [_json(text)]
    else:
        found = [document for document in _yaml(text) if document is not None]
    deployments = [document for document in found if seldon.is_deployment(document)]
    graphs = deployments or [d for d in found if isinstance(d, Mapping) and "graph" in d]
    if len(graphs) > 1:
        raise InvalidInput(f"There are {len(graphs)} graphs in this text: give one at a time.")
    if not graphs:
        raise InvalidInput(
            "There is no graph in this text: it begins with `graph:` and its `root:`, or is a SeldonDeployment."
        )
    return graphs[0]


def _json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise InvalidInput("This JSON is nested deeper than a graph can be.") from None
    except json.JSONDecodeError as error:
        raise InvalidInput(f"This is no JSON: {error.msg}, line {error.lineno}, column {error.colno}.") from None


def _no_constant(text: str) -> Any:
    raise InvalidInput(f"{text} is no number of JSON.")


def _unique(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key, value in pairs:
        if key in found:
            raise InvalidInput(f"The key {str(key)[:80]!r} stands there twice: which one is meant?")
        found[key] = value
    return found


def _yaml(text: str) -> Iterator[Any]:
    yaml = library("yaml", extra="serve", purpose="Reading a graph from YAML")
    try:
        _looked_at(yaml, text)
        for node in yaml.compose_all(text, Loader=yaml.SafeLoader):
            yield _plain(yaml, node)
    except yaml.YAMLError as error:
        raise InvalidInput(f"This is no YAML: {_first_line(error)}") from None
    except (ValueError, OverflowError) as error:  # a date or number that is none
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"This YAML holds a value that is none: {str(error)[:100]}.") from None


def _looked_at(yaml: Any, text: str) -> None:
    """Refuse before anything is built what would take long, take room, or be more than data."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InvalidInput("Anchors and aliases (&a, *a) are not read in a graph: write it out.")
        tag = getattr(event, "tag", None)
        if tag is not None and (not tag.startswith("tag:yaml.org,2002:") or "python/" in tag):
            raise InvalidInput(f"The tag {str(tag)[:80]!r} is not read in a graph: leave it out.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST or number > _MOST_EVENTS:
            raise InvalidInput("This YAML is nested deeper, or has more in it, than a graph can have.")


def _plain(yaml: Any, node: Any) -> Any:
    """Return a node as plain data: texts, numbers, booleans, nothing; a date stays the text that it was."""
    if isinstance(node, yaml.MappingNode):
        return _unique((_plain(yaml, key), _plain(yaml, value)) for key, value in _hashable(yaml, node.value))
    if isinstance(node, yaml.SequenceNode):
        return [_plain(yaml, part) for part in node.value]
    kind = node.tag.rpartition(":")[2]
    if kind in {"int", "float", "bool", "null"}:
        return yaml.SafeLoader("").construct_object(node)
    return node.value


def _hashable(yaml: Any, pairs: Iterable[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    for key, value in pairs:
        if not isinstance(key, yaml.ScalarNode):
            raise InvalidInput("A key of a graph is text.")
        yield key, value


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
    return f"{getattr(error, 'problem', None) or str(error).splitlines()[0]}{where}."[:300]
