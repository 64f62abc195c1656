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
    """

    version: ModelVersion
    stage: Stage
    incumbent: ModelVersion | None
    load: Callable[[ModelVersion], object]


class Gate(Protocol):
    """One rule; any callable that takes a ``Candidate`` and returns a ``GateResult``."""

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
    return tuple(gate(candidate) for gate in (ready, *gates))
