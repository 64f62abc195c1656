"""One of each thing that is shown, with plausible content; and the same with hostile text in every field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from nbregistry.config import Settings
from nbregistry.domain import diff
from nbregistry.domain.commits import Receipt
from nbregistry.domain.comparison import Comparison
from nbregistry.domain.entities import (
    Annotation,
    Event,
    Finding,
    GateResult,
    ModelVersion,
    Promotion,
    RegisteredModel,
    Report,
)
from nbregistry.domain.lifecycle import Kind, Stage, Status
from nbregistry.domain.results import Annotations, Card, Events, Models, Overview, Versions
from nbregistry.domain.signature import Column, Signature
from nbregistry.domain.tenure import How, Tenure, Tenures, Turn

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DIGEST = "ab12cd34ef56" + "0" * 52
RECEIPT = Receipt("q7c2m4", 57, "9f" * 32)

SIGNATURE = Signature(
    inputs=(
        Column("tenure", "int64"),
        Column("monthly_charges", "float64", nullable=True),
        Column("contract", "category", categories=("month", "year", "two years"), ordered=True),
        Column("since", "datetime64[ns, UTC]", extra={"tz": "UTC"}),
    ),
    outputs=(Column("", "int64", shape=(-1, 2)),),
)

FILES: dict[str, dict[str, Any]] = {
    "signature": SIGNATURE.as_document(),
    "environment": {
        "python": "3.11.9",
        "implementation": "CPython",
        "os": "Linux",
        "machine": "x86_64",
        "cpu": "2 cores",
        "packages": {"numpy": "2.4.6", "pandas": "3.1.1", "scikit-learn": "1.9.1", "scipy": "1.17.1"},
        "editable": ["ourlib"],
    },
    "source": {
        "notebook": "churn.ipynb",
        "git": {"commit": "9f86d081884c7d65", "branch": "main", "dirty": True},
        "cells": [{"id": "a1", "count": 3, "code": "clf.fit(X, y)", "ok": True}] * 12,
    },
    "profile": {"rows": 7043, "columns": [{}] * 4, "fingerprint": "x"},
}

OLDER: dict[str, dict[str, Any]] = {
    "signature": Signature(SIGNATURE.inputs[:3]).as_document(),
    "environment": {
        **FILES["environment"],
        "packages": {"numpy": "2.4.5", "scikit-learn": "1.9.1", "patsy": "1.0"},
        "editable": [],
    },
    "source": {**FILES["source"], "cells": [{"id": "a1", "count": 2, "code": "clf.fit(X)\nclf.C = 1", "ok": True}]},
    "profile": {"rows": 6000, "columns": [{}] * 3, "fingerprint": "y"},
}


def version(number: int = 3, **changes: Any) -> ModelVersion:
    """Return a version of churn."""
    made = ModelVersion(
        name="churn",
        number=number,
        uid="u1",
        status=Status.READY,
        status_reason="",
        stage=Stage.NONE,
        aliases=(),
        metrics={"auc": 0.9312, "brier": 0.0871, "n": 7043.0},
        params={"clf__C": 0.5, "clf__max_iter": 500, "clf__penalty": "l2", "scale__with_mean": True},
        changed_params=("clf__C", "clf__max_iter"),
        tags={"team": "risk"},
        description="",
        note="",
        flavor="sklearn",
        format="cloudpickle",
        estimator="sklearn.pipeline.Pipeline",
        digest=DIGEST,
        size=18_432,
        files={"model": DIGEST, **dict.fromkeys(FILES, DIGEST)},
        created_at=NOW - timedelta(hours=2),
        created_by="ana",
        updated_at=NOW - timedelta(hours=1),
        signer="ed25519:ab12cd34ef56ab12",
        deleted=False,
        purged=False,
        reader=None,
    )
    return replace(made, **changes)


def captured(found: ModelVersion, files: Mapping[str, dict[str, Any]]) -> ModelVersion:
    """Return the version with captured files to read."""
    digests = {name: f"{n:064x}" for n, name in enumerate(files)}
    by_digest = {digests[name]: document for name, document in files.items()}
    return replace(found, files={"model": DIGEST, **digests}, reader=lambda digest: by_digest[digest])


def comparison(count: int = 2) -> Comparison:
    """Return a comparison of two or three versions."""
    before, now = (
        captured(version(2, stage=Stage.PRODUCTION, metrics={"auc": 0.91, "rmse": 0.2}), OLDER),
        card().version,
    )
    now = replace(now, metrics={"auc": 0.9312, "rmse": 0.25, "n": 7043.0})
    between = captured(version(7, metrics={"auc": 0.99}), FILES)
    return diff.compare((before, now) if count == 2 else (before, between, now))


def versions() -> Versions:
    """Return four versions in four states."""
    return Versions(
        [
            version(
                4, status=Status.FAILED, status_reason="predicts other values than before", metrics={}, note="oops"
            ),
            version(3, stage=Stage.STAGING, aliases=("challenger",), note="less regularisation\nand more rounds"),
            version(
                2,
                stage=Stage.PRODUCTION,
                aliases=("champion", "blue"),
                metrics={"auc": 0.91, "brier": 0.102, "n": 7043.0},
                created_at=NOW - timedelta(days=3),
            ),
            version(
                1,
                stage=Stage.ARCHIVED,
                metrics={"auc": 0.5},
                tags={},
                created_by="josé",
                created_at=NOW - timedelta(90),
            ),
        ]
    )


def card() -> Card:
    """Return what %register shows."""
    now = version(
        3,
        stage=Stage.STAGING,
        aliases=("challenger",),
        note="less regularisation",
        description="Trained on **Q3** data, see [the report](https://example.org/q3).",
        metrics={"auc": 0.9312, "brier": 0.0871, "recall": 0.71},
        receipt=RECEIPT,
        warnings=("example: X was given as a generator", "A password in cell 4 was redacted."),
    )
    now = captured(now, FILES)
    metrics = {"auc": 0.91, "brier": 0.0871, "f1": 0.6}
    params = {**now.params, "clf__C": 1.0}
    before = captured(version(2, stage=Stage.PRODUCTION, metrics=metrics, params=params), OLDER)
    return Card(now, before, ("Two cells above were edited after they ran.",))


def model(**changes: Any) -> RegisteredModel:
    """Return a registered model."""
    made = RegisteredModel(
        name="churn",
        uid="0198b5e2-7c1d",
        description="# Churn\nWho leaves within *90 days*.\n\n- owner: risk\n- refreshed monthly\n\n> Not for pricing.",
        tags={"team": "risk", "tier": 1},
        created_at=NOW - timedelta(days=120),
        created_by="ana",
        updated_at=NOW - timedelta(minutes=5),
        last_number=4,
        versions=4,
        latest=3,
        stages={"Staging": 3, "Production": 2},
        aliases={"champion": 2, "challenger": 3},
        former_names=("attrition",),
    )
    return replace(made, **changes)


def thread() -> Annotations:
    """Return a thread with replies, an edit and a note taken back."""
    return Annotations(
        [
            Annotation(1, "churn/3", "Looks **good** on Q3.", Kind.NOTE, "ana", NOW - timedelta(days=2)),
            Annotation(
                2,
                "churn/3",
                "Recall drops for short contracts:\n\n| contract | recall |\n|---|---|\n| month | 0.61 |",
                Kind.WARNING,
                "josé",
                NOW - timedelta(days=1),
                reply_to=1,
                edits=((NOW - timedelta(hours=20), "josé", "Recall drops."),),
            ),
            Annotation(3, "churn/3", "Accepted, see `gate`.", Kind.DECISION, "ana", NOW, reply_to=2),
            Annotation(4, "churn/3", "nonsense", Kind.NOTE, "bo", NOW - timedelta(hours=3), deleted=True),
            Annotation(
                5, "churn/3", "Scored nulls as zero for an hour.", Kind.INCIDENT, "bo", NOW - timedelta(hours=1)
            ),
        ]
    )


def event(seq: int = 57, **changes: Any) -> Event:
    """Return one line of the audit."""
    made = Event(
        seq=seq,
        time=NOW - timedelta(minutes=30),
        action="promote",
        target="churn/3",
        user="ana",
        host="lab-1",
        notebook="/home/ana/churn.ipynb",
        cell="0c1d2e3f4a5b",
        before={"stage": "Staging", "holder": "churn/2"},
        after={"stage": "Production", "holder": "churn/3"},
        reason="AUC +2 pt",
        evidence={"ready": True},
        hash="9f" * 32,
    )
    return replace(made, **changes)


def events() -> Events:
    """Return an audit with a refusal."""
    return Events(
        [
            event(55, action="register", before={}, after={"number": 3, "status": "READY"}, reason=""),
            event(56, action="refuse", user="josé", notebook=None, cell=None, reason="expected churn/1 in Production"),
            event(57),
        ]
    )


def promotion(**changes: Any) -> Promotion:
    """Return a promotion that passed."""
    made = Promotion(
        ref="churn/3",
        stage=Stage.PRODUCTION,
        was=Stage.STAGING,
        replaced="churn/2",
        reason="AUC +2 pt on Q3",
        evidence=(
            GateResult("ready", True, "loaded back and checked when registered"),
            GateResult("better", True, "AUC is higher than that of churn/2", {"auc": 0.9312, "was": 0.91}),
        ),
        dry_run=False,
        time=NOW,
        user="ana",
        receipt=RECEIPT,
    )
    return replace(made, **changes)


def refused() -> Promotion:
    """Return a dry run that a gate would stop."""
    gates = (*promotion().evidence, GateResult("fair", False, "recall differs by 0.2 between groups", {"gap": 0.2}))
    return promotion(dry_run=True, evidence=gates, receipt=None)


def report(ok: bool = True) -> Report:
    """Return a verification."""
    found = () if ok else (Finding("journal seq 7", "its hash does not match"), Finding("blob ab12cd", "is missing"))
    return Report(found, 1204, 3381, 58_000_000, 12, 0.84, notes=("2 seals are by keys of other users.",))


def overview() -> Overview:
    """Return the status of a registry."""
    return Overview(
        "nbregistry",
        (
            ("Registry", "/home/ana/project/.nbregistry"),
            ("Decided by", "found"),
            ("Models", 12),
            ("Versions", 1204),
            ("Newest change", NOW - timedelta(minutes=3)),
            ("Trusted keys", ("ed25519:ab12cd34", "ed25519:cd34ef56")),
            ("Read-only", False),
        ),
        ("A torn tail of 12 bytes was set aside.",),
    )


def tenures(name: str | None = "churn", **more: Any) -> Tenures:
    """Return who was in production: a first version, one that was rolled back, the first again, and one now."""
    older = captured(version(2, metrics={"auc": 0.91, "recall": 0.7}, created_by="josé"), OLDER)
    newer = captured(
        version(3, metrics={"auc": 0.9312, "recall": 0.68, "n": 7043.0}, note="less regularisation"), FILES
    )
    turns = [
        Turn(10 + n, NOW - timedelta(days=days), by, why, how, promotion().evidence if how is How.PROMOTE else ())
        for n, (days, by, why, how) in enumerate((
            (200, "ana", "first model", How.PROMOTE), (30, "bo", "", How.PROMOTE),
            (29, "ana", "odd scores", How.ROLLBACK), (3, "josé", "AUC +2 pt on Q3", How.PROMOTE),
        ))
    ]  # fmt: skip
    held = (older, newer, older, newer)
    made = [
        Tenure(
            name="churn", number=held[n].number, digest=DIGEST, stage=Stage.PRODUCTION, since=turn.time,
            until=turns[n + 1].time if n < 3 else None, decided_by=turn.by, because=turn.because, how=turn.how,
            evidence=turn.evidence, replaced=held[n - 1].ref if n else None, ended=turns[n + 1] if n < 3 else None,
            replaced_by=held[n + 1].ref if n < 3 else None, notes=tuple(thread()[2:]) if n == 3 else (), seq=turn.seq,
            version=held[n], predecessor=held[n - 1] if n else None,
        )
        for n, turn in enumerate(turns)
    ]  # fmt: skip
    return Tenures(made[::-1], name=name, vacant=("fraud",), past=NOW, **more)


def everything() -> dict[str, object]:
    """Return one of each, by name."""
    return {
        "card": card(),
        "comparison": comparison(),
        "comparison of three": comparison(3),
        "section": comparison()["metrics"],
        "version": version(1),
        "failed": version(
            4, status=Status.FAILED, status_reason="predicts other values", metrics={}, files={}, signer=""
        ),
        "versions": versions(),
        "no versions": Versions(),
        "model": model(),
        "models": Models(
            [model(), model(name="fraud", description="", aliases={}, stages={}, latest=None, deleted=True)]
        ),
        "annotations": thread(),
        "annotation": thread()[1],
        "events": events(),
        "event": event(),
        "promotion": promotion(),
        "refused": refused(),
        "report": report(),
        "faults": report(ok=False),
        "signature": SIGNATURE,
        "overview": overview(),
        "settings": Settings.resolve("here"),
        "receipt": RECEIPT,
        "tenures": tenures(),
        "tenures of all": tenures(None),
        "past tenures": Tenures(tenures()[1:], name="churn", past=NOW),
        "tenure": tenures()[1],
        "no tenures": Tenures(name="churn", past=NOW),
    }


def poisoned(obj: Any, text: str) -> Any:
    """Return the object with ``text`` in place of every text in it, however deep, keys of mappings included.

    Enumerations and times stay: a registry never gives others. Versions keep a reader, whose files are poisoned too.
    """
    if isinstance(obj, Enum) or obj is None or isinstance(obj, bool | int | float | datetime):
        return obj
    if isinstance(obj, str):
        return text
    if isinstance(obj, Mapping):
        return {f"{text}{n}" if n else text: poisoned(value, text) for n, value in enumerate(obj.values())}
    if isinstance(obj, Versions | Models | Events | Annotations):
        return type(obj)([poisoned(part, text) for part in obj])
    if isinstance(obj, Tenures):
        name = None if obj.name is None else text
        return Tenures([poisoned(part, text) for part in obj], name=name, vacant=(text,), past=obj.past)
    if isinstance(obj, tuple | list):
        return type(obj)(poisoned(part, text) for part in obj)
    if isinstance(obj, ModelVersion):
        return _poisoned_version(obj, text)
    if is_dataclass(obj) and not isinstance(obj, type):
        return replace(obj, **{f.name: poisoned(getattr(obj, f.name), text) for f in fields(obj)})
    return obj


def _poisoned_version(obj: ModelVersion, text: str) -> ModelVersion:
    kept = {"files", "reader"}
    changed = {f.name: poisoned(getattr(obj, f.name), text) for f in fields(obj) if f.name not in kept}
    files = {**dict.fromkeys(FILES, text), text: text}
    # The reader is asked by digest and does not know which file is meant: it answers with all of them at once.
    document = {key: poisoned(value, text) for found in FILES.values() for key, value in found.items()}
    document["inputs"] = [{"name": text, "dtype": text, "categories": [text]}]
    return replace(obj, **changed, files=files, reader=lambda digest: document)
