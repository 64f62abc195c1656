"""Graphs written in a cell: what they are, what is refused, and how they come back."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest

from nbregistry.domain import graph as g
from nbregistry.domain.commits import canonical
from nbregistry.domain.graph_documents import as_document, from_document
from nbregistry.errors import InvalidInput, NewerFormat, NotFound

DIGEST = "ab" * 32


def prepare(rows: Any) -> Any:
    return rows


def finish(outputs: Any) -> Any:
    return outputs


def everything() -> g.Graph:
    """A graph with a node of each kind."""
    inner = g.chain(prepare, g.model("scaler/2", method="transform"), "churn/3", finish)
    root = g.split(
        {
            "a": (g.shadow(inner, "churn/4", share=0.5, redact=["ssn"]), 0.5),
            "b": (g.canary("churn/3", "churn/4", ramp=[(0, 0.05), ("1h", 0.25), ("1d", 1)], timeout=2), 0.3),
            "c": (g.ensemble({"x": "churn/1", "y": ("churn/2", 2.0)}, combine=max), 0.1),
            "d": (g.bandit(["churn/1", "churn/2"], "epsilon-greedy", epsilon=0.2, decay=0.01, seed=3), 0.1),
        },
        salt="spring",
    )
    return g.Graph(root, "churn-ab")


def test_the_short_way_of_writing_it() -> None:
    """Texts are models, tuples carry weights, and the parts can be read off."""
    found = g.split({"a": ("churn/3", 0.9), "b": ("models:/churn@challenger", 0.1)})
    assert g.Split((g.Arm("a", g.Model("churn/3"), 0.9), g.Arm("b", g.Model("churn@challenger"), 0.1))) == found
    assert ("churn/3", "churn@challenger") == g.Graph(found).refs()
    assert {"a": 0.5, "b": 0.5} == g.split({"a": "x", "b": "y"}).weights


def test_paths_are_made_of_slots() -> None:
    """Each node has one path, that of its parent and its own place; a name that comes twice is numbered."""
    graph = g.Graph(g.split({"a": ("churn/3", 0.9), "b": (g.chain("scale", prepare, "scale", finish), 0.1)}), "ab")
    found = [place.path for place in graph.places()]
    assert ["ab", "ab/a", "ab/b", "ab/b/scale", "ab/b/prepare", "ab/b/scale-2", "ab/b/finish"] == found
    paths = [place.path for place in everything().places()]
    assert len(set(paths)) == len(paths)


def test_a_chain_finds_who_answers() -> None:
    """The last node that is no function answers; functions behind it see its outputs."""
    found = g.chain(prepare, "scaler", "churn", finish, after=[prepare])
    assert g.Model("churn") == found.main
    assert ["prepare", g.Model("scaler")] == [getattr(n, "name", n) for n in found.before]
    assert [finish, prepare] == [n.call for n in found.after if isinstance(n, g.Function)]


def test_documents_come_back() -> None:
    """A graph with every kind of node is the same after JSON, and its bytes begin with what the format promises."""
    graph = everything()
    data = canonical(as_document(graph))
    assert data.startswith(b'{"graph":')
    assert graph == from_document(json.loads(data), {n: f.call for n, f in graph.functions().items() if f.call})
    assert graph.refs() == from_document(json.loads(data)).refs()


def test_order_of_arms_survives_sorted_keys() -> None:
    """The order decides how arms lie and who wins a tie, so sorting a document's keys must not change it."""
    graph = g.Graph(g.split({"z": ("churn/1", 0.5), "a": ("churn/2", 0.5)}))
    again = from_document(json.loads(json.dumps(as_document(graph), sort_keys=True)))
    assert graph == again


def test_what_people_write() -> None:
    """Arms by name with the model beside the weight, references alone, and times with units are read."""
    told = {"graph": {"root": {"split": {"arms": {
        "a": {"weight": 0.75, "model": "churn/3"},
        "b": {"weight": 0.25, "canary": {"stable": "churn/3", "canary": "churn/4", "ramp": [[0, 0.1], ["10m", 1]]}},
    }}}}}  # fmt: skip
    ramp = g.canary("churn/3", "churn/4", ramp=[(0, 0.1), (600, 1)])
    assert g.Graph(g.split({"a": ("churn/3", 0.75), "b": (ramp, 0.25)})) == from_document(told)
    assert g.Graph(g.model("churn/3")) == from_document({"graph": {"root": "churn/3"}})


