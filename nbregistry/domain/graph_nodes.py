"""The kinds of nodes, as plain data: what a graph is made of before anything runs.

Every node is frozen and says itself what is wrong with it. A node knows nothing of its place; the path of a node is
made of the slots on the way to it (``graph``). Every node has ``timeout``, the seconds that it may take; None: as long
as it takes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from nbregistry.domain.graph_layout import UNITS, Layout, Piece
from nbregistry.domain.refs import Ref
from nbregistry.errors import InvalidInput, did_you_mean
from nbregistry.types import Digest

_SLOT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}\Z")
_NEAR = 1e-6
METHODS = ("predict", "predict_proba", "decision_function", "transform")
MOST_ARMS = 64


class Policy(StrEnum):
    """How a bandit chooses."""

    THOMPSON = "thompson"
    EPSILON_GREEDY = "epsilon_greedy"


class Combine(StrEnum):
    """How an ensemble makes one answer of several."""

    MEAN = "mean"
    VOTE = "vote"


@dataclass(frozen=True, slots=True)
class Model:
    """A version, or whatever a reference names now.

    Attributes
    ----------
    ref : str
        ``churn/3``, ``churn@champion``, ``churn/production``, ``churn``.
    method : str
        Which of the model's methods is asked, whatever the request says; empty: what the node's place asks for.
    digest : str
        SHA-256 of the bytes, once pinned: an answer by any other bytes is refused.
    asked : str
        The reference as it was written, where pinning replaced it.
    """

    ref: str
    method: str = ""
    digest: Digest = ""
    asked: str = ""
    timeout: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        found = Ref.parse(self.ref)
        object.__setattr__(self, "ref", str(found))
        if self.method and self.method not in METHODS:
            raise InvalidInput(
                f"{str(self.method)[:80]!r} is no method that a model is asked"
                f"{did_you_mean(str(self.method)[:80], METHODS)}: there are {', '.join(METHODS)}."
            )
        if self.digest and (found.number is None or not re.fullmatch(r"[0-9a-f]{64}", self.digest)):
            raise InvalidInput(f"{self.ref}: a digest is 64 hexadecimal digits and belongs to one exact version.")
        _timed(self.timeout, "model")


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the notebook.

    Before a model it takes rows and gives rows, behind one outputs, and in an ensemble it takes the list of outputs.

    Attributes
    ----------
    name : str
        What it is called in drawings and in YAML.
    call : callable or None
        None in a document that tells of a graph whose functions are stored elsewhere.
    """

    name: str
    call: Callable[..., Any] | None = field(default=None, repr=False)
    timeout: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        slot(self.name, "function")
        if self.call is not None and not callable(self.call):
            raise InvalidInput(f"The function {self.name!r} cannot be called, it is {_a(self.call)}.")
        _timed(self.timeout, "function")


@dataclass(frozen=True, slots=True)
class Chain:
    """Transformers, then the node that answers, then transformers of its answer."""

    main: Node
    before: tuple[Node, ...] = ()
    after: tuple[Node, ...] = ()
    timeout: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if isinstance(self.main, Function):
            raise InvalidInput("A chain needs a model, or a node that holds one: this one is made of functions only.")
        if not self.before and not self.after:
            raise InvalidInput("A chain of one node is that node: write it without the chain.")
        _timed(self.timeout, "chain")


