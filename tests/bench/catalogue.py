"""The versions that registries are filled with: which model, which number, what metadata. Trains nothing."""

from __future__ import annotations

from typing import Any

VERSIONS_EACH = 50
TEAMS = 200


def model_name(number: int, each: int = VERSIONS_EACH) -> str:
    """Name the model of the ``number``-th filled version, ``each`` model having that many."""
    return f"model-{number // each:04d}"


def filled(number: int, each: int = VERSIONS_EACH) -> tuple[str, int]:
    """Return model and version number of the ``number``-th filled version."""
    return model_name(number, each), number % each + 1


def tags(number: int) -> dict[str, str]:
    """Return the tags of the ``number``-th filled version: one in 200 has a given team."""
    return {"team": f"team-{number * 7919 % TEAMS:03d}", "purpose": "benchmark"}


def document(number: int, each: int = VERSIONS_EACH) -> dict[str, Any]:
    """Return the metadata of the ``number``-th filled version, of the size that a real one has."""
    name, version = filled(number, each)
    return {
        "ref": f"{name}/{version}", "name": name, "number": version, "uid": f"{number // each:032x}",
        "status": "READY", "stage": "None", "aliases": [], "tags": tags(number),
        "metrics": {"auc": 0.5 + number * 7919 % 10_000 / 20_000, "log_loss": number * 31 % 1000 / 1000},
        "params": {f"clf__parameter_{i}": i / 7 for i in range(12)}, "changed": ["clf__parameter_3"],
        "description": "", "note": "filled by the benchmark", "flavor": "sklearn", "format": "cloudpickle",
        "estimator": "sklearn.pipeline.Pipeline", "digest": f"{number:064x}", "size": 2048,
        "files": dict.fromkeys(("model", "signature", "environment", "source", "profile"), f"{number:064x}"),
        "created_at": "2026-01-01T00:00:00.000000Z", "created_by": "ana", "updated_at": "2026-01-01T00:00:00.000000Z",
    }  # fmt: skip