def deep(levels: int) -> Any:
    node: Any = "churn/1"
    for _ in range(levels):
        node = g.Shadow(node if isinstance(node, g.Shadow) else g.Model(node), g.Model("churn/2"))
    return node


WRONG = {
    "weights": (lambda: g.split({"a": ("x", 0.9), "b": ("y", 0.2)}), r"add up to 1; these give 0.9 \+ 0.2 = 1.1"),
    "negative": (lambda: g.split({"a": ("x", 1.5), "b": ("y", -0.5)}), "'b' is a number from 0 up, not -0.5"),
    "nan": (lambda: g.split({"a": ("x", math.nan), "b": ("y", 0.5)}), "number from 0 up, not nan"),
    "half": (lambda: g.split({"a": ("x", 0.9), "b": "y"}), "'b' has no weight, others have"),
    "one arm": (lambda: g.split({"a": "x"}), "2 to 64 arms, not 1"),
    "list": (lambda: g.split("churn"), "by name, as in"),  # type: ignore[arg-type]  # that is the mistake
    "name": (lambda: g.split({"a b": "x", "c": "y"}), "'a b' cannot be the name"),
    "twice": (lambda: g.Split((g.Arm("a", g.Model("x"), 0.5), g.Arm("a", g.Model("y"), 0.5))), "called 'a'"),
    "reference": (lambda: g.split({"a": "churn//3", "b": "y"}), "neither a version number nor a stage"),
    "url": (lambda: g.model("s3://bucket/model"), "cannot be a model's name"),
    "object": (lambda: g.split({"a": type("Ridge", (), {"predict": 0, "fit": len})(), "b": "y"}), "register it"),
    "function": (lambda: g.split({"a": prepare, "b": "y"}), r"g\.chain\(prepare, 'churn/3'\)"),
    "only functions": (lambda: g.chain(prepare, finish), "A chain needs a model"),
    "alone": (lambda: g.chain("churn"), "chain of one node"),
    "ramp": (lambda: g.canary("x", "y", ramp=[(10, 0.1)]), "begins at 0 seconds"),
    "back": (lambda: g.canary("x", "y", ramp=[(0, 0.1), (5, 0.2), (5, 0.3)]), "goes forward in time"),
    "ramp text": (lambda: g.canary("x", "y", ramp=[("soon", 0.1)]), "'soon' is no time"),
    "neither": (lambda: g.canary("x", "y"), "one of the two"),
    "share": (lambda: g.shadow("x", "y", share=2), "from 0 to 1, not 2"),
    "combine": (lambda: g.ensemble(["x", "y"], "meen"), "did you mean 'mean'"),
    "policy": (lambda: g.bandit(["x", "y"], "tompson"), "did you mean 'thompson'"),
    "bandit weights": (lambda: g.bandit({"a": ("x", 0.5), "b": ("y", 0.5)}), "leave them out"),
    "timeout": (lambda: g.model("x", timeout=-1), "seconds above 0"),
    "method": (lambda: g.model("x", method="predict_prob"), "did you mean 'predict_proba'"),
    "two functions": (
        lambda: g.Graph(g.chain(lambda X: X, g.chain(lambda X: X + 1, "x"))),
        "Two functions are called 'function'",
    ),
    "graph of a function": (lambda: g.Graph(g.function(prepare)), "not in its place"),
    "deep": (lambda: g.Graph(deep(16)), "at most 16 nodes deep"),
    "many": (
        lambda: g.Graph(g.ensemble([g.ensemble([f"m{i}-{j}" for j in range(60)]) for i in range(5)])),
        "at most 256 nodes",
    ),
    "no node": (lambda: g.Graph(7), "not int"),  # type: ignore[arg-type]  # that is the mistake
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_mistakes_are_told(wrong: str) -> None:
    """Each mistake is refused with what was found and what to write."""
    make, told = WRONG[wrong]
    with pytest.raises(InvalidInput, match=told):
        make()


HOSTILE = {
    "no mapping": (["x"], "the document: expected names with values, found list"),
    "nothing": ({}, "graph: expected names with values"),
    "unknown key": ({"graph": {"rot": "churn"}}, "'rot' is not known here, did you mean 'root'"),
    "unknown kind": ({"graph": {"root": {"splitt": {}}}}, "did you mean 'split'"),
    "two kinds": ({"graph": {"root": {"model": "x", "split": {}}}}, "a node is a reference"),
    "arms": ({"graph": {"root": {"split": {"arms": 3}}}}, r"graph\.root\.split\.arms"),
    "inner": (
        {"graph": {"root": {"split": {"arms": {"a": {"weight": 1, "model": "no/such/ref"}, "b": "x"}}}}},
        r"graph\.root\.split\.arms\[0\]\.node\.model: 'such/ref'",
    ),
    "weight": ({"graph": {"root": {"split": {"arms": {"a": {"weight": "1", "model": "x"}, "b": "x"}}}}}, "not '1'"),
    "layout": ({"graph": {"root": {"split": {"arms": {"a": {"weight": 1, "model": "x"}, "b": {"weight": 0,
               "model": "x"}}, "layout": [["c", 5]]}}}}, "names its arms"),
    "format": ({"graph": {"root": "x"}, "graph_format": "1"}, "no format of graphs"),
    "function": ({"graph": {"root": {"chain": {"before": [{"function": "os.system"}], "main": "x"}}}},
                 r"no function 'os\.system'.* written in Python"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", HOSTILE, ids=str)
def test_documents_are_not_believed(wrong: str) -> None:
    """What is not a graph is refused by the path of what is wrong."""
    told, expected = HOSTILE[wrong]
    with pytest.raises(InvalidInput, match=expected):
        from_document(told, {})


def test_a_deep_document_is_refused_before_the_stack_ends() -> None:
    """Ten thousand levels are an error in words."""
    told: Any = "churn"
    for _ in range(10_000):
        told = {"shadow": {"main": told, "shadow": "churn"}}
    with pytest.raises(InvalidInput, match="at most 16 nodes deep"):
        from_document({"graph": {"root": told}})


def test_a_newer_document_is_refused() -> None:
    """What a newer program wrote is not guessed at."""
    with pytest.raises(NewerFormat):
        from_document({"graph": {"root": "churn"}, "graph_format": 2})


def test_pinning_keeps_what_was_asked() -> None:
    """Each reference becomes an exact version with its digest; pinned twice it is the same."""

    def resolve(ref: str) -> g.Pin:
        if ref.startswith("gone"):
            raise NotFound("No model 'gone'.")
        return g.Pin("churn/7" if "@" in ref else ref, DIGEST)

    graph = g.Graph(g.split({"a": ("churn/3", 0.9), "b": ("churn@challenger", 0.1)}))
    pinned = graph.pinned(resolve)
    expected = [g.Model("churn/3", digest=DIGEST), g.Model("churn/7", digest=DIGEST, asked="churn@challenger")]
    assert expected == [p.node for p in pinned.places()][1:]
    assert pinned == pinned.pinned(resolve)
    with pytest.raises(NotFound):
        g.Graph(g.model("gone/1")).pinned(resolve)
    with pytest.raises(InvalidInput, match="other bytes"):
        pinned.pinned(lambda ref: g.Pin(ref, "cd" * 32))


def test_drawings_hold_names_only() -> None:
    """Text and Mermaid show every node, and nothing in them could be markup."""
    graph = everything()
    text = repr(graph)
    assert [*graph.places()][-1].node.ref in text  # type: ignore[union-attr]  # the last one is a model
    assert len([*graph.places()]) == len(text.splitlines())
    assert "├─ a (50%): shadow of 50% of the requests" in text
    assert "canary, 5% then 25% after 1 h then 100% after 1 d" in text
    drawing = graph.mermaid()
    assert len([*graph.places()]) == len(re.findall(r"^  n\d+[\[(]", drawing, re.MULTILINE))
    assert not re.search(r"[<&`]|script|\bclick\b", drawing)


def test_the_weight_of_a_canary_at_each_time() -> None:
    """Steps hold from their second on; before the start it is the first one."""
    found = g.canary("x", "y", ramp=[(0, 0.05), ("1h", 0.25), ("1d", 1.0)])
    times = [-5, 0, 3599.9, 3600, 86_399, 86_400, 1e9]
    assert [0.05, 0.05, 0.05, 0.25, 0.25, 1.0, 1.0] == [found.weight_at(t) for t in times]
