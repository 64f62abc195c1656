"""Graphs that are served: registered ones follow their reference, others follow the references of their parts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nbregistry import Registry
from nbregistry.domain import graph as g
from nbregistry.errors import NotFound
from nbregistry.serving.following import Following
from nbregistry.serving.live import Terms
from nbregistry.serving.node import Batch

X = np.arange(20.0).reshape(10, 2)


class Constant:
    """Answers every row with the same number."""

    def __init__(self, number: float) -> None:
        self.number = number
        self.n_features_in_ = 2

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.number)


@pytest.fixture
def r(tmp_path: Path) -> Registry:
    registry = Registry(tmp_path / "store")
    for number in (1, 2, 3):
        registry.register(Constant(number), "churn", X=X, y=np.zeros(10))
    registry.alias("churn/1", "champion")
    registry.register(g.Graph(g.split({"a": ("churn/1", 1.0), "b": ("churn/2", 0.0)})), "ab", X=X)
    registry.alias("ab/1", "live")
    return registry


def served(
    r: Registry, body: Callable[[Following], Coroutine[Any, Any, None]], *refs: str, graphs: tuple[g.Graph, ...] = ()
) -> None:
    async def main() -> None:
        following = Following(Registry(r.settings.uri, read_only=True), Terms(compile=False))
        await following.start(refs, graphs)
        try:
            await body(following)
        finally:
            await following.close(5)

    asyncio.run(main())


async def ask(endpoint: Any, id: str = "1") -> tuple[float, list[str]]:
    answer = await endpoint(Batch(endpoint.intake.from_array(X[:1]), id=id))
    return float(answer.outputs[0]), [by.ref for by in answer.by]


async def until(true: Callable[[], Any], seconds: float = 5.0) -> None:
    since = time.monotonic()
    while not true():
        assert time.monotonic() - since < seconds
        await asyncio.sleep(0.005)


def test_registered_graph_answers_with_its_pinned_parts(r: Registry) -> None:
    """A graph's version goes on asking the versions it was registered with, whatever aliases do."""

    async def body(following: Following) -> None:
        endpoint = following.find("ab")
        assert endpoint.ready
        value, by = await ask(endpoint)
        assert (1.0, "churn/1") == (value, by[0])
        r.alias("churn/3", "champion")
        assert 1.0 == (await ask(endpoint))[0]
        assert {"churn/1", "churn/2"} == {part["ref"] for part in endpoint.metadata()["parts"]}

    served(r, body, "ab@live")


def test_promoted_graph_takes_over_and_lets_go_of_old_parts(r: Registry) -> None:
    """Moving the alias to the next version of the graph swaps it, and parts nobody needs any more are dropped."""

    async def body(following: Following) -> None:
        endpoint = following.find("ab", "@live")
        r.register(g.Graph(g.split({"a": ("churn/1", 0.0), "b": ("churn/3", 1.0)})), "ab", X=X)
        r.alias("ab/2", "live")
        await until(lambda: endpoint.version.number == 2)
        value, by = await ask(endpoint)
        assert (3.0, "churn/3") == (value, by[0])
        assert {"churn/1", "churn/3"} == set(following._leaves)
        assert endpoint is following.find("ab", "2")

    served(r, body, "ab@live")


def test_graph_whose_part_cannot_be_loaded_is_not_swapped_in(r: Registry) -> None:
    """A next version that would not answer is told as trouble; nothing that is asked meanwhile fails."""

    async def body(following: Following) -> None:
        endpoint = following.find("ab")
        r.register(g.Graph(g.split({"a": ("churn/3", 1.0), "b": ("churn/2", 0.0)})), "ab", X=X)
        path = r.core.store.blobs.path(r.version("ab/2").digest)
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-1])
        r.alias("ab/2", "live")
        await until(lambda: "SHA-256" in endpoint.trouble)
        assert 1.0 == (await ask(endpoint))[0]

    served(r, body, "ab@live")


def test_graph_that_is_not_registered_follows_its_parts(r: Registry) -> None:
    """A graph written in a cell asks whatever its references mean at the moment."""
    graph = g.Graph(g.ensemble(["churn@champion", "churn/3"], combine="mean"), name="both")

    async def body(following: Following) -> None:
        endpoint = following.find("both")
        assert 2.0 == (await ask(endpoint))[0]
        r.alias("churn/2", "champion")
        leaf = following._leaves["churn@champion"]
        await until(lambda: leaf.by is not None and leaf.by.number == 2)
        assert 2.5 == (await ask(endpoint))[0]

    served(r, body, graphs=(graph,))


def test_parts_that_are_offered_themselves_outlive_the_graph(r: Registry) -> None:
    """Unloading a graph keeps what is served by its own name, and unloading that keeps what a graph needs."""

    async def body(following: Following) -> None:
        await following.unload("ab")
        with pytest.raises(NotFound):
            following.find("ab")
        assert {"churn/1"} == set(following._leaves)
        await following.load("ab@live")
        await following.unload("churn")
        assert 1.0 == (await ask(following.find("ab")))[0]

    served(r, body, "churn/1", "ab@live")


def test_rewards_survive_a_restart(r: Registry) -> None:
    """What a bandit learned is there when its server starts again; each request is rewarded once."""
    graph = g.Graph(g.bandit({"a": "churn/1", "b": "churn/2"}), name="learner")

    async def learn(following: Following) -> None:
        endpoint = following.find("learner")
        for i in range(20):
            await ask(endpoint, f"request-{i}")
            assert (await endpoint.feedback(f"request-{i}", 1.0))["counted"]
        assert not (await endpoint.feedback("request-3", 1.0))["counted"]

    async def again(following: Following) -> None:
        endpoint = following.find("learner")
        (arms,) = endpoint.report()["arms"].values()
        assert 20 == sum(arm["rewards"] for arm in arms.values())
        assert not (await endpoint.feedback("request-3", 1.0))["counted"]

    served(r, learn, graphs=(graph,))
    served(r, again, graphs=(graph,))