class Arm(NamedTuple):
    """One way through a node that chooses, or one member of an ensemble."""

    name: str
    node: Node
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Split:
    """Each request goes to one arm, by weight.

    An arm that fails is an answer that fails: no other arm is tried, or the comparison of the arms would tell nothing.

    Attributes
    ----------
    sticky : bool
        The same key (a user's id) always meets the same arm; a request without one is placed by its own id.
    salt : str
        What makes this split independent of others; empty: its path in the graph.
    layout : tuple of Piece
        Where each arm lies, after a change of weights; empty: side by side, in order.
    """

    arms: tuple[Arm, ...]
    sticky: bool = True
    salt: str = ""
    layout: Layout = ()
    timeout: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _arms(self.arms, "split")
        _whole({arm.name: arm.weight for arm in self.arms}, "split")
        if self.layout:
            _fits(self.layout, {arm.name: arm.weight for arm in self.arms})
        _timed(self.timeout, "split")

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each arm, in order."""
        return {arm.name: arm.weight for arm in self.arms}


class RampStep(NamedTuple):
    """From so many seconds after the start on, the canary gets so much."""

    after: float
    weight: float


@dataclass(frozen=True, slots=True)
class Canary:
    """A newcomer that gets a little, and more as time goes by, by a schedule.

    Attributes
    ----------
    steps : tuple of RampStep
        In order of time, the first at 0. Between two of them the weight stays.
    start : float or None
        Seconds since 1970; None: when a server first served it, which it remembers.
    """

    stable: Node
    canary: Node
    steps: tuple[RampStep, ...]
    start: float | None = None
    sticky: bool = True
    salt: str = ""
    timeout: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not self.steps or self.steps[0].after != 0:
            raise InvalidInput("A canary's ramp begins at 0 seconds: write ramp=[(0, 0.05), ('1h', 0.25)].")
        last = -1.0
        for after, weight in self.steps:
            if not _number(after) or after <= last:
                raise InvalidInput(f"A canary's ramp goes forward in time; {after!r} does not come after {last:g} s.")
            last = after
            _share(weight, "A canary's weight")
        if self.start is not None and not _number(self.start):
            raise InvalidInput(f"A canary's start is a time in seconds since 1970, not {self.start!r}.")
        _timed(self.timeout, "canary")

    def weight_at(self, seconds: float) -> float:
        """Return the canary's weight so many seconds after the start; before it, the first step's."""
        found = self.steps[0].weight
        for after, weight in self.steps:
            if seconds >= after:
                found = weight
        return found


@dataclass(frozen=True, slots=True)
class Shadow:
    """A newcomer that is asked beside the main node; its answer is only compared.

    Attributes
    ----------
    share : float
        How many of the requests are compared.
    under_way : int
        Most requests that wait for the shadow at a time; beyond it they are left out and counted.
    redact : tuple of str
        Columns that the report of the most different rows leaves out.
    """

    main: Node
    shadow: Node
    share: float = 1.0
    under_way: int = 16
    redact: tuple[str, ...] = ()
    timeout: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _share(self.share, "The share of a shadow")
        if type(self.under_way) is not int or not 1 <= self.under_way <= 10_000:
            raise InvalidInput(f"A shadow has 1 to 10,000 requests under way, not {self.under_way!r}.")
        _timed(self.timeout, "shadow")


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Several nodes answer the same rows; one answer is made of theirs.

    Attributes
    ----------
    combine : Combine or Function
        ``mean`` of numbers, ``vote`` for labels (ties: the member listed first), or a function that takes the list of
        outputs and returns outputs. A member's weight counts in mean and vote.
    """

    members: tuple[Arm, ...]
    combine: Combine | Function = Combine.MEAN
    timeout: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _arms(self.members, "ensemble", what="member")
        if not isinstance(self.combine, Function):
            object.__setattr__(self, "combine", _choice(Combine, self.combine, "an ensemble combines by"))
        if not sum(arm.weight for arm in self.members) > 0:
            raise InvalidInput("The members of an ensemble cannot all have weight 0.")
        _timed(self.timeout, "ensemble")


@dataclass(frozen=True, slots=True)
class Bandit:
    """Arms of which the better ones get more and more, as rewards come in.

    Attributes
    ----------
    policy : Policy
        ``thompson``: each arm's reward is drawn from Beta(1 + rewards, 1 + pulls told of - rewards), the highest is
        taken (Thompson 1933). ``epsilon_greedy``: the best mean so far, but any arm with probability epsilon.
    epsilon, decay : float
        After n requests the probability is ``epsilon / (1 + decay * n)``.
    seed : int or None
        For choices that can be repeated, in tests.
    """

    arms: tuple[Arm, ...]
    policy: Policy = Policy.THOMPSON
    epsilon: float = 0.1
    decay: float = 0.0
    seed: int | None = None
    timeout: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _arms(self.arms, "bandit")
        object.__setattr__(self, "policy", _choice(Policy, self.policy, "a bandit chooses by"))
        _share(self.epsilon, "A bandit's epsilon")
        if not _number(self.decay) or self.decay < 0:
            raise InvalidInput(f"A bandit's decay is a number from 0 up, not {self.decay!r}.")
        if self.seed is not None and type(self.seed) is not int:
            raise InvalidInput(f"A bandit's seed is an integer, not {_a(self.seed)}.")
        _timed(self.timeout, "bandit")


