"""Registering: look at the process once, store what is big, check that it comes back, and commit.

Everything slow is done before the writer lock is taken: under it only the number is settled and signed.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nbregistry.capture import dataset, environment, example, secrets, signature, source
from nbregistry.capture.boundary import attempt
from nbregistry.capture.git import Look
from nbregistry.capture.whereabouts import shell
from nbregistry.domain import values
from nbregistry.domain.commits import canonical
from nbregistry.domain.entities import ModelVersion, storable
from nbregistry.domain.graph import Graph
from nbregistry.domain.graph_documents import as_document
from nbregistry.domain.lifecycle import Stage, Status
from nbregistry.domain.refs import alias_name, model_name
from nbregistry.domain.tenure import AT_REGISTER
from nbregistry.errors import AlreadyExists, Conflict, InvalidInput, Refused, RegistryError
from nbregistry.flavors import table
from nbregistry.flavors.answers import same
from nbregistry.flavors.boundary import foreign
from nbregistry.flavors.protocol import Flavor, format_of
from nbregistry.registry import changing, labelling, loading, pinning
from nbregistry.registry.core import Change, Core, Done
from nbregistry.registry.progress import Progress
from nbregistry.registry.remembering import states_of
from nbregistry.storage.tiny import View
from nbregistry.types import Digest, Document


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asks to register, as given."""

    model: object
    name: str
    X: Any = None
    y: Any = None
    metrics: Mapping[str, Any] | None = None
    params: Mapping[str, Any] | None = None
    tags: Mapping[str, Any] | None = None
    note: str | None = None
    stage: str | Stage | None = None
    alias: str | None = None
    format: str | None = None
    key: str | None = None
    progress: Callable[[str], None] | None = None


@dataclass(slots=True)
class Draft:
    """A version on its way: the document so far, and what the user should hear of."""

    doc: Document
    flavor: Flavor
    files: dict[str, Digest] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


def register(core: Core, request: Request) -> tuple[ModelVersion, tuple[str, ...]]:
    """Register a model; returns the version and what the user should know of it. See ``Registry.register``."""
    core.writable("register")
    name, stage, alias = _wishes(request)
    if request.key is not None and (before := _known(core, request.key)) is not None:
        return before, (f"The key {request.key!r} was used before: this is the version it made.",)
    request = replace(request, model=pinning.pinned(core, request.model, name))
    look = source.start()
    _ = core.keyring.public_key  # its library is loaded before the environment is looked at, the first time as the next
    draft = _draft(request)
    with Progress(f"Registering {name}", request.progress) as progress:
        progress.step("looking at data and environment")
        inputs = _look(core, request, draft)
        progress.step("storing")
        _store(core, request, draft, progress=progress)
        progress.step("loading it back")
        _check(core, request, draft, inputs)
        _keep(core, draft, "source", _source(core, draft, look))
    done = _commit(core, name, draft, stage=stage, alias=alias, key=request.key)
    view = core.view()
    version = core.version(view, core.locate(view, done.target, trashed=True), done.receipt)
    core.remembered.note(request.model, version, draft.doc.get("states", ()))
    return version, tuple(draft.notices)


def _wishes(request: Request) -> tuple[str, Stage | None, str | None]:
    name = model_name(request.name)
    stage = None if request.stage is None else Stage.parse(request.stage)
    return name, stage, None if request.alias is None else alias_name(request.alias)


def _known(core: Core, key: str) -> ModelVersion | None:
    view = core.view()
    id_ = view.index.key.get(key)
    if id_ is None:
        return None
    doc = view.keys[id_]
    if doc["action"] != "register":
        raise Refused(f"The key {key!r} was used for {doc['action']} {doc['target']}; give register a key of its own.")
    return core.version(view, core.locate(view, doc["target"], trashed=True), core.receipt_of(doc["seq"]))


