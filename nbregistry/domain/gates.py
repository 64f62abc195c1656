"""What a promotion must pass: a gate looks at the candidate beside the incumbent and answers with evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from nbregistry.domain.entities import GateResult, ModelVersion
from nbregistry.domain.lifecycle import Stage, Status


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a gate looks at.

    Attributes
    ----------
    version : ModelVersion
        What is to be promoted.
    stage : Stage
        Where to.
    incumbent : ModelVersion or None
        Who holds the stage now.
    load : callable
        Loads either of them, verified and trusted.
    returns : bool
        Whether it held the stage before and a rollback is to put it back.
    """

    version: ModelVersion
    stage: Stage
    incumbent: ModelVersion | None
    load: Callable[[ModelVersion], object]
    returns: bool = False


class Gate(Protocol):
    """One rule; any callable that takes a ``Candidate`` and returns a ``GateResult``.

    A rollback puts back what has passed before, so it is not asked; a gate with an attribute ``always`` that is true is
    asked then too.
    """

    def __call__(self, candidate: Candidate) -> GateResult:
        """Judge the candidate."""
        ...


def ready(candidate: Candidate) -> GateResult:
    """Let pass what was loaded back and predicted the same when it was registered."""
    version = candidate.version
    passed = version.status is Status.READY
    said = "loaded back and checked when registered" if passed else f"status {version.status}: {version.status_reason}"
    return GateResult("ready", passed, said)


def judge(candidate: Candidate, gates: Sequence[Gate]) -> tuple[GateResult, ...]:
    """Ask every gate, the built-in one first. Archiving and withdrawing pass without being asked."""
    if not candidate.stage.single_holder:
        return ()
    return tuple(gate(candidate) for gate in (always(gates) if candidate.returns else (ready, *gates)))


def always(gates: Sequence[Gate]) -> tuple[Gate, ...]:
    """Return the gates that a rollback has to pass too."""
    return tuple(gate for gate in gates if getattr(gate, "always", False))