Node = Model | Function | Chain | Split | Canary | Shadow | Ensemble | Bandit
KINDS: tuple[type, ...] = (Model, Function, Chain, Split, Canary, Shadow, Ensemble, Bandit)


def kind_of(node: Node) -> str:
    """Return the word for a node's kind: ``split``."""
    return type(node).__name__.lower()


def _timed(timeout: float | None, kind: str) -> None:
    if timeout is not None:
        positive(timeout, f"The timeout of a {kind}")


def slot(name: object, what: str) -> str:
    """Return a name that can stand in a path, a URL and a label."""
    if not isinstance(name, str) or not _SLOT.match(name):
        raise InvalidInput(
            f"{str(name)[:80]!r} cannot be the name of a {what}: 1 to 64 letters, digits, '.', '_' and '-'."
        )
    return name


def positive(value: object, what: str) -> float:
    """Return a finite number above 0."""
    if not _number(value) or value <= 0:  # type: ignore[operator]  # _number has looked
        raise InvalidInput(f"{what} is a number of seconds above 0, not {value!r}.")
    return float(value)  # type: ignore[arg-type]  # as above


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _share(value: object, what: str) -> None:
    if not _number(value) or not 0 <= value <= 1:  # type: ignore[operator]  # _number has looked
        raise InvalidInput(f"{what} is a number from 0 to 1, not {value!r}.")


def _choice(kind: type[StrEnum], value: object, what: str) -> StrEnum:
    known = [member.value for member in kind]
    folded = str(value).strip().casefold().replace("-", "_") if isinstance(value, str) else ""
    if folded in known:
        return kind(folded)
    shown = repr(value[:80]) if isinstance(value, str) else _a(value)
    raise InvalidInput(f"{what} {' or '.join(known)}, not {shown}{did_you_mean(folded, known)}.".capitalize())


def _arms(arms: tuple[Arm, ...], kind: str, what: str = "arm") -> None:
    if not 2 <= len(arms) <= MOST_ARMS:
        raise InvalidInput(f"A {kind} has 2 to {MOST_ARMS} {what}s, not {len(arms)}.")
    seen: set[str] = set()
    for arm in arms:
        slot(arm.name, what)
        if arm.name in seen:
            raise InvalidInput(f"Two {what}s of a {kind} are called {arm.name!r}: give each a name of its own.")
        seen.add(arm.name)
        if isinstance(arm.node, Function):
            raise InvalidInput(f"The {what} {arm.name!r} of a {kind} is only a function: it needs a model.")
        if not _number(arm.weight) or arm.weight < 0:
            raise InvalidInput(f"The weight of {arm.name!r} is a number from 0 up, not {arm.weight!r}.")


def _whole(weights: Mapping[str, float], kind: str) -> None:
    total = math.fsum(weights.values())
    if abs(total - 1) > _NEAR:
        shown = " + ".join(f"{weight:g}" for weight in list(weights.values())[:8])
        raise InvalidInput(f"The weights of a {kind} add up to 1; these give {shown} = {total:g}.")


def _fits(layout: Iterable[Piece], weights: Mapping[str, float]) -> None:
    held = dict.fromkeys(weights, 0)
    for piece in layout:
        if piece.arm not in held or type(piece.units) is not int or piece.units < 0:
            raise InvalidInput(f"A split's layout names its arms and whole units; {piece!r} is neither.")
        held[piece.arm] += piece.units
    if sum(held.values()) != UNITS or any(abs(held[a] / UNITS - w) > 2 * _NEAR for a, w in weights.items()):
        raise InvalidInput("A split's layout does not fit its weights: leave the layout out.")


def _a(value: object) -> str:
    name = type(value).__name__
    return f"an {name}" if name[:1].casefold() in "aeiou" else f"a {name}"
