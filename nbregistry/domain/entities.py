"""What a user holds: frozen values, each a picture of one document at one time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from nbregistry.domain.commits import Receipt, moment
from nbregistry.domain.lifecycle import Kind, Stage, Status
from nbregistry.domain.shown import Shown
from nbregistry.domain.signature import Signature
from nbregistry.types import Digest, Document, Scalar

Reader = Callable[[Digest], Document]
"""Reads a captured JSON blob by its digest."""


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A name under which versions are kept.

    Attributes
    ----------
    uid : str
        Identity that survives renaming and differs after delete and re-create.
    last_number : int
        The highest version number ever given under this name; never given again.
    versions : int
        How many versions can be used now.
    stages, aliases : mapping
        ``{stage: number}`` of the single-holder stages, ``{alias: number}``.
    latest : int or None
        The newest ready version.
    """

    name: str
    uid: str
    description: str
    tags: Mapping[str, Scalar]
    created_at: datetime
    created_by: str
    updated_at: datetime
    last_number: int
    versions: int
    latest: int | None
    stages: Mapping[str, int]
    aliases: Mapping[str, int]
    former_names: tuple[str, ...] = ()
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version of a model: its content never changes; stage, aliases, tags and notes do, as they were then.

    Attributes
    ----------
    ref : str
        ``"churn/3"``.
    metrics : mapping of str to float
        As given at register.
    params : mapping
        Parameters given and those of the estimator, flattened (``clf__C``); ``changed_params`` names the non-defaults.
    digest, size : str, int
        SHA-256 and bytes of the stored model.
    files : mapping of str to digest
        Everything captured: ``model``, ``signature``, ``environment``, ``source``, ``profile``, ``example``.
    signer : str
        Fingerprint of the key that signed the manifest; empty when unsigned.
    receipt : Receipt or None
        Set on what a mutating call returns.
    """

    name: str
    number: int
    uid: str
    status: Status
    status_reason: str
    stage: Stage
    aliases: tuple[str, ...]
    metrics: Mapping[str, float]
    params: Mapping[str, Scalar]
    changed_params: tuple[str, ...]
    tags: Mapping[str, Scalar]
    description: str
    note: str
    flavor: str
    format: str
    estimator: str
    digest: Digest
    size: int
    files: Mapping[str, Digest]
    created_at: datetime
    created_by: str
    updated_at: datetime
    signer: str
    deleted: bool
    purged: bool
    warnings: tuple[str, ...] = ()
    receipt: Receipt | None = None
    reader: Reader | None = field(default=None, repr=False, compare=False)

    @property
    def ref(self) -> str:
        """The reference that names exactly this version."""
        return f"{self.name}/{self.number}"

    def details(self, file: str) -> Document:
        """Return a captured file (``signature``, ``environment``, ``source``, ``profile``); ``{}`` for none."""
        digest = self.files.get(file)
        return self.reader(digest) if digest and self.reader else {}

    @property
    def signature(self) -> Signature | None:
        """What the model takes and gives; None when neither data nor the estimator told."""
        found = self.details("signature")
        return Signature.from_document(found) if found else None

    @classmethod
    def from_document(
        cls, doc: Mapping[str, Any], *, reader: Reader | None = None, receipt: Receipt | None = None
    ) -> ModelVersion:
        """Read a version's document."""
        return cls(
            name=doc["name"], number=doc["number"], uid=doc["uid"], status=Status(doc["status"]),
            status_reason=doc.get("status_reason", ""), stage=Stage(doc["stage"]), aliases=tuple(doc["aliases"]),
            metrics=MappingProxyType(numbers(doc["metrics"])), params=MappingProxyType(doc["params"]),
            changed_params=tuple(doc.get("changed", ())), tags=MappingProxyType(doc["tags"]),
            description=doc.get("description", ""), note=doc.get("note", ""), flavor=doc.get("flavor", ""),
            format=doc.get("format", ""), estimator=doc.get("estimator", ""), digest=doc.get("digest", ""),
            size=doc.get("size", 0), files=MappingProxyType(doc.get("files", {})),
            created_at=moment(doc["created_at"]), created_by=doc["created_by"], updated_at=moment(doc["updated_at"]),
            signer=doc.get("signer", ""), deleted=bool(doc.get("deleted_at")), purged=bool(doc.get("purged_at")),
            warnings=tuple(doc.get("warnings", ())), receipt=receipt, reader=reader,
        )  # fmt: skip


def numbers(stored: Mapping[str, Any]) -> Mapping[str, float]:
    """Read metrics as stored: JSON has no NaN or infinities, they are the strings ``float()`` reads."""
    for value in stored.values():
        if type(value) is str:
            return {k: float(v) if type(v) is str else v for k, v in stored.items()}
    return stored


def storable(metrics: Mapping[str, float]) -> Document:
    """Inverse of ``numbers``."""
    return {k: v if math.isfinite(v) else repr(v) for k, v in metrics.items()}


@dataclass(frozen=True, slots=True)
class Annotation:
    """A note in a thread on a version or on a model.

    Attributes
    ----------
    target : str
        ``"churn/3"`` or ``"churn"``.
    text : str
        Markdown as typed.
    edits : tuple of (datetime, str, str)
        Earlier texts: when it was replaced, by whom, what it said.
    reply_to : int or None
        Id of the annotation this answers.
    """

    id: int
    target: str
    text: str
    kind: Kind
    author: str
    created_at: datetime
    reply_to: int | None = None
    edits: tuple[tuple[datetime, str, str], ...] = ()
    deleted: bool = False
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the audit: who, when, where, what, before, after, why."""

    seq: int
    time: datetime
    action: str
    target: str
    user: str
    host: str
    notebook: str | None
    cell: str | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    reason: str
    evidence: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """What one gate said: its name, whether it lets pass, and the evidence in a sentence and in figures."""

    gate: str
    passed: bool
    summary: str
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Promotion:
    """What a promotion, or a rollback, did or (``dry_run``) would do.

    Attributes
    ----------
    replaced : str or None
        Reference of the version that held the stage.
    evidence : tuple of GateResult
        What the gates said.
    shown : Shown or None
        Of a dry run: all that there was to see. Given as ``expect=``, it happens just so or not at all.
    """

    ref: str
    stage: Stage
    was: Stage
    replaced: str | None
    reason: str
    evidence: tuple[GateResult, ...]
    dry_run: bool
    time: datetime
    user: str
    receipt: Receipt | None = None
    shown: Shown | None = field(default=None, repr=False, compare=False)

    @property
    def passed(self) -> bool:
        """Whether every gate let it pass."""
        return all(g.passed for g in self.evidence)


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault that ``verify`` found: where (``journal seq 7``, ``blob ab12...``, ``checkpoint``) and what."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Report:
    """What ``verify`` looked at and found; true when there is no finding."""

    findings: tuple[Finding, ...]
    commits: int
    blobs: int
    bytes: int
    seals: int
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def __bool__(self) -> bool:
        return self.ok
