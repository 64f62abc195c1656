"""One reference and the version that answers for it: what routes, graphs and gRPC call."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import Any

from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.refs import Ref
from nbregistry.errors import Overloaded
from nbregistry.serving.intake import Intake
from nbregistry.serving.live import Live
from nbregistry.serving.node import Batch, By
from nbregistry.types import Document

_AGAIN = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Seconds until what could not be loaded is tried again: the trust list or the disk may have changed."""


@dataclass(slots=True)
class Failure:
    """What was wanted and could not be served."""

    wanted: By
    why: str
    times: int = 0
    again: float = 0.0

    def __str__(self) -> str:
        return f"{self.wanted.ref} is not served: {self.why}"

    def repeated(self, before: Failure | None) -> Failure:
        """Return this failure with the time of the next attempt, which grows while the same thing fails."""
        self.times = before.times + 1 if before is not None and before.wanted == self.wanted else 0
        self.again = monotonic() + _AGAIN[min(self.times, len(_AGAIN) - 1)]
        return self


class Followed:
    """An ``Endpoint`` that is whatever its reference means; also the leaf of every graph.

    Attributes
    ----------
    live : Live or None
        What answers; exchanged between two requests.
    version : ModelVersion or None
        The same as the registry shows it now: its stage and aliases move on.
    failed : Failure or None
        What should answer instead, and why it does not.
    lost : str
        Why the reference means nothing any more; what served before goes on.
    """

    def __init__(self, ref: str) -> None:
        self.ref = ref
        self.name = Ref.parse(ref).name
        self.live: Live | None = None
        self.version: ModelVersion | None = None
        self.failed: Failure | None = None
        self.lost = ""
        self.loading = False

    @property
    def intake(self) -> Intake:
        """Of the version that answers now."""
        return self.serving.loaded.intake

    @property
    def by(self) -> By | None:
        """The version that answers now."""
        return self.live.by if self.live else None

    @property
    def methods(self) -> tuple[str, ...]:
        """What it can be asked."""
        return self.live.loaded.engine.methods if self.live else ()

    @property
    def classes(self) -> Any:
        """The labels that columns of probabilities stand for; None where there are none."""
        return getattr(self.live.loaded.engine, "classes", None) if self.live else None

    @property
    def ready(self) -> bool:
        """Whether a version answers."""
        return self.live is not None

    @property
    def trouble(self) -> str:
        """Why it is not what the registry wants it to be."""
        return self.lost or (str(self.failed) if self.failed else "")

    def metadata(self) -> Document:
        """Return what can be told of the version that answers."""
        found = self.serving.metadata()
        if self.version is not None:
            found.update(stage=self.version.stage.value, aliases=list(self.version.aliases))
        return {**found, "asked": self.ref, "trouble": self.trouble}

    async def __call__(self, batch: Batch) -> Batch:
        """Answer with the version that is in charge as the request arrives."""
        return await self.serving(batch)

    def means(self, which: str) -> bool:
        """Whether ``3``, ``production`` or ``@champion`` is what answers here."""
        if not which or self.ref.removeprefix("models:/")[len(self.name) :].removeprefix("/") == which:
            return True
        if self.live is None or self.version is None:
            return False
        if which.startswith("@"):
            return which[1:] in self.version.aliases
        return which == str(self.live.by.number) or which.casefold() == self.version.stage.value.casefold()

    @property
    def serving(self) -> Live:
        """What answers.

        Raises
        ------
        nbregistry.errors.Overloaded
            Nothing yet.
        """
        if self.live is None:
            raise Overloaded(f"{self.ref} is not served yet{': ' + self.trouble if self.trouble else ''}.", 1.0)
        return self.live
