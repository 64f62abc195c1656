"""Registering graphs: parts are pinned, checked, and come back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nbregistry import Registry
from nbregistry import graph as g
from nbregistry.domain.graph_layout import UNITS
from nbregistry.domain.lifecycle import Status
from nbregistry.errors import NotFound, Refused, Untrusted
from nbregistry.flavors.trust import Keyring
from nbregistry.registry.pinning import graph_of


def ab(first: float = 0.9) -> g.Split:
    return g.split({"a": ("churn/1", first), "b": ("churn@challenger", 1 - first)})


def test_parts_are_pinned_with_their_digests(churn: Registry) -> None:
    """References become the versions they name now; moving the alias later does not change the graph."""
    challenger = churn.alias("churn/2", "challenger")
    made = churn.register(ab(), "churn-ab", note="spring")
    assert (Status.READY, "graph", "graph") == (made.status, made.flavor, made.format)
    churn.alias("churn/3", "challenger")
    found = churn.load("churn-ab")
    assert isinstance(found, g.Graph)
    assert ("churn-ab", ("churn/1", "churn/2")) == (found.name, found.refs())
    parts = [place.node for place in found.places() if isinstance(place.node, g.Model)]
    assert [("", churn.version("churn/1").digest), ("churn@challenger", challenger.digest)] == [
        (part.asked, part.digest) for part in parts
    ]


def test_it_takes_what_its_first_model_takes(r: Registry, model: Any, iris: tuple[Any, Any]) -> None:
    """Signature and example are those of the model that meets the rows first, and nobody asks for X=."""
    part = r.register(model, "churn", X=iris[0], y=iris[1])
    made = r.register(g.split({"a": "churn", "b": "churn"}), "ab")
    assert part.signature == made.signature
    assert part.files["example"] == made.files["example"]
    assert () == made.warnings


def test_a_missing_part_refuses(churn: Registry) -> None:
    """Nothing is registered when a reference names nothing; the message says which."""
    with pytest.raises(NotFound, match=r"The graph names churn@challenger, which is not there.*no alias 'challenger'"):
        churn.register(ab(), "churn-ab")
    assert [] == [m.name for m in churn.models() if m.name != "churn"]


def test_a_part_that_failed_refuses(churn: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that did not come back whole cannot be a part; nor can one in the trash, nor a graph."""

    class Forgetful:
        def predict(self, X: Any) -> Any:
            return X

        def __getstate__(self) -> dict[str, Any]:
            return {}

        def __setstate__(self, state: dict[str, Any]) -> None:
            raise ValueError("forgot")

    failed = churn.register(Forgetful(), "sieve")
    assert Status.FAILED is failed.status
    with pytest.raises(Refused, match=r"names sieve/1, and sieve/1 is FAILED: .*forgot"):
        churn.register(g.split({"a": "churn/1", "b": "sieve/1"}), "ab")
    churn.delete("churn/2", because="test")
    with pytest.raises(NotFound, match="in the trash"):
        churn.register(g.split({"a": "churn/1", "b": "churn/2"}), "ab")
    churn.register(g.split({"a": "churn/1", "b": "churn/3"}), "ab")
    with pytest.raises(Refused, match="is a graph itself"):
        churn.register(g.split({"a": "ab/1", "b": "churn/3"}), "abc")


def test_other_weights_move_only_whom_they_must(churn: Registry) -> None:
    """The next version of a graph is laid over the one before, so three arms keep their people."""
    arms = ("churn/1", "churn/2", "churn/3")
    for weights in ((0.5, 0.3, 0.2), (0.4, 0.3, 0.3)):
        churn.register(g.split(dict(zip("abc", zip(arms, weights, strict=True), strict=True))), "abc")
    root = churn.load("abc/2").root
    assert [("a", 4), ("c", 1), ("b", 3), ("c", 2)] == [(p.arm, p.units * 10 // UNITS) for p in root.layout]


def test_functions_are_captured_and_need_trust(
    churn: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A graph with a function of the notebook loads for its signer and nobody else; its parts can be seen by all."""
    factor = 3
    made = churn.register(g.chain(lambda rows: rows * factor, "churn/1"), "tripled")
    assert ("graph-cloudpickle", Status.READY) == (made.format, made.status)
    loaded = churn.load("tripled")
    assert isinstance(loaded, g.Graph)
    call = loaded.functions()["function"].call
    assert call is not None
    assert 6 == call(2)
    monkeypatch.setattr(Keyring, "is_trusted", lambda self, fingerprint: False)
    with pytest.raises(Untrusted):
        churn.load("tripled")
    shown = graph_of(churn.version("tripled"))
    assert shown is not None
    assert ("churn/1",) == shown.refs()


def test_a_function_of_a_cell_works_in_another_process(tmp_path: Path) -> None:
    """What a notebook defined is there in a process that never saw the cell."""
    place = tmp_path / "store"
    cell = """
from sklearn.linear_model import LinearRegression
from nbregistry import Registry, graph as g
r = Registry({place!r})
r.register(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), "line")
def clean(rows):
    return rows + 1
r.register(g.chain(clean, "line"), "cleaned")
"""
    other = """
from nbregistry import Registry
print(Registry({place!r}).load("cleaned").functions()["clean"].call(41))
"""
    told = [
        subprocess.run(
            [sys.executable, "-c", code.format(place=str(place))], check=True, capture_output=True, text=True
        )
        for code in (cell, other)
    ]
    assert "42" == told[1].stdout.strip()
