"""Stages, who may hold them, and statuses.

A stage is MLflow's word and set. ``Staging`` and ``Production`` have one holder each: whoever enters displaces the
holder to ``Archived`` in the same commit.
"""

from __future__ import annotations

from enum import StrEnum

from nbregistry.errors import InvalidInput, did_you_mean


class Stage(StrEnum):
    """Where a version stands in its life."""

    NONE = "None"
    STAGING = "Staging"
    PRODUCTION = "Production"
    ARCHIVED = "Archived"

    @property
    def single_holder(self) -> bool:
        """Whether at most one version of a model may hold this stage."""
        return self in (Stage.STAGING, Stage.PRODUCTION)

    @classmethod
    def parse(cls, text: str | Stage | None) -> Stage:
        """Read a stage as people type it: any case, ``prod`` included, ``None`` for the first."""
        if text is None:
            return cls.NONE
        folded = str(text).strip().casefold()
        folded = {"prod": "production", "": "none", "archive": "archived"}.get(folded, folded)
        for stage in cls:
            if stage.value.casefold() == folded:
                return stage
        names = [s.value for s in cls]
        hint = did_you_mean(str(text), names) or "."
        raise InvalidInput(f"No stage {text!r}{hint} The stages are {', '.join(names)}.")


class Status(StrEnum):
    """Whether a version can be used."""

    READY = "READY"
    FAILED = "FAILED"


class Kind(StrEnum):
    """What an annotation is."""

    NOTE = "note"
    WARNING = "warning"
    DECISION = "decision"
    INCIDENT = "incident"

    @classmethod
    def parse(cls, text: str | Kind) -> Kind:
        """Read a kind, any case."""
        try:
            return cls(str(text).strip().lower())
        except ValueError:
            names = [k.value for k in cls]
            hint = did_you_mean(str(text), names) or "."
            raise InvalidInput(f"No annotation kind {text!r}{hint} The kinds are {', '.join(names)}.") from None
