"""The one shape of everything that answers: ``Node = async (Batch) -> Batch``.

A model, a chain, a split, a canary, a shadow, an ensemble and a bandit are all nodes; what decodes requests and what
encodes answers knows only batches.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, Self

from nbregistry.domain.entities import ModelVersion
from nbregistry.serving.table import Table
from nbregistry.types import Digest, Document

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class By(NamedTuple):
    """The version that gave an answer."""

    name: str
    number: int
    digest: Digest

    @classmethod
    def of(cls, version: ModelVersion) -> Self:
        """Return what answers of a version are signed with."""
        return cls(version.name, version.number, version.digest)

    @property
    def ref(self) -> str:
        """The reference that names exactly this version."""
        return f"{self.name}/{self.number}"


class Step(NamedTuple):
    """One node on the way of a request, for ``explain``.

    Attributes
    ----------
    node : str
        Path in the graph: ``ab/b/churn``.
    kind : str
        ``model``, ``split``, ``canary`` ...
    seconds : float
        Time inside the node, its children included.
    detail : mapping
        What it decided (``{"route": "b"}``) or gave.
    """

    node: str
    kind: str
    seconds: float
    detail: Mapping[str, Any]


@dataclass(slots=True)
class Batch:
    """Rows on their way through a graph; as a question and, with ``outputs``, as an answer.

    Attributes
    ----------
    table : Table
        The rows.
    method : str
        ``predict``, ``predict_proba``, ``decision_function`` or ``transform``.
    id : str
        Request id, unique; feedback names it.
    key : str
        What sticks to its arm in a split (a user's id); empty: the request id decides.
    params : mapping
        What the protocol calls parameters; passed to nodes that take some.
    outputs : ndarray, DataFrame or list, or None
        One entry a row, in order; None in a question.
    by : tuple of By
        The versions that gave the answer; the first one decided.
    routing : dict of str to str
        Arm taken at each routing node, by the node's path. Children add to the same dict.
    steps : list of Step or None
        Filled when the caller asked for an explanation.
    """

    table: Table
    method: str = "predict"
    id: str = ""
    key: str = ""
    params: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    outputs: Any = None
    by: tuple[By, ...] = ()
    routing: dict[str, str] = field(default_factory=dict)
    steps: list[Step] | None = None

    def answered(self, outputs: Any, by: tuple[By, ...]) -> Batch:
        """Return the answer to this question."""
        return Batch(
            self.table, self.method, self.id, self.key, self.params, outputs, by, self.routing, self.steps
        )  # fmt: skip


Node = Callable[[Batch], Awaitable[Batch]]


class Leaf(Protocol):
    """What answers for a reference: all that a graph needs of its parts."""

    @property
    def ref(self) -> str:
        """The reference as it was asked for: ``churn@champion``."""
        ...

    @property
    def intake(self) -> Any:
        """The ``Intake`` that turns decoded values into a Table by the signature of what is served now."""
        ...

    @property
    def by(self) -> By | None:
        """The version served now; None while there is none, and for a graph of several."""
        ...

    @property
    def methods(self) -> tuple[str, ...]:
        """What it can be asked; the first is the default."""
        ...

    @property
    def ready(self) -> bool:
        """Whether it can answer now."""
        ...

    @property
    def trouble(self) -> str:
        """Why it does not serve what the registry wants it to; empty when it does."""
        ...

    async def __call__(self, batch: Batch) -> Batch:
        """Answer."""
        ...


class Endpoint(Leaf, Protocol):
    """What a server offers under one name: a followed reference, or a graph of several.

    A request is ``table = endpoint.intake...; answer = await endpoint(Batch(table, ...))``.
    """

    @property
    def name(self) -> str:
        """What routes call it: the model's name, or the graph's."""
        ...

    def metadata(self) -> Document:
        """Return what can be told of it: version, digest, signature, batching, compiled, proof, example, trouble."""
        ...


class Endpoints(Protocol):
    """Everything that one server offers."""

    def all(self) -> tuple[Endpoint, ...]:
        """Return every endpoint, in the order they were asked for."""
        ...

    def find(self, name: str, which: str = "") -> Endpoint:
        """Return the endpoint of a model.

        Parameters
        ----------
        name : str
            Empty: the first endpoint (what ``/invocations`` asks).
        which : str
            ``3``, ``production`` or ``@champion``; empty: whichever reference to the name is served.

        Raises
        ------
        nbregistry.errors.NotFound
            Not served here; says what is.
        """
        ...

    async def load(self, ref: str) -> Endpoint:
        """Serve one more reference."""
        ...

    async def unload(self, name: str) -> None:
        """Stop serving a name; what is under way is answered."""
        ...
