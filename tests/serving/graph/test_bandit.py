"""Bandits learn: in simulations, across restarts, and only from what they were told."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from nbregistry.domain import graph as g
from nbregistry.errors import NotFound
from nbregistry.serving.graph.endpoint import GraphEndpoint
from nbregistry.serving.graph.state import State
from tests.serving.graph.leaves import Models, question

CHANCE = {"a": 0.2, "b": 0.5, "c": 0.35}


def endpoint(node: Any, state: State | None = None) -> GraphEndpoint:
    return GraphEndpoint(g.Graph(node, "ab"), Models(), state=state)


def simulated(node: Any, rounds: int, state: State | None = None, seed: int = 5) -> list[str]:
    """Ask and reward by chance; return the arms taken."""
    chances, taken = random.Random(seed), []
    found = endpoint(node, state)

    async def play() -> None:
        for i in range(rounds):
            answer = await found(question(f"r{i}"))
            arm = answer.routing["ab"]
            taken.append(arm)
            found.state.reward(f"r{i}", float(chances.random() < CHANCE[arm]))

    asyncio.run(play())
    return taken


@pytest.mark.parametrize(
    "node",
    [
        g.bandit({"a": "m/1", "b": "m/2", "c": "m/3"}, "thompson", seed=1),
        g.bandit({"a": "m/1", "b": "m/2", "c": "m/3"}, "epsilon-greedy", epsilon=0.3, decay=0.002, seed=1),
    ],
    ids=["thompson", "epsilon"],
)
def test_the_best_arm_is_found(node: g.Bandit) -> None:
    """After two thousand rewards nearly all requests go to the arm that pays best, and few were wasted."""
    taken = simulated(node, 2000)
    assert taken[-500:].count("b") > 400
    paid = sum(CHANCE[arm] for arm in taken)
    assert paid > 0.9 * 2000 * CHANCE["b"]


def test_epsilon_decides_how_much_is_tried() -> None:
    """With epsilon 1 arms are equally frequent; with epsilon 0 the best known is taken always."""
    arms = {"a": "m/1", "b": "m/2", "c": "m/3"}
    tried = simulated(g.bandit(arms, "epsilon_greedy", epsilon=1.0, seed=2), 900)
    assert all(240 < tried.count(arm) < 360 for arm in "abc")
    state = State()
    greedy = endpoint(g.bandit(arms, "epsilon_greedy", epsilon=0.0, seed=2), state)
    known = greedy.built.routed["ab"].remembered
    state.chosen("before", "ab", known["c"])
    state.reward("before", 1.0)

    async def play() -> set[str]:
        return {(await greedy(question(f"r{i}"))).routing["ab"] for i in range(50)}

    assert {"c"} == asyncio.run(play())


def test_the_same_seed_takes_the_same_arms() -> None:
    """A seeded bandit can be repeated."""
    node = g.bandit({"a": "m/1", "b": "m/2", "c": "m/3"}, seed=7)
    assert simulated(node, 200) == simulated(node, 200)


def test_what_was_learned_survives_a_restart(tmp_path: Path) -> None:
    """A server that starts again goes on with what was known; another model behind an arm begins anew."""
    arms = {"a": "m/1", "b": "m/2", "c": "m/3"}
    state = State(tmp_path / "s")
    simulated(g.bandit(arms, seed=1), 600, state)
    before = endpoint(g.bandit(arms), state).report()["arms"]["ab"]
    state.close()
    again = State(tmp_path / "s")
    after = endpoint(g.bandit(arms), again).report()["arms"]["ab"]
    assert before == after
    assert 600 == sum(arm["requests"] for arm in after.values())
    changed = endpoint(g.bandit({**arms, "b": "m/4"}), again).report()["arms"]["ab"]
    assert (before["a"], 0) == (changed["a"], changed["b"]["requests"])
    again.close()


def test_a_repeated_request_takes_its_arm_again() -> None:
    """A client that asks again under the same id, as after a lost connection, meets the same arm and counts once."""
    found = endpoint(g.bandit({"a": "m/1", "b": "m/2"}, "epsilon_greedy", epsilon=1.0, seed=3))

    async def play() -> set[str]:
        return {(await found(question("r1"))).routing["ab"] for _ in range(20)}

    assert 1 == len(asyncio.run(play()))
    assert 1 == sum(arm["requests"] for arm in found.report()["arms"]["ab"].values())


def test_feedback_reaches_every_node_on_the_way() -> None:
    """A reward counts for each choice that led to the answer: a split's arm, and the bandit's behind it."""
    bandit = g.bandit({"x": "m/1", "y": "m/2"}, seed=1)
    found = endpoint(g.split({"a": (bandit, 1.0), "b": ("m/3", 0.0)}))

    async def play() -> None:
        routing = (await found(question("r1"))).routing
        told = await found.feedback("r1", 1.0)
        assert {"id": "r1", "reward": 1.0, "counted": True, "routing": routing} == told
        assert not (await found.feedback("r1", 1.0))["counted"]
        with pytest.raises(NotFound, match="No request 'other' is remembered"):
            await found.feedback("other", 1.0)

    asyncio.run(play())
    arms = found.report()["arms"]
    assert 1.0 == arms["ab"]["a"]["mean_reward"]
    assert 1 == sum(arm["rewards"] for arm in arms["ab/a"].values())
    assert [(("ab", "ab", "a"), 1.0)] == [
        (tuple(labels), cell) for labels, cell in found.measures.reward.state() if labels[1] == "ab"
    ]


def test_a_graph_that_does_not_choose_takes_no_rewards() -> None:
    """Feedback for a plain chain or ensemble says that nothing there takes it."""
    found = endpoint(g.ensemble(["m/1", "m/2"]))
    with pytest.raises(NotFound, match="ab takes no rewards"):
        asyncio.run(found.feedback("r1", 1.0))
