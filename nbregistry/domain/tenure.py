"""Tenures: which version held a stage from when until when, who decided it and why, on what evidence.

A stage such as Production has one holder at a time. ``Chronicle`` reads the commits in order and notes who comes and
who goes. It looks at the documents that a commit puts rather than at its verb, so that a promotion, a rollback, a
restore from the trash or a repair are all the same to it, and a model that is renamed goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from nbregistry.domain.commits import Commit, moment
from nbregistry.domain.entities import Annotation, GateResult, ModelVersion
from nbregistry.domain.frames import Frame, frame
from nbregistry.domain.lifecycle import Stage
from nbregistry.domain.results import Listing
from nbregistry.types import Digest, Document

AT_REGISTER = "at register"
"""The reason of a promotion that came with registering."""

_HELD = frozenset(stage.value for stage in Stage if stage.single_holder)


class How(StrEnum):
    """By which step a version came into a stage, or left it."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    REGISTER = "register"
    RESTORE = "restore"
    DELETE = "delete"
    PURGE = "purge"
    REPAIR = "repair"
    OTHER = "other"

    @classmethod
    def of(cls, action: str, reason: str) -> How:
        """Return the step that a commit was."""
        if action == cls.PROMOTE and reason == AT_REGISTER:
            return cls.REGISTER
        return cls(action) if action in {how.value for how in cls} else cls.OTHER


@dataclass(frozen=True, slots=True)
class Turn:
    """The commit by which a version came into a stage, or left it.

    Attributes
    ----------
    seq : int
        Its place in the audit.
    evidence : tuple of GateResult
        What the gates said.
    """

    seq: int
    time: datetime
    by: str
    because: str
    how: How
    evidence: tuple[GateResult, ...] = ()

    @classmethod
    def of(cls, commit: Commit) -> Turn:
        """Read a commit."""
        return cls(
            commit.seq, moment(commit.time), commit.actor.user, commit.reason, How.of(commit.action, commit.reason),
            gate_results(commit.evidence),
        )  # fmt: skip


def gate_results(evidence: Mapping[str, Any]) -> tuple[GateResult, ...]:
    """Read what gates said as an audit line keeps it; what is no such thing is left out."""
    listed = evidence.get("gates")
    return tuple(
        GateResult(str(one.get("gate", "")), one.get("passed") is True, str(one.get("summary", "")), _figures(one))
        for one in (listed if isinstance(listed, list | tuple) else ())
        if isinstance(one, Mapping)
    )


def _figures(one: Mapping[str, Any]) -> Mapping[str, Any]:
    figures = one.get("figures")
    return figures if isinstance(figures, Mapping) else {}


@dataclass(frozen=True, slots=True)
class Spell:
    """A version, by the id of its document, in a stage; ``ended`` is None as long as it is there."""

    id: int
    stage: Stage
    began: Turn
    ended: Turn | None = None

    def as_of(self, seq: int) -> Spell:
        """Return the spell as it was after a commit: what ended it later had not yet."""
        return replace(self, ended=None) if self.ended is not None and self.ended.seq > seq else self


class Chronicle:
    """Who held which stage, folded commit by commit.

    Attributes
    ----------
    seq : int
        The last commit taken in; -1 before the first.
    """

    def __init__(self) -> None:
        self.seq = -1
        self._spells: list[Spell] = []
        self._open: dict[int, int] = {}

    def copy(self) -> Chronicle:
        """Return another one that goes on from here, while this one stays as it is."""
        made = Chronicle()
        made.seq, made._spells, made._open = self.seq, list(self._spells), dict(self._open)
        return made

    def take(self, commit: Commit) -> None:
        """Take in the next commit; costs what it changes."""
        self.seq = commit.seq
        for id_, doc in commit.put.get("versions", {}).items():
            stage, place = _stage(doc), self._open.get(id_)
            if stage != (None if place is None else self._spells[place].stage):
                self._turn(id_, stage, commit)
        for id_ in commit.removed.get("versions", ()):
            if id_ in self._open:
                self._turn(id_, None, commit)

    def _turn(self, id_: int, stage: Stage | None, commit: Commit) -> None:
        turn = Turn.of(commit)
        if (place := self._open.pop(id_, None)) is not None:
            self._spells[place] = replace(self._spells[place], ended=turn)
        if stage is not None:
            self._open[id_] = len(self._spells)
            self._spells.append(Spell(id_, stage, turn))

    def spells(self, seq: int) -> list[Spell]:
        """Return the spells as they were after a commit, in the order in which they began."""
        return [spell.as_of(seq) for spell in self._spells if spell.began.seq <= seq]