def _draft(request: Request) -> Draft:
    """Check everything that can be refused before anything is stored."""
    flavor = table.flavor_of(request.model)
    if flavor.is_fitted(request.model) is False:
        kind = type(request.model).__name__
        raise InvalidInput(f"This {kind} is not fitted: call .fit(X, y) first, then register it.")
    form = format_of(flavor, request.format or flavor.default(request.model))
    found = flavor.params(request.model)
    notices: list[str] = []
    params = {**found.values, **values.scalars(request.params, "parameter")}
    tags, clean = values.scalars(request.tags, "tag"), {}
    for kind, given in (("parameter", params), ("tag", tags)):
        for key, value in given.items():
            clean[kind, key], secret = secrets.redact_value(key, value)
            if secret:
                notices.append(f"The {kind} {key!r} looked like a secret and was not stored.")
    changed = [*found.changed, *(k for k in values.scalars(request.params, "parameter") if k not in found.changed)]
    doc: Document = {
        "status": Status.READY.value, "status_reason": "", "metrics": storable(values.metrics(request.metrics)),
        "params": {k: clean["parameter", k] for k in params}, "changed": changed,
        "tags": {k: clean["tag", k] for k in tags}, "description": "",
        "note": _clean(values.text(request.note, "The note"), "note", notices), "flavor": flavor.name,
        "format": form.name, "estimator": flavor.describe(request.model),
    }  # fmt: skip
    return Draft(doc, flavor, notices=notices)


def _clean(text: str, what: str, notices: list[str]) -> str:
    clean, found = secrets.redact(text)
    notices += [f"A secret ({f.kind}) in the {what}, line {f.line}, was not stored." for f in found]
    return clean


def _look(core: Core, request: Request, draft: Draft) -> Any:
    """Capture signature, data profile, example and environment; returns the example rows."""
    rows: Any = None
    warned = draft.notices
    nothing: Document = {}
    if request.X is not None:
        rows = attempt("input example", lambda: example.sample_example(request.X), None, warned)
        profile = attempt("data profile", lambda: dataset.profile(request.X, request.y), nothing, warned)
        _keep(core, draft, "profile", profile)
        if profile and (rows_of_y := _rows(request.y)) not in (None, profile["rows"]):
            warned.append(f"X has {profile['rows']:,} rows and y has {rows_of_y:,}: they do not belong together.")
        found = attempt("signature", lambda: signature.infer(request.X, request.y), None, warned)
        if rows is not None and found is not None:
            coded = attempt("input example", lambda: example.encode_example(rows, found), nothing, warned)
            _keep(core, draft, "example", coded)
    else:
        found = attempt("signature", lambda: signature.from_estimator(request.model), None, warned)
    if isinstance(request.model, Graph):
        _keep(core, draft, pinning.FLAVOR, as_document(request.model))
        if found is None:
            draft.files |= pinning.inherited(core, request.model)
    if found is None and "signature" not in draft.files:
        warned.append("No signature: give X= (--data X y) so that inputs can be checked when the model is served.")
    elif found is not None:
        _keep(core, draft, "signature", attempt("signature", found.as_document, {}, warned))
    around = attempt("environment", lambda: environment.capture_environment(request.model), nothing, warned)
    _keep(core, draft, "environment", around)
    return rows


def _rows(y: object) -> int | None:
    """Return how many rows a target has; None where that cannot be told."""
    shape = getattr(y, "shape", None)
    if isinstance(shape, tuple):
        return shape[0] if shape and isinstance(shape[0], int) else None
    return len(y) if isinstance(y, (list, tuple)) else None


def _keep(core: Core, draft: Draft, name: str, found: Document) -> None:
    if not found:
        return
    text = attempt(name, lambda: canonical(found), b"", draft.notices)
    if text:
        draft.files[name] = core.store.blobs.put(text)


def _store(core: Core, request: Request, draft: Draft, *, progress: Progress) -> None:
    with core.store.blobs.writing() as stream:
        draft.flavor.save(request.model, progress.watched(stream), draft.doc["format"], example=request.X)
    draft.files["model"] = stream.digest()
    draft.doc.update(digest=stream.digest(), size=stream.size)


def _check(core: Core, request: Request, draft: Draft, rows: Any) -> None:
    """Load the stored bytes once and predict: what does not come back the same is FAILED, with the reason."""
    doc, model = draft.doc, request.model
    form = format_of(draft.flavor, doc["format"])
    try:
        with core.store.blobs.verified(doc["digest"]) as file, foreign("Loading it back"):
            audit = draft.flavor.audit(file, form.name) if form.safe else ()
            file.seek(0)
            again = draft.flavor.load(file, form.name, estimator=doc["estimator"], trusted=audit)
        if states := states_of(model, again):
            doc["states"] = states
        if rows is None:
            return
        with foreign("Predicting on the example"):
            expected = draft.flavor.predict(model, rows)
        with foreign("Predicting with what was loaded back"):
            found = draft.flavor.predict(again, rows)
            # ONNX computes in its own precision; every other format must say exactly the same.
            if expected is None or same(expected, found, tolerance=1e-6 if form.name == "onnx" else 0.0):
                return
        with foreign("Predicting on the example again"):
            steady = same(expected, draft.flavor.predict(model, rows))
    except RegistryError as error:
        doc.update(status=Status.FAILED.value, status_reason=str(error)[:500])
        return
    if steady:
        doc.update(status=Status.FAILED.value, status_reason="loaded back, it predicts differently on the example")
    else:
        draft.notices.append(
            "Its predictions differ from call to call, so that it comes back the same was not checked."
        )


