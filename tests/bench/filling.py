"""A large registry, quickly: one commit for each version, as registering makes them, but nothing is trained."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from nbregistry import Registry
from nbregistry.domain.commits import Actor, Commit, timestamp
from nbregistry.storage.store import Store
from nbregistry.storage.tiny import View
from tests.bench.catalogue import VERSIONS_EACH, document
from tests.bench.subjects import data, pipeline


def fill(folder: Path, home: Path, count: int, each: int = VERSIONS_EACH) -> int:
    """Commit ``count`` versions that look like the one registered first, each durably; ``each`` model has so many."""
    X, y = data()
    Registry(folder).register(pipeline(0), "template", X=X, y=y, metrics={"auc": 0.99})
    store, actor = Store(folder, home), Actor("ana", "bench", 1)
    view = store.view()
    like = {"models": dict(view.models[max(view.models)]), "versions": dict(view.versions[max(view.versions)])}
    captured = {key: like["versions"][key] for key in ("digest", "size", "files")}
    for number in range(count):
        doc = {**document(number, each), **captured}
        store.commit(actor, partial(_register, actor=actor, like=like, doc=doc))
    store.close()
    return count


def _register(view: View, *, actor: Actor, like: dict[str, Any], doc: dict[str, Any]) -> Commit:
    name, time = doc["name"], timestamp()
    own = {"name": name, "uid": doc["uid"], "last_number": doc["number"], "updated_at": time}
    model = view.index.model.get(name) or view.next_id("models")
    put = {
        "models": {model: {**like["models"], **own}},
        "versions": {view.next_id("versions"): {**like["versions"], **doc, "created_at": time, "updated_at": time}},
    }
    return Commit("register", doc["ref"], actor, time, put=put, after={"status": "READY"})
