"""What a graph remembers, in memory: who was sent where, what came of it, and when canaries began.

It is the fold of a list of records, so that every process that reads the same records in the same order remembers the
same. Records are plain lists; the first word says what they are.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

Record = list[Any]

CHOICE, REWARD, START, TALLY, OPEN = "c", "r", "s", "t", "o"


@dataclass(slots=True)
class Tally:
    """One arm: how often it was taken, for how many of these a reward was told, and the sum of the rewards."""

    pulls: int = 0
    rewarded: int = 0
    reward: float = 0.0

    @property
    def mean(self) -> float:
        """Mean reward; 0 when there is none yet."""
        return self.reward / self.rewarded if self.rewarded else 0.0


class Decision(NamedTuple):
    """Where one request went: arm by the key of each node on its way, and the reward once it was told."""

    arms: dict[str, str]
    reward: float | None


class Tallies:
    """The memory.

    Parameters
    ----------
    most : int
        Decisions that are kept; the oldest are forgotten, and rewards for them refused.
    """

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._open: OrderedDict[str, Decision] = OrderedDict()
        self._starts: dict[str, float] = {}

    def apply(self, record: Record) -> None:
        """Take one record in; one that says nothing known is passed over, as are a repeated choice and reward."""
        match record:
            case [word, str(id_), str(node), str(arm)] if word == CHOICE:
                self._choice(id_, node, arm)
            case [word, str(id_), int(reward) | float(reward)] if word == REWARD:
                self._reward(id_, float(reward))
            case [word, str(node), int(time) | float(time)] if word == START:
                self._starts.setdefault(node, float(time))
            case [word, str(node), str(arm), int(pulls), int(told), int(total) | float(total)] if word == TALLY:
                self._tallies[node, arm] = Tally(pulls, told, float(total))
            case [word, str(id_), dict(arms), reward] if word == OPEN:
                self._open[id_] = Decision(arms, reward)

    def _choice(self, id_: str, node: str, arm: str) -> None:
        if id_:
            found = self._open.get(id_)
            if found is None:
                found = self._open[id_] = Decision({}, None)
                if len(self._open) > self._most:
                    self._open.popitem(last=False)
            elif node in found.arms:
                return
            found.arms[node] = arm
        self.tally(node, arm).pulls += 1

    def _reward(self, id_: str, reward: float) -> None:
        found = self._open.get(id_)
        if found is None or found.reward is not None:
            return
        self._open[id_] = found._replace(reward=reward)
        for node, arm in found.arms.items():
            tally = self.tally(node, arm)
            tally.rewarded += 1
            tally.reward += reward

    def tally(self, node: str, arm: str) -> Tally:
        """Return an arm's tally, which goes on counting."""
        return self._tallies.setdefault((node, arm), Tally())

    def decision(self, id_: str) -> Decision | None:
        """Return where a request went; None when it is not known (any more)."""
        return self._open.get(id_)

    def start(self, node: str) -> float | None:
        """Return when a node began."""
        return self._starts.get(node)

    def records(self) -> Iterator[Record]:
        """Yield records that make the same memory: what a shortened log begins with."""
        for node, time in self._starts.items():
            yield [START, node, time]
        for (node, arm), tally in self._tallies.items():
            yield [TALLY, node, arm, tally.pulls, tally.rewarded, tally.reward]
        for id_, decision in self._open.items():
            yield [OPEN, id_, decision.arms, decision.reward]