def _source(core: Core, draft: Draft, look: Look) -> Document:
    """Return notebook, cells and git state, with secrets taken out."""
    none: list[Document] = []
    nothing: tuple[Document, tuple[str, ...]] = ({}, ())
    cells = attempt("cells", lambda: core.cells(shell()), none, draft.notices)
    found, told = attempt("source", lambda: source.capture_source(cells, look), nothing, draft.notices)
    draft.notices += told
    return found


def _commit(core: Core, name: str, draft: Draft, *, stage: Stage | None, alias: str | None, key: str | None) -> Done:
    def build(view: View, time: str) -> Change:
        _present(core, draft)
        model_id, model = _model(core, view, name, time)
        number = model["last_number"] + 1
        id_ = view.next_id("versions")
        doc: Document = {
            **draft.doc, "ref": f"{model['name']}/{number}", "name": model["name"], "number": number,
            "uid": model["uid"], "stage": Stage.NONE.value, "aliases": [], "files": draft.files, "created_at": time,
            "updated_at": time, "created_by": core.settings.user,
        }  # fmt: skip
        if draft.notices:
            doc["warnings"] = [n[:300] for n in draft.notices[:10]]
        _sign(core, doc)
        after = {"ref": doc["ref"], "status": doc["status"], "digest": doc["digest"], "metrics": doc["metrics"]}
        put = {"models": {model_id: {**model, "last_number": number}}, "versions": {id_: doc}}
        return Change(doc["ref"], put, {}, after)

    done = core.change("register", build, reason=draft.doc["note"][: values.MAX_VALUE], key=key)
    if draft.doc["status"] == Status.READY.value:
        _place(core, done.target, draft, stage=stage, alias=alias)
    elif stage or alias:
        draft.notices.append("It is not ready, so it was given neither stage nor alias.")
    return done


def _place(core: Core, ref: str, draft: Draft, *, stage: Stage | None, alias: str | None) -> None:
    """Give the new version its stage and alias; a refusal leaves it registered and says why."""
    try:
        if stage is not None and stage is not Stage.NONE:
            changing.promote(
                core, ref, stage, because=AT_REGISTER, expect=None, dry_run=False, gates=core.gates, key=None
            )
        if alias is not None:
            labelling.alias(core, ref, alias, because=AT_REGISTER, expect=None, key=None)
    except Conflict as error:
        draft.notices.append(str(error))


def _present(core: Core, draft: Draft) -> None:
    """Under the lock: a purge in another process may have taken a shared blob since it was put."""
    for name, digest in draft.files.items():
        if not core.store.blobs.has(digest):
            raise AlreadyExists(f"The captured {name} was purged by another process meanwhile; register again.")


def _sign(core: Core, doc: Document) -> None:
    doc["signer"], doc["public_key"] = core.keyring.fingerprint, core.keyring.public_key
    doc["manifest_signature"] = core.keyring.sign(loading.manifest(doc))


def _model(core: Core, view: View, name: str, time: str) -> tuple[int, Document]:
    """Return the model's document, made where there is none, with a new identity when it comes after a deleted one."""
    id_ = view.index.model.get(name.casefold())
    fresh: Document = {
        "name": name, "uid": uuid.uuid4().hex, "description": "", "tags": {}, "created_at": time, "updated_at": time,
        "created_by": core.settings.user, "last_number": 0, "former_names": [],
    }  # fmt: skip
    if id_ is None:
        fresh["last_number"] = max(view.index.numbers.get(name, {0: 0}))
        return view.next_id("models"), fresh
    doc = view.models[id_]
    if doc["name"] != name:
        raise AlreadyExists(
            f"There is a model {doc['name']!r}; {name!r} differs only in case, and some disks cannot tell."
        )
    if "moved_to" in doc:
        id_, doc = core.model(view, name)
    if "deleted_at" in doc:
        return id_, {**fresh, "last_number": doc["last_number"]}
    return id_, {**doc, "updated_at": time}
