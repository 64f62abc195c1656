"""Nodes that send each request down one arm: splits, canaries, bandits.

An arm that fails is an answer that fails. No other arm is asked instead: the arms would not be compared fairly any
more, and a broken newcomer would go unnoticed.
"""

from __future__ import annotations

import hashlib
import random
import secrets
from collections.abc import Mapping
from typing import Any

from nbregistry.domain.commits import canonical
from nbregistry.domain.graph_documents import node_document
from nbregistry.domain.graph_layout import Line, laid
from nbregistry.domain.graph_nodes import Bandit, Canary, Node, Policy, Split
from nbregistry.serving.graph.parts import Part, Setting
from nbregistry.serving.graph.state import State
from nbregistry.serving.node import Batch
from nbregistry.types import Document


def identity(node: Node) -> str:
    """Return a few digits that change when a node does: what is remembered of an arm belongs to what is behind it."""
    return hashlib.blake2b(canonical(node_document(node)), digest_size=4).hexdigest()


def _key(batch: Batch, *, sticky: bool) -> str:
    """Return what decides; a request without any id is placed at random."""
    return (batch.key if sticky else "") or batch.id or secrets.token_hex(8)


class Routed:
    """Arms and who chooses among them.

    Parameters
    ----------
    choose : Splitting, Ramping or Learning
        Names the arm for a request.
    """

    def __init__(self, path: str, arms: Mapping[str, tuple[Node, Part]], choose: Choice, setting: Setting) -> None:
        self._path, self._choose, self._state = path, choose, setting.state
        self._parts = {name: part for name, (_, part) in arms.items()}
        self.remembered = {name: f"{name}.{identity(node)}" for name, (node, _) in arms.items()}
        self._names = {remembered: name for name, remembered in self.remembered.items()}
        self._cells = {name: setting.measures.routed.labels(setting.name, path, name) for name in arms}

    @property
    def methods(self) -> tuple[str, ...]:
        """What all arms can be asked, in the order of the first."""
        return shared([part.methods for part in self._parts.values()])

    def told(self, answer: Batch) -> dict[str, Any]:
        """Return the arm taken."""
        return {"route": answer.routing[self._path]}

    async def __call__(self, batch: Batch) -> Batch:
        """Send the request down its arm."""
        arm = self._arm(batch)
        batch.routing[self._path] = arm
        self._cells[arm].inc()
        return await self._parts[arm](batch)

    def _arm(self, batch: Batch) -> str:
        # A request that is repeated under its id, as after a lost connection, takes the arm it took.
        before = self._names.get(self._state.decided(batch.id, self._path)) if self._choose.learns else None
        arm = before or self._choose.arm(batch)
        self._state.chosen(batch.id, self._path, self.remembered[arm])
        return arm

    def arm_of(self, remembered: str) -> str:
        """Return an arm's name by what it is remembered as; empty when it is not one of these."""
        return self._names.get(remembered, "")

    def standing(self) -> Document:
        """Return what came of each arm: requests, rewards and their mean."""
        weights = self._choose.weights()
        found: Document = {}
        for name, remembered in self.remembered.items():
            tally = self._state.tally(self._path, remembered)
            mean = tally.mean if tally.rewarded else None
            found[name] = {"requests": tally.pulls, "rewards": tally.rewarded, "mean_reward": mean}
            if name in weights:
                found[name]["weight"] = weights[name]
        return found


class Splitting:
    """Arms by weight, sticky by key."""

    learns = False

    def __init__(self, node: Split, path: str) -> None:
        self._node = node
        self._line = Line(node.layout or laid(node.weights), node.salt or path)

    def arm(self, batch: Batch) -> str:
        """Return the arm that the request's key lies on."""
        return self._line.arm(_key(batch, sticky=self._node.sticky))

    def weights(self) -> dict[str, float]:
        """Return the weight of each arm."""
        return self._node.weights


class Ramping:
    """A canary whose weight follows its schedule, from the time when it was first served.

    The line gives the canary its first units, so that who met it keeps meeting it while the weight grows.
    """

    learns = False

    def __init__(self, node: Canary, path: str, state: State) -> None:
        self._node, self._state = node, state
        self._key = f"{path}.{identity(node)}"
        self._salt = node.salt or path
        self._line, self._weight = Line(laid({"stable": 1.0}), self._salt), 0.0

    def weight(self) -> float:
        """Return the canary's weight now."""
        start = self._node.start if self._node.start is not None else self._state.started(self._key)
        return self._node.weight_at(self._state.now() - start)

    def arm(self, batch: Batch) -> str:
        """Return where the request's key lies as the weight is now."""
        weight = self.weight()
        if weight != self._weight:
            self._line = Line(laid({"canary": weight, "stable": 1 - weight}), self._salt)
            self._weight = weight
        return self._line.arm(_key(batch, sticky=self._node.sticky))

    def weights(self) -> dict[str, float]:
        """Return the weights as they are now."""
        weight = self.weight()
        return {"stable": 1 - weight, "canary": weight}


class Learning:
    """A bandit: what came of the arms decides.

    Sources: Thompson, Biometrika 25 (1933), with the Beta prior of Chapelle and Li (2011);
    a reward between 0 and 1 counts in part. Epsilon-greedy as in Sutton and Barto (2018), 2.2.
    """

    learns = True

    def __init__(self, node: Bandit, path: str, state: State) -> None:
        self._node, self._path, self._state = node, path, state
        self._remembered = {arm.name: f"{arm.name}.{identity(arm.node)}" for arm in node.arms}
        self._random = random.Random(node.seed)  # noqa: S311  chances, not secrets

    def arm(self, batch: Batch) -> str:
        """Return the arm that the policy takes now."""
        tallies = {name: self._state.tally(self._path, known) for name, known in self._remembered.items()}
        if self._node.policy is Policy.THOMPSON:
            draw = self._random.betavariate
            values = {
                name: draw(1 + tally.reward, 1 + tally.rewarded - tally.reward) for name, tally in tallies.items()
            }
            return max(values, key=values.__getitem__)
        pulls = sum(tally.pulls for tally in tallies.values())
        if self._random.random() < self._node.epsilon / (1 + self._node.decay * pulls):
            return self._random.choice(list(tallies))
        best = max(tally.mean for tally in tallies.values())
        return self._random.choice([name for name, tally in tallies.items() if tally.mean == best])

    def weights(self) -> dict[str, float]:
        """Nothing: they change with every reward."""
        return {}


Choice = Splitting | Ramping | Learning


def shared(methods: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the methods that all have, in the order of the first."""
    return tuple(method for method in methods[0] if all(method in others for others in methods[1:]))
