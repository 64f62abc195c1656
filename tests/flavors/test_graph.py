"""Graphs as bytes: JSON from anybody, functions only from a trusted signer."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import pytest

from nbregistry.domain import graph as g
from nbregistry.errors import Damaged, InvalidInput, Untrusted
from nbregistry.flavors import opening, table
from nbregistry.flavors.graph import GraphFlavor
from nbregistry.flavors.trust import Keyring
from tests.flavors.canaries import Canary

PLAIN = g.Graph(g.split({"a": ("churn/1", 0.5), "b": ("churn/2", 0.5)}), "ab")


def double(rows: Any) -> Any:
    return rows * 2


WITH_FUNCTION = g.Graph(g.chain(double, "churn/1"), "doubled")


def stored(graph: g.Graph) -> io.BytesIO:
    flavor, file = GraphFlavor(), io.BytesIO()
    flavor.save(graph, file, flavor.default(graph))
    file.seek(0)
    return file


def load(file: io.BytesIO, keyring: Keyring, format: str, **about: Any) -> object:
    origin = opening.Origin(subject="ab/1", **about)
    return opening.load(file, flavor="graph", format=format, origin=origin, keyring=keyring)


def test_graphs_and_their_nodes_have_their_own_flavor() -> None:
    """A graph, and a node alone, are kept as graphs."""
    assert ["graph", "graph"] == [table.flavor_of(PLAIN).name, table.flavor_of(PLAIN.root).name]
    assert ["graph", "graph-cloudpickle"] == [GraphFlavor().default(m) for m in (PLAIN, WITH_FUNCTION)]


def test_json_loads_from_anybody(keyring: Keyring) -> None:
    """A graph without functions is data: it loads although nobody signed it."""
    assert PLAIN == load(stored(PLAIN), keyring, "graph")


def test_functions_need_a_trusted_signer(keyring: Keyring) -> None:
    """A graph with functions runs code: unsigned it is refused, signed by oneself it comes back and works."""
    with pytest.raises(Untrusted):
        load(stored(WITH_FUNCTION), keyring, "graph-cloudpickle")
    found = load(stored(WITH_FUNCTION), keyring, "graph-cloudpickle", signer=keyring.fingerprint, vouched=True)
    assert isinstance(found, g.Graph)
    assert WITH_FUNCTION.refs() == found.refs()
    call = found.functions()["double"].call
    assert call is not None
    assert 6 == call(3)


def test_json_refuses_functions() -> None:
    """Asked for JSON, a graph with functions says why not."""
    with pytest.raises(InvalidInput, match=r"'double' belongs to this graph: use format='graph-cloudpickle'"):
        GraphFlavor().save(WITH_FUNCTION, io.BytesIO(), "graph")


@pytest.mark.parametrize(
    "data",
    [b'{"graph":', b'{"graph":{"root":"s3://x"}}', b'{"graph":' + b"[" * 200_000, b'{"graph":"' + b"x" * (1 << 20),
     b'{"graph":{"root":{"chain":{"before":[{"function":"system"}],"main":"churn"}}}}'],
    ids=["cut", "url", "deep", "long", "function"],
)  # fmt: skip
def test_broken_json_is_damaged(data: bytes, keyring: Keyring) -> None:
    """Cut, deep, large or senseless JSON is refused with words."""
    with pytest.raises(Damaged):
        load(io.BytesIO(data), keyring, "graph")


def test_a_pickle_is_never_read_as_json(tmp_path: Path, keyring: Keyring) -> None:
    """A pickle declared to be the safe format is refused before any loader sees it."""
    data = pickle.dumps(Canary(tmp_path / "ran"), protocol=5)
    with pytest.raises(Damaged, match="declared to be graph, but are a pickle"):
        load(io.BytesIO(data), keyring, "graph")
    assert not (tmp_path / "ran").exists()
