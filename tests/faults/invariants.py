"""What must hold in a registry whatever happened to it."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from nbregistry import Registry
from nbregistry.domain.lifecycle import Stage

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


def check_all(registry: Registry) -> None:
    """Chain, seals and artifacts are whole, numbers have no gaps, Production one holder ever, the view is the log's."""
    assert [] == [f"{f}" for f in registry.verify().findings]
    versions = documents(registry, "versions")
    numbers: dict[str, list[int]] = defaultdict(list)
    for doc in versions.values():
        numbers[doc["name"]].append(doc["number"])
    for name, found in numbers.items():
        assert list(range(1, len(found) + 1)) == sorted(found), name
    assert holders_ever(registry) == {d["ref"] for d in versions.values() if d["stage"] == Stage.PRODUCTION}
    folded = registry.as_of(FOREVER)
    for table in ("models", "versions", "annotations", "keys"):
        assert documents(folded, table) == documents(registry, table), table


def documents(registry: Registry, table: str) -> dict[int, Any]:
    """Return a table's documents by id."""
    return {doc.doc_id: dict(doc) for doc in registry.tables[table].all()}


def holders_ever(registry: Registry) -> set[str]:
    """Walk the audit, where at no line two versions of a model are in Production; return who is there at last."""
    stages: dict[str, str] = {}
    for event in registry.audit():
        if event.action == "rename":
            old, new = event.before["name"], event.after["name"]
            stages = {new + k.removeprefix(old) if k.split("/")[0] == old else k: v for k, v in stages.items()}
        elif event.action in ("promote", "rollback"):
            stages.update(event.after)
            of_model = [r for r, s in stages.items() if s == Stage.PRODUCTION and r.split("/")[0] == model_of(event)]
            assert len(of_model) <= 1, f"commit {event.seq}: {of_model} are all in Production"
    return {ref for ref, stage in stages.items() if stage == Stage.PRODUCTION}


def model_of(event: Any) -> str:
    return str(event.target).split("/", maxsplit=1)[0]