def _stage(doc: Document) -> Stage | None:
    """Return the single-holder stage that a version with this document holds."""
    if doc["stage"] not in _HELD or doc.get("deleted_at") or doc.get("purged_at"):
        return None
    return Stage(doc["stage"])


@dataclass(frozen=True, slots=True)
class Tenure:
    """One version's time in a stage.

    Attributes
    ----------
    name, number : str, int
        The version, by the name that its model has now.
    since, until : datetime
        ``until`` is None for who is there now; ``since`` counts, ``until`` does not.
    decided_by, because, how : str, str, How
        Who put it there, why, and by which step.
    evidence : tuple of GateResult
        What the gates said of it, as recorded then.
    replaced : str or None
        Reference of the version that it displaced; None when the stage was vacant.
    ended : Turn or None
        Who ended it, when, why and how.
    replaced_by : str or None
        Reference of the version that displaced it.
    notes : tuple of Annotation
        Decisions and incidents written on the version or its model in its time.
    seq : int
        Its line in the audit.
    version, predecessor : ModelVersion or None
        The version as it is now, and the one that held the stage before it, however long before.
    """

    name: str
    number: int
    digest: Digest
    stage: Stage
    since: datetime
    until: datetime | None
    decided_by: str
    because: str
    how: How
    evidence: tuple[GateResult, ...]
    replaced: str | None
    ended: Turn | None
    replaced_by: str | None
    notes: tuple[Annotation, ...]
    seq: int
    version: ModelVersion | None = field(default=None, repr=False, compare=False)
    predecessor: ModelVersion | None = field(default=None, repr=False, compare=False)

    @property
    def ref(self) -> str:
        """The reference that names exactly this version."""
        return f"{self.name}/{self.number}"

    @property
    def current(self) -> bool:
        """Whether it is there now."""
        return self.until is None

    def lasted(self, now: datetime) -> timedelta:
        """Return how long it was there, up to ``now`` when it still is."""
        return (self.until or now) - self.since

    def at(self, time: datetime) -> bool:
        """Whether it was there at a time."""
        return self.since <= time and (self.until is None or time < self.until)


class Tenures(Listing[Tenure]):
    """Who held a stage, model by model, the newest first.

    Attributes
    ----------
    stage : Stage
    name : str or None
        The one model that was asked for.
    vacant : tuple of str
        Models of which no version holds the stage.
    past : datetime or None
        The time that the answer is of; None for now.
    """

    def __init__(
        self,
        items: Iterable[Tenure] = (),
        *,
        stage: Stage = Stage.PRODUCTION,
        name: str | None = None,
        vacant: tuple[str, ...] = (),
        past: datetime | None = None,
    ) -> None:
        super().__init__(items)
        self.stage, self.name, self.vacant, self.past = stage, name, vacant, past

    @property
    def current(self) -> Tenures:
        """Those that hold the stage now: one a model at most."""
        return Tenures((t for t in self if t.current), stage=self.stage, name=self.name, vacant=self.vacant,
                       past=self.past)  # fmt: skip

    def to_frame(self) -> Frame:
        """Return one row per tenure; ``evidence`` maps each gate to whether it let pass, ``notes`` is their count."""
        names = ("ref", "name", "number", "digest", "since", "until", "decided_by", "because", "replaced",
                 "replaced_by", "seq")  # fmt: skip
        columns: dict[str, list[object]] = {name: [getattr(t, name) for t in self] for name in names}
        columns["stage"] = [t.stage.value for t in self]
        columns["how"] = [t.how.value for t in self]
        columns["ended_by"] = [t.ended.by if t.ended else None for t in self]
        columns["ended_because"] = [t.ended.because if t.ended else None for t in self]
        columns["evidence"] = [{g.gate: g.passed for g in t.evidence} for t in self]
        columns["notes"] = [len(t.notes) for t in self]
        return frame(columns, moments=("since", "until"))
