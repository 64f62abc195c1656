"""Commits as the registry makes them, without a registry: small documents, the same rules for numbers and holders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbregistry.domain import commits
from nbregistry.domain.commits import Actor, Commit
from nbregistry.storage.store import Store
from nbregistry.storage.tiny import View

ANA = Actor("ana", "host", 1)

Build = Callable[[View], Commit]


def registers(name: str, *, key: str | None = None, digest: str = "", **fields: Any) -> Build:
    """The next version of a name."""

    def build(view: View) -> Commit:
        time = max(commits.timestamp(), view.time)
        number = len(view.index.numbers[name]) + 1
        model = view.index.model.get(name.casefold()) or view.next_id("models")
        doc = {
            "ref": f"{name}/{number}", "name": name, "number": number, "uid": f"uid-{name}", "status": "READY",
            "stage": "None", "aliases": [], "metrics": {"auc": number / 1000}, "params": {}, "tags": {},
            "digest": digest, "files": {"model": digest} if digest else {}, "created_by": "ana",
            "created_at": time, "updated_at": time,
            **fields,
        }  # fmt: skip
        put: dict[str, dict[int, Any]] = {
            "models": {model: {"name": name, "uid": f"uid-{name}", "last_number": number}},
            "versions": {view.next_id("versions"): doc},
        }
        if key:
            put["keys"] = {
                view.next_id("keys"): {"key": key, "action": "register", "target": doc["ref"], "seq": view.seq + 1}
            }
        return Commit("register", str(doc["ref"]), ANA, time, put=put, key=key)

    return build


def changes(ref: str, **fields: Any) -> Build:
    """A version with other fields."""

    def build(view: View) -> Commit:
        name, _, number = ref.partition("/")
        id_ = view.index.numbers[name][int(number)]
        time = max(commits.timestamp(), view.time)
        return Commit("change", ref, ANA, time, put={"versions": {id_: {**view.versions[id_], **fields}}})

    return build


def promotes(ref: str) -> Build:
    """A version in Production, and whoever was there archived, in one commit."""

    def build(view: View) -> Commit:
        name, _, number = ref.partition("/")
        numbers = view.index.numbers[name]
        id_, held = numbers[int(number)], view.index.holder.get((name, "Production"))
        put = {id_: {**view.versions[id_], "stage": "Production"}}
        if held is not None and numbers[held] != id_:
            put[numbers[held]] = {**view.versions[numbers[held]], "stage": "Archived"}
        return Commit("promote", ref, ANA, max(commits.timestamp(), view.time), put={"versions": put})

    return build


def filled(folder: Path, count: int = 6, *, name: str = "churn") -> Store:
    """A store with some versions and a promotion; close it yourself."""
    store = Store(folder, folder.parent / "home")
    for _ in range(count):
        store.commit(ANA, registers(name))
    store.commit(ANA, promotes(f"{name}/1"))
    return store


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path in it."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
